"""The radar: who would conflict with whom, in which order to land, and what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.commands import Foresee, LookInto, Send
from orchestrator.fleet import Fleet, Row
from orchestrator.sights import Cell, ClashReply, Sight, Turn
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.looks import number, one_line, safe
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.widgets.clash_view import ClashView
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM, Lines
from orchestrator.tui.widgets.matrix import Matrix
from orchestrator.tui.widgets.top_line import TopLine

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


class RadarScreen(SessionActions, Screen[None]):
    """The matrix of one repository; the keys of the main screen act on the session of the cursor's line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(*("enter", "look", "Hunks"), key_display="↵", id="radar-look", tooltip="The files and hunks behind it"),
        Binding("t", "tell", "Tell it", id="radar-tell", tooltip="Tell this agent what the other side did"),
        Binding("tab", "next", "Repository", show=False, id="radar-next", tooltip="The next repository"),
        Binding("escape", "leave", "Back", id="back"),
        *SessionActions.KEYS,
    ]

    def __init__(self, repository: str | None = None) -> None:
        super().__init__()
        self._repository = repository
        self._sights: tuple[Sight, ...] = ()
        self._known: tuple[object, ...] | None = None

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Matrix()
        yield Static(id="radar-cell")
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.query_one(Matrix).focus()

    def current(self) -> Row | None:
        turn = self.query_one(Matrix).turn
        return self._app.row(turn.session) if turn is not None else None

    def show_fleet(self, fleet: Fleet) -> None:
        """Load again when anything that the radar sees is different."""
        known = tuple((row.id, row.rivals, row.conflicts, row.landing, row.totals, row.target) for row in fleet)
        if known != self._known:
            self._known = known
            self.run_worker(self._load(), exclusive=True, group="load")
        else:
            self._draw()
        self.dim_keys()

    async def _load(self) -> None:
        reply = await self._app.ask(Foresee())
        if reply is not None:
            self._sights = reply.sights
            self.query_one(Matrix).loaded = True
            self._draw()

    def _draw(self) -> None:
        names = [sight.repository for sight in self._sights]
        if names and self._repository not in names:
            self._repository = names[0]
        sight = next((sight for sight in self._sights if sight.repository == self._repository), None)
        matrix = self.query_one(Matrix)
        matrix.show(sight, {row.id: row for row in self._app.fleet})
        where = one_line((self._repository or "").rstrip("/").rpartition("/")[2])
        more = f" · tab next of {len(names)}" if len(names) > 1 else ""
        matrix.border_title = Content(f"Radar — {where}{more}" if where else "Radar")
        matrix.border_subtitle = "in the order to land them"
        self._tell_cell()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self._tell_cell()
        self.dim_keys()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_look()

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        if action in ("look", "tell"):
            matrix = self.query_one(Matrix)
            cell = matrix.cell
            if matrix.turn is None:
                return Reason("No session has work that did not land", "esc goes back")
            if cell is None or not cell.conflicts:
                return Reason("Nothing is in conflict here", "← → ↑ ↓ go to a cell with ≠")
        return super().why_not(action, parameters)

    def action_leave(self) -> None:
        self.app.pop_screen()

    def action_next(self) -> None:
        names = [sight.repository for sight in self._sights]
        if self._repository in names:
            self._repository = names[(names.index(self._repository) + 1) % len(names)]
            self._draw()

    def action_look(self) -> None:
        matrix = self.query_one(Matrix)
        if matrix.turn is not None and matrix.cell is not None and matrix.cell.conflicts:
            self.app.push_screen(ClashScreen(matrix.turn, matrix.against))

    def action_tell(self) -> None:
        matrix = self.query_one(Matrix)
        if matrix.turn is not None:
            self._app.run_worker(tell(self._app, matrix.turn, matrix.against))

    def _tell_cell(self) -> None:
        """What the cell under the cursor means, and why its session has its place."""
        matrix = self.query_one(Matrix)
        text = Text()
        if (turn := matrix.turn) is not None:
            text.append(f" {one_line(turn.name)}", "bold").append(f"  {one_line(turn.why)}\n", DIM)
            text.append_text(_meaning(turn, matrix.against, matrix.cell, matrix))
        text.no_wrap, text.overflow = True, "ellipsis"
        self.query_one("#radar-cell", Static).update(text)


def _meaning(turn: Turn, against: Turn | None, cell: Cell | None, matrix: Matrix) -> Text:
    if against is not None and against.session == turn.session:
        return Text(" itself", DIM)
    other = one_line(against.name if against else turn.target)
    text = Text(f" × {other}  ")
    if cell is None:
        return text.append("not looked at yet", DIM)
    if cell.error:
        return text.append(f"git cannot say: {one_line(cell.error)}", matrix.colour("warning"))
    if cell.conflicts:
        paths = ", ".join(f"{one_line(one.path)} ({one_line(one.kind)})" for one in cell.conflicts[:4])
        return text.append(f"{number(len(cell.conflicts), 'file')} in conflict: {paths}", matrix.colour("error"))
    if cell.shared:
        return text.append(f"both change {number(cell.shared, 'file')}, and merge cleanly", DIM)
    return text.append("nothing in common", DIM)


class ClashScreen(Screen[None]):
    """The files and hunks behind a cell. ``against`` None: the target."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "tell(True)", "Tell the first", id="clash-tell", tooltip="Tell the first what the other side did"),
        Binding("T", "tell(False)", "Tell the other", id="clash-tell-other", tooltip="Tell the other what it did"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def __init__(self, turn: Turn, against: Turn | None) -> None:
        super().__init__()
        self._turn, self._against = turn, against

    def compose(self) -> ComposeResult:
        yield TopLine()
        with ClashView() as view:
            other = self._against.name if self._against else self._turn.target
            view.border_title = Content(f"{one_line(self._turn.name)} × {one_line(other)}")
        yield Keys()

    def on_mount(self) -> None:
        self.run_worker(self._load(), exclusive=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "tell" or parameters == (True,) or self._against is not None

    async def _load(self) -> None:
        app: Orchestrator = self.app  # type: ignore[assignment]
        reply = await app.ask(_question(self._turn, self._against))
        if reply is not None:
            self.query_one(ClashView).show(reply)

    def action_leave(self) -> None:
        self.app.pop_screen()

    def action_tell(self, first: bool) -> None:
        app: Orchestrator = self.app  # type: ignore[assignment]
        if first:
            app.run_worker(tell(app, self._turn, self._against))
        elif self._against is not None:
            app.run_worker(tell(app, self._against, self._turn))


def _question(turn: Turn, against: Turn | None) -> LookInto:
    return LookInto(session=turn.session, other=against.session if against else "")


async def tell(app: Orchestrator, turn: Turn, against: Turn | None) -> None:
    """Show the agent's message for editing, then send it."""
    reply: ClashReply | None = await app.ask(_question(turn, against))
    if reply is None:
        return
    if not reply.to_one:
        app.refuse(Reason(f"{one_line(reply.one)} and {one_line(reply.other)} merge cleanly by now", "esc goes back"))
        return
    text = await app.push_screen_wait(
        Prompt(f"Message to {one_line(turn.name)}", initial=safe(reply.to_one), tall=True)
    )
    if text:
        done = await app.ask(Send(session=turn.session, text=text))
        if done is not None:
            app.tell(done.message)
