"""What a human does to one session, the same on every screen that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import actions, events
from textual.binding import Binding, BindingType

from orchestrator.commands import Interrupt, Pause, Prioritise, Resume, Send, Update
from orchestrator.fleet import Row
from orchestrator.inbox.ask import LEAST, MOST
from orchestrator.tui.editing import edit, editor
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason, why_not
from orchestrator.tui.terminal import environment

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


class SessionActions:
    """Mixed into a screen. ``current()`` is the session that keys act on. A key that cannot act is dim and says why."""

    KEYS: ClassVar[list[BindingType]] = [
        Binding("s", "send", "Send", id="send", tooltip="Send a message to the agent"),
        Binding("o", "attach", "Attach", id="attach", tooltip="Go to the agent's own terminal"),
        Binding("m", "merge", "Merge", id="merge", tooltip="Land its work on the target"),
        Binding("x", "interrupt", "Interrupt", show=False, id="interrupt", tooltip="Interrupt what it does now"),
        Binding(
            "D", "drop", "Drop", show=False, id="drop", tooltip="Remove session, worktree and branch; work is kept"
        ),
        Binding("d", "diff", "Diff", show=False, id="diff", tooltip="Everything that it changed"),
        Binding(
            "v", "review", "Review", show=False, id="review", tooltip="Look at its work: mark, comment, pick, land"
        ),
        Binding("h", "history", "History", show=False, id="history", tooltip="Its snapshots: compare, restore"),
        Binding("c", "checks", "Checks", show=False, id="checks", tooltip="Its checks: how they came out, live output"),
        Binding("X", "conflicts", "Conflicts", show=False, id="conflicts", tooltip="Decide what conflicts, by hunk"),
        Binding("u", "update", "Update", show=False, id="update", tooltip="Merge the target into its branch"),
        Binding(
            "p", "pause", "Hold or release", show=False, id="pause", tooltip="Hold its processes, or let them go on"
        ),
        Binding("r", "resume", "Resume", show=False, id="resume", tooltip="Start an ended agent again"),
        Binding("i", "type", "Type", show=False, id="type", tooltip="Type into its pane; ctrl+] leaves"),
        Binding("e", "edit", "Edit", show=False, id="edit", tooltip="Open its worktree in your editor"),
        Binding("z", "undo", "Undo", show=False, id="undo", tooltip="Take the newest operation back: merge, drop …"),
        Binding("y", "copy", "Copy path", show=False, id="copy", tooltip="Copy the path of its worktree"),
    ]

    app: Any
    active_bindings: Any
    is_mounted: bool
    _dim: frozenset[str] = frozenset()

    def current(self) -> Row | None:
        raise NotImplementedError

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        """What stands in the way of a key now."""
        return why_not(action, self.current(), lost=self._app.lost > 0, editor=bool(editor()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None makes Textual draw the key dim and not act; False hides it, as all are while keys go to a pane."""
        if getattr(self.app.focused, "typing", False):
            return False
        return None if self.is_mounted and self.why_not(action, parameters) else True

    def on_key(self, event: events.Key) -> None:
        """A dim key was pressed: Textual passes it on."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.node is not self:
            return
        _, action, parameters = actions.parse(active.binding.action)
        if (reason := self.why_not(action, parameters)) is not None:
            event.stop()
            self._app.refuse(reason)

    def dim_keys(self) -> None:
        """After a change of the session: draw the footer again if other keys can act now."""
        dim = frozenset(key for key, active in self.active_bindings.items() if not active.enabled)
        if dim != self._dim:
            self._dim = dim
            self.refresh_bindings()  # type: ignore[attr-defined]

    @property
    def _app(self) -> Orchestrator:
        app: Orchestrator = self.app
        return app

    def action_send(self) -> None:
        row = self.current()
        if row is None:
            return
        from orchestrator.tui.screens.prompt import Prompt

        def send(text: str | None) -> None:
            if text:
                self._app.run_worker(self._tell(Send(session=row.id, text=text)))

        self._app.push_screen(Prompt(f"Message to {one_line(row.name)}", "What should it do next?"), send)

    def action_attach(self) -> None:
        if (row := self.current()) is not None:
            self._app.run_worker(self._app.attach(row))

    def action_merge(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.merge import MergeScreen

            self._app.push_screen(MergeScreen(row.id))

    def action_interrupt(self) -> None:
        if (row := self.current()) is not None:
            self._app.run_worker(self._tell(Interrupt(session=row.id)))

    def action_drop(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.drop import drop

            self._app.run_worker(drop(self._app, row))

    def action_diff(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self._app.push_screen(SessionScreen(row.id, tab="diff"))

    def action_review(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.review import ReviewScreen

            self._app.push_screen(ReviewScreen(row.id))

    def action_history(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self._app.push_screen(SessionScreen(row.id, tab="history"))

    def action_checks(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self._app.push_screen(SessionScreen(row.id, tab="checks"))

    def action_conflicts(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.conflict import ConflictScreen

            self._app.push_screen(ConflictScreen(row.id))

    def action_update(self) -> None:
        if (row := self.current()) is not None:
            self._app.run_worker(self._tell(Update(session=row.id)))

    def action_pause(self) -> None:
        if (row := self.current()) is not None:
            self._app.run_worker(self._tell(Pause(session=row.id, paused=not row.paused)))

    def action_resume(self) -> None:
        if (row := self.current()) is not None:
            self._app.run_worker(self._tell(Resume(session=row.id, env=environment())))

    def action_matters(self, by: int) -> None:
        """It matters more, or less, than it did."""
        if (row := self.current()) is not None:
            priority = max(LEAST, min(MOST, row.priority + by))
            self._app.run_worker(self._tell(Prioritise(session=row.id, priority=priority)))

    def action_undo(self) -> None:
        from orchestrator.tui.screens.undo import undo

        self._app.run_worker(undo(self._app))

    def action_edit(self) -> None:
        if (row := self.current()) is not None and (problem := edit(self._app, row)) is not None:
            self._app.complain(problem.message, problem.hint)

    def action_copy(self) -> None:
        if (row := self.current()) is not None:
            self._app.copy_to_clipboard(row.worktree)
            self._app.tell(f"copied {row.worktree}")

    async def _tell(self, command: Any) -> None:
        reply = await self._app.ask(command)
        if reply is not None:
            self._app.tell(reply.message)
