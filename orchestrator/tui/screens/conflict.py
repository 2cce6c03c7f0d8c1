"""A session's conflicts with its target: each side, the result so far, and who could help. Nothing is touched here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import TextArea

from orchestrator.commands import AskAgent, Conflicts, ConflictsReply, Resolve, Resolved
from orchestrator.fleet import Fleet
from orchestrator.tui.deciding import Deciding
from orchestrator.tui.looks import number, one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.terminal import environment
from orchestrator.tui.widgets.conflict_view import ConflictFiles, ConflictResult, ConflictSides
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.top_line import TopLine
from worktrees.problems import Pick, Problem, Take

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

_OPEN = Reason("Nothing is open to be decided", "esc goes back")


class ConflictScreen(Screen[None]):
    """What is decided is kept by the daemon at once; leaving loses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "take('ours')", "Ours", id="conflict-ours", tooltip="As the target has it"),
        Binding("t", "take('theirs')", "Theirs", id="conflict-theirs", tooltip="As the session has it"),
        Binding("b", "take('both')", "Both", id="conflict-both", tooltip="Both; again: in the other order"),
        Binding("v", "take('base')", "Before", show=False, id="conflict-base", tooltip="As it was before both"),
        Binding("e", "edit", "Edit", id="conflict-edit", tooltip="Write it yourself; ctrl+s keeps it"),
        Binding("n", "next", "Next open", id="conflict-next", tooltip="The next that nobody decided"),
        Binding("right_square_bracket", "hunk(1)", "Next hunk", show=False, id="conflict-hunk"),
        Binding("left_square_bracket", "hunk(-1)", "Hunk before", show=False, id="conflict-hunk-before"),
        Binding("z", "undo", "Undo", show=False, id="conflict-undo", tooltip="Take the last decision back"),
        Binding("Z", "redo", "Redo", show=False, id="conflict-redo"),
        Binding("r", "offered", "Offered", show=False, id="conflict-offered", tooltip="Take what is offered; again"),
        Binding("P", "proposal", "Proposal", show=False, id="conflict-proposal", tooltip="All as the agent proposes"),
        Binding("A", "ask", "Ask agent", show=False, id="conflict-ask", tooltip="Let an agent propose"),
        Binding("R", "reload", "Load again", show=False, id="conflict-reload"),
        Binding(*("enter", "accept", "Accept"), key_display="↵", id="conflict-accept", tooltip="The branch gets it"),
        Binding("ctrl+s", "keep_edit", "Keep edit", show=False, priority=True),
        Binding("escape", "leave", "Back", id="back", priority=True),
    ]

    def __init__(self, session: str) -> None:
        super().__init__()
        self._session = session
        self._reply: ConflictsReply | None = None
        self._deciding = Deciding(())
        self._hunk = 0
        self._offer = -1
        self._dirty = self._keeping = False
        self._asked: tuple[object, ...] | None = None

    @property
    def _app(self) -> Orchestrator:
        app: Orchestrator = self.app  # type: ignore[assignment]
        return app

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield ConflictFiles()
        yield ConflictSides()
        yield ConflictResult()
        yield TextArea("", id="conflict-editor", compact=True, soft_wrap=False)
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextArea).display = False
        self.query_one(ConflictFiles).focus()
        self.watch(self.app, "fleet", self.show_fleet)

    def show_fleet(self, fleet: Fleet) -> None:
        """Load again when an agent that was asked begins, rests or is judged; what is decided stays."""
        asked = tuple((row.id, row.status.state, row.checks) for row in fleet if row.resolves == self._session)
        if asked != self._asked:
            self._asked = asked
            self.action_reload()

    async def _load(self) -> None:
        reply: ConflictsReply | None = await self._app.ask(Conflicts(session=self._session))
        if reply is None:
            self.query_one(ConflictFiles).message = "There is nothing to decide. esc goes back"
            self.query_one(ConflictFiles).measure()
            return
        if self._reply is None or self._reply.work != reply.work:
            self._deciding, self._hunk = Deciding(reply.problems, reply.draft), 0
        self._reply = reply
        files = self.query_one(ConflictFiles)
        files.deciding = self._deciding
        files.measure()
        self._draw()

    @property
    def _problem(self) -> Problem | None:
        problems = self._deciding.problems
        return problems[self.query_one(ConflictFiles).cursor] if problems else None

    @property
    def _editing(self) -> bool:
        return bool(self.query_one(TextArea).display)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "keep_edit":
            return self.is_mounted and self._editing
        return True

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        if isinstance(event.lines, ConflictFiles):
            self._hunk, self._offer = 0, -1
            self._draw()

    def on_conflict_sides_taken(self, event: ConflictSides.Taken) -> None:
        event.stop()
        self.action_take(event.key)

    def action_take(self, key: str) -> None:
        problem = self._problem
        if problem is None:
            return self._app.refuse(_OPEN)
        offered = {choice.key for choice in problem.choices}
        if offered and (self._at_choice(problem) or not problem.hunks):
            if key not in offered:
                return self._app.refuse(Reason("That is no way out of this conflict", "the choices name their keys"))
            self._deciding.choose(problem, key)
        elif problem.hunks:
            self._deciding.pick(problem, self._hunk, _side(key, self._deciding.picks(problem)[self._hunk]))
        self._decided()
        return None

    def _at_choice(self, problem: Problem) -> bool:
        """Whether a key is about the choice: that comes before the hunks."""
        return bool(problem.choices) and not self._deciding.resolution(problem).choice

    def action_edit(self) -> None:
        problem = self._problem
        if problem is None or not problem.hunks:
            self._app.refuse(Reason("There is no text to edit here", "take a side: the choices name their keys"))
            return
        pick = self._deciding.picks(problem)[self._hunk] or Pick(take=Take.OURS_THEIRS)
        area = self.query_one(TextArea)
        area.text = pick.of(problem.hunks[self._hunk])
        area.border_title = Content(f"{one_line(problem.path)}, hunk {self._hunk + 1} — ctrl+s keeps it · esc drops it")
        area.display, self.query_one(ConflictResult).display = True, False
        area.focus()

    def action_keep_edit(self) -> None:
        problem = self._problem
        if problem is not None:
            text = self.query_one(TextArea).text
            self._deciding.pick(problem, self._hunk, Pick(take=Take.EDIT, text=text))
            self._end_edit()
            self._decided()

    def _end_edit(self) -> None:
        self.query_one(TextArea).display, self.query_one(ConflictResult).display = False, True
        self.query_one(ConflictFiles).focus()

    def action_next(self) -> None:
        place = self._deciding.next_open(self.query_one(ConflictFiles).cursor, self._hunk)
        if place is None:
            self._app.refuse(Reason("All is decided", "↵ accepts it"))
            return
        self._go(*place)

    def action_hunk(self, by: int) -> None:
        if (problem := self._problem) is not None and problem.hunks:
            self._go(self.query_one(ConflictFiles).cursor, max(0, min(len(problem.hunks) - 1, self._hunk + by)))

    def _go(self, problem: int, hunk: int) -> None:
        files = self.query_one(ConflictFiles)
        with files.prevent(Lines.Moved):
            files.cursor = problem
        self._hunk, self._offer = hunk, -1
        self._draw()

    def action_undo(self) -> None:
        self._decided() if self._deciding.undo() else self._app.refuse(Reason("Nothing was decided here", "o t b e"))

    def action_redo(self) -> None:
        self._decided() if self._deciding.redo() else self._app.refuse(Reason("Nothing was taken back", "z does that"))

    def action_offered(self) -> None:
        problem, known = self._problem, self._reply.offers if self._reply else ()
        offers = [one for one in known if problem is not None and one.resolution.problem == problem.id]
        if not offers:
            self._app.refuse(Reason("Nothing is offered for this file", "A asks an agent"))
            return
        self._offer = (self._offer + 1) % len(offers)
        offer = offers[self._offer]
        self._deciding.take(offer.resolution)
        self._decided()
        self._app.tell(f"as offered: {one_line(offer.by)}")

    def action_proposal(self) -> None:
        """Take all that an agent proposes, its other files too."""
        ready = [one for one in self._reply.proposals if one.tree] if self._reply else []
        if not ready or self._reply is None:
            states = [f"{one.session}: {one.state}" for one in self._reply.proposals] if self._reply else []
            said = one_line(", ".join(states)) or "No agent was asked"
            self._app.refuse(Reason(said, "R loads it again" if states else "A asks one"))
            return
        its = [offer.resolution for offer in self._reply.offers if offer.by == ready[0].session]
        self._deciding.take(*its, proposal=ready[0].tree)
        self._decided()
        also = f"; besides: {', '.join(ready[0].also[:3])}" if ready[0].also else ""
        self._app.tell(one_line(f"as {ready[0].session} proposes{also}"))

    def action_ask(self) -> None:
        self._app.run_worker(ask(self._app, self._session))

    def action_reload(self) -> None:
        self.run_worker(self._load(), exclusive=True, group="load")

    @work
    async def action_accept(self) -> None:
        reply, deciding = self._reply, self._deciding
        if reply is None:
            self._app.refuse(_OPEN)
            return
        if deciding.open and not deciding.now.proposal:
            self._app.refuse(Reason(f"{number(deciding.open, 'decision')} open", "n goes to the next one"))
            return
        files = number(len(deciding.problems), "file")
        text = (
            f"{files}: {deciding.summary()}\n\n{one_line(reply.theirs)} gets the merge of {one_line(reply.ours)}; its "
            "worktree is brought along after a snapshot. Nothing lands yet, and z takes it back."
        )
        if not await self._app.push_screen_wait(Confirm("Accept what was decided?", text, "Accept", "Not yet")):
            return
        command = Resolve(
            session=self._session,
            work=reply.work,
            resolutions=deciding.all(),
            proposal=deciding.now.proposal or None,
        )
        done: Resolved | None = await self._app.ask(command)
        if done is None:
            self.action_reload()
            return
        self._app.tell(done.message)
        self.dismiss(None)

    def action_leave(self) -> None:
        if self._editing:
            self._end_edit()
        else:
            self.dismiss(None)

    def _decided(self) -> None:
        self._draw()
        self._dirty = True
        if not self._keeping:
            self._keeping = True
            self._app.run_worker(self._keep(), name="keep what was decided")

    async def _keep(self) -> None:
        """One after the other, so that the last word is the one that stays."""
        try:
            while self._dirty:
                self._dirty = False
                await self._app.ask(Resolve(session=self._session, resolutions=self._deciding.all(), keep=True))
        finally:
            self._keeping = False

    def _draw(self) -> None:
        if self._reply is not None and (problem := self._problem) is not None:
            _picture(self, self._reply, problem, self._deciding, self._hunk)


def _side(key: str, before: Pick | None) -> Pick:
    """What a key takes; both a second time: in the other order."""
    if key != "both":
        return Pick(take=Take(key))
    again = before is not None and before.take is Take.OURS_THEIRS
    return Pick(take=Take.THEIRS_OURS if again else Take.OURS_THEIRS)


async def ask(app: Orchestrator, session: str) -> None:
    """Let the human name an agent, and start it on the conflicts."""
    row = app.row(session)
    if row is None:
        return
    agent = await app.push_screen_wait(Prompt("Which agent shall propose?", initial=one_line(row.agent)))
    if not agent:
        return
    reply = await app.ask_trusting(AskAgent(session=session, agent=agent.strip(), env=environment()))
    if reply is not None:
        app.tell(f"{reply.names[0]} works on it; R loads its proposal, P takes it")


def _picture(screen: ConflictScreen, reply: ConflictsReply, problem: Problem, deciding: Deciding, at: int) -> None:
    """Draw the files, the sides of hunk ``at`` and the result."""
    files, sides = screen.query_one(ConflictFiles), screen.query_one(ConflictSides)
    title = f"{one_line(reply.theirs)} × {one_line(reply.ours)}"
    for proposal in reply.proposals:
        checks = f", {one_line(proposal.checks)}" if proposal.checks else ""
        state = "P takes all that it proposes" if proposal.tree else one_line(proposal.state)
        title += f" — {one_line(proposal.session)}: {state}{checks}"
    files.border_title = Content(title)
    files.border_subtitle = Content(f"{deciding.total - deciding.open} of {deciding.total} decided")
    files.refresh()
    pick = deciding.picks(problem)[at] if problem.hunks else None
    taken = pick.take if pick is not None else deciding.resolution(problem).choice
    sides.show(problem, at, (one_line(reply.ours), one_line(reply.theirs)), taken)
    hunks = len(problem.hunks)
    sides.border_title = Content(one_line(problem.path) + (f" — hunk {at + 1} of {hunks}" if hunks else ""))
    by = list(dict.fromkeys(one.by for one in reply.offers if one.resolution.problem == problem.id))
    sides.border_subtitle = Content(f"r takes what is offered: {one_line(', '.join(by))}" if by else "")
    result = screen.query_one(ConflictResult)
    result.show(deciding, problem, at)
    result.border_title = "Result so far"
