"""The application: the link, the fleet as it is now, commands with their refusals, the palette."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from orchestrator.commands import Attach, AttachReply, Command, Refused, Run
from orchestrator.fleet import Fleet, Row
from orchestrator.link import Link, LinkDown
from orchestrator.tui.looks import one_line
from orchestrator.tui.pump import Pump
from orchestrator.tui.screens.main import MainScreen


class Orchestrator(App[None]):
    """The dashboard."""

    TITLE = "orchestrator"
    CSS_PATH = "orchestrator.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", id="help"),
        Binding("colon", "command_palette", "Commands", id="commands"),
        Binding("q", "quit", "Detach", id="detach", tooltip="Leave the dashboard; agents go on"),
    ]
    ENABLE_COMMAND_PALETTE = True

    fleet: reactive[Fleet] = reactive(Fleet(), always_update=True)
    lost: reactive[int] = reactive(0)  # attempts to reach the daemon that failed

    def __init__(
        self, link_factory: Callable[[], Link], repository: Path | None = None, revive: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self.link = link_factory()
        self.repository = repository
        self.draft: dict[str, str] = {}  # an unsent task of the form
        self.said = 0  # seq of the newest notice that was shown
        self._revive = revive

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self.push_screen(MainScreen())
        self.run_worker(Pump(self.link, self._show, self._lost, self._revive).run(), name="pump")

    async def on_unmount(self) -> None:
        await self.link.close()

    def row(self, session: str | None) -> Row | None:
        """The session as it is now; None when it is gone."""
        return next((row for row in self.fleet if row.id == session), None) if session else None

    async def ask(self, command: Command) -> Any:
        """Carry ``command`` out; a refusal is shown with its next step, and None is returned."""
        try:
            return await self.link.call(command)
        except Refused as refused:
            if refused.trust is not None:
                raise
            self.complain(refused.message, refused.hint)
        except LinkDown:
            self.complain("The daemon cannot be reached", "it is tried again; nothing was done")
        return None

    def complain(self, message: str, hint: str = "") -> None:
        """Say what failed and what to do next."""
        text = one_line(message) + (f"\n→ {one_line(hint)}" if hint else "")
        self.notify(text, severity="error", timeout=8, markup=False)

    def tell(self, message: str) -> None:
        if message:
            self.notify(one_line(message), timeout=3, markup=False)

    async def launch(self, command: Run) -> None:
        """Launch, and ask about the repository's set-up commands when they are new."""
        from orchestrator.tui.screens.confirm import Confirm

        try:
            reply = await self.ask(command)
        except Refused as refused:
            trust = refused.trust
            wanted = "\n".join(f"  {text}" for text in trust.commands) if trust is not None else ""
            question = f"Run these in every new worktree of this repository?\n\n{wanted}"
            if not await self.push_screen_wait(Confirm("Set-up commands", question, "Approve")):
                return
            reply = await self.ask(
                command.model_copy(update={"trust_setup": trust.digest if trust is not None else None})
            )
        if reply is not None:
            self.draft = {}
            self.tell("launched " + ", ".join(reply.names))

    async def attach(self, row: Row) -> None:
        """Give the terminal to the real pane until the human leaves it."""
        reply = await self.ask(Attach(session=row.id))
        if reply is None:
            return
        self._hand_over(row, reply)

    def _hand_over(self, row: Row, reply: AttachReply) -> None:
        inside = os.environ.get("TMUX", "").split(",")[0]
        if inside and os.path.realpath(inside) == os.path.realpath(reply.socket):
            subprocess.run([*reply.argv[:3], "switch-client", "-t", f"={reply.target}"], check=False)
            return
        env = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        try:
            with self.suspend():
                print(f"{row.name}: leave it with ctrl+b d" + (" (your prefix twice)" if inside else ""))  # noqa: T201
                subprocess.run(reply.argv, env=env, check=False)
        except SuspendNotSupported:
            self.complain("This terminal cannot be handed over", f"in another one: orchestrator attach {row.name}")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of the screen as a command by name, then Textual's own."""
        for _key, active in sorted(screen.active_bindings.items(), key=lambda item: item[1].binding.description):
            binding = active.binding
            if binding.id and binding.description and active.enabled and binding.action != "command_palette":
                action = binding.action
                yield SystemCommand(
                    f"{binding.description} ({binding.key_display or binding.key})",
                    binding.tooltip or binding.description,
                    lambda action=action: self.call_later(screen.run_action, action),
                )
        yield from super().get_system_commands(screen)

    def action_help(self) -> None:
        from orchestrator.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def _show(self, fleet: Fleet) -> None:
        self.lost = 0
        if self.said == 0:
            self.said = fleet.seq  # what happened before the dashboard opened is in the log
        for envelope in fleet.notices:
            if envelope.seq > self.said and envelope.event.event == "noticed":
                self.said = envelope.seq
                level = {"info": "information", "warning": "warning"}.get(envelope.event.level, "error")
                self.notify(envelope.event.message, title=envelope.event.title, severity=level, markup=False)  # type: ignore[arg-type]
        self.fleet = fleet

    def _lost(self, attempt: int) -> None:
        self.lost = attempt
