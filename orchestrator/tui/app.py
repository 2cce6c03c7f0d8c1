"""The application: the link, the fleet as it is now, commands with their refusals, the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from orchestrator.attention import waiting
from orchestrator.commands import AddTasks, Attach, Command, Refused, Run, StopPlan
from orchestrator.fleet import Fleet, Row
from orchestrator.inbox.settings import AttentionSettings
from orchestrator.link import Link, LinkDown
from orchestrator.planner.ask import PlanReply
from orchestrator.planner.tasksfile import new_task
from orchestrator.tui import terminal
from orchestrator.tui.attaching import hand_over
from orchestrator.tui.attending import LOOK_S, Attending
from orchestrator.tui.looks import cut, number, one_line, plain, safe, short
from orchestrator.tui.pump import Pump
from orchestrator.tui.reasons import Reason
from orchestrator.tui.ringing import Ringing
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.terminal import environment


class Orchestrator(App[None]):
    """The dashboard."""

    TITLE = "orchestrator"
    CSS_PATH = "orchestrator.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", id="help", tooltip="All keys and all states"),
        Binding("colon", "command_palette", "Commands", id="commands", tooltip="Everything by name"),
        Binding("ctrl+p", "command_palette", "Commands", show=False),
        Binding("w,W", "next", "Next ▲", show=False, id="walk", tooltip="What is worth your attention most"),
        Binding("q", "quit", "Detach", id="detach", tooltip="Leave the dashboard; agents go on"),
    ]
    ENABLE_COMMAND_PALETTE = True

    fleet: reactive[Fleet] = reactive(Fleet(), always_update=True)
    lost: reactive[int] = reactive(0)  # attempts to reach the daemon that failed
    ansi_theme_dark = reactive(terminal.PALETTE, init=False)

    def __init__(
        self,
        link_factory: Callable[[], Link],
        repository: Path | None = None,
        revive: Callable[[], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        attention: AttentionSettings | None = None,
    ) -> None:
        super().__init__()
        self.link = link_factory()
        self.repository = repository
        self.now = now
        self.attention = attention or AttentionSettings()
        self.draft: dict[str, str] = {}  # an unsent task of the form
        self.planning: str | None = None  # id of the one under way
        self.goal = ""  # one of which no plan came yet
        self.plan: PlanReply | None = None  # a plan that was not launched yet
        self.known = False  # the fleet was read once; before that an empty one says nothing
        self.lost_why = ""
        self.said = 0  # seq of the newest notice that was shown
        self.wanted: str | None = None  # a session that was launched here, to be selected when it appears
        self._revive = revive
        self._asking: int | None = None  # how many asked at the last look
        self._attending = Attending(self)
        self._ringing = Ringing(self)
        self._inert = terminal.InertFilter()
        self._ascii = terminal.AsciiFilter(enabled=plain())

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self._write(terminal.TITLE_KEEP)
        self.push_screen(MainScreen())
        self.run_worker(Pump(self.link, self._show, self._lost, self._revive).run(), name="pump")
        self.set_interval(LOOK_S, self._attending.look)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(
            event, (events.Key, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp, events.Paste)
        ):
            self._attending.touched()
        await super().on_event(event)

    async def on_unmount(self) -> None:
        self._write(terminal.TITLE_BACK)
        if self.planning is not None:  # nobody is left to read it
            with suppress(LinkDown, Refused):
                await self.link.call(StopPlan(id=self.planning))
        await self.link.close()

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [*super().get_line_filters(), self._inert]
        return [*filters, self._ascii] if self._ascii.enabled else filters

    def get_key_display(self, binding: Binding) -> str:
        shown = super().get_key_display(binding)
        return binding.key.split(",")[0] if plain() and not shown.isascii() else shown

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While keys go through to a pane, none of them leaves the dashboard."""
        if action in ("quit", "help", "command_palette", "next") and getattr(self.focused, "typing", False):
            return False
        return super().check_action(action, parameters)

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

    async def ask_trusting(self, command: Command) -> Any:
        """Like :meth:`ask`; the repository's own commands are shown when they are new, and approved or not."""
        from orchestrator.tui.screens.confirm import approved

        try:
            return await self.ask(command)
        except Refused as refused:
            if refused.trust is None or not await approved(self, refused.trust):
                return None
            return await self.ask(command.model_copy(update={"trust": refused.trust.digest}))

    async def attempt(self, command: Command) -> Refused | None:
        """Carry ``command`` out; returns the refusal, for who says more about it than ``ask``."""
        try:
            await self.link.call(command)
        except Refused as refused:
            return refused
        except LinkDown:
            return Refused("the daemon cannot be reached", "it is tried again; nothing was done")
        return None

    def complain(self, message: str, hint: str = "") -> None:
        """Say what failed and what to do next."""
        text = cut(one_line(message), 400) + (f"\n→ {cut(one_line(hint), 200)}" if hint else "")
        self.notify(text, severity="error", timeout=8, markup=False)

    def refuse(self, reason: Reason) -> None:
        """Say why a key does nothing, and which one would."""
        text = f"{cut(one_line(reason.message), 400)}\n→ {cut(one_line(reason.hint), 200)}"
        self.notify(text, severity="warning", timeout=4, markup=False)

    def tell(self, message: str) -> None:
        if message:
            self.notify(cut(one_line(message), 400), timeout=3, markup=False)

    async def launch(self, command: Run) -> None:
        reply = await self.ask_trusting(command)
        if reply is not None:
            self.draft = {}
            self.wanted = reply.sessions[0] if reply.sessions else None
            if reply.names:
                self.tell("launched " + ", ".join(reply.names))
            if reply.queued:
                self.tell(f"{len(reply.queued)} wait in the queue: {reply.reason}")

    async def launch_plan(self, plan: PlanReply, repository: str) -> bool:
        """Queue every task of a plan, or none; True when all of it is on its way."""
        tasks = tuple(new_task(task, repository) for task in plan.tasks)
        reply = await self.ask_trusting(AddTasks(tasks=tasks, env=environment()))
        if reply is not None:
            self.tell(" · ".join((f"{number(len(reply.names), 'task')} queued, Q shows them", *reply.notes)))
        return reply is not None

    async def add_tasks(self, command: AddTasks) -> None:
        reply = await self.ask_trusting(command)
        if reply is not None:
            self.draft = {}
            self.tell("queued " + ", ".join(reply.names))

    async def attach(self, row: Row) -> None:
        """Give the terminal to the real pane until the human leaves it."""
        reply = await self.ask(Attach(session=row.id))
        if reply is not None and (problem := hand_over(self, reply)) is not None:
            self.complain(problem, f"in another terminal: orchestrator attach {row.name}")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of the screen as a command by name, then those of Textual's own that are of use here."""
        for _key, active in sorted(screen.active_bindings.items(), key=lambda item: item[1].binding.description):
            binding = active.binding
            if binding.id and binding.description and active.enabled and binding.action != "command_palette":
                action = binding.action
                yield SystemCommand(
                    f"{binding.description} ({self.get_key_display(binding)})",
                    binding.tooltip or binding.description,
                    lambda action=action: self.call_later(screen.run_action, action),
                )
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command

    def action_next(self, first: str | None = None) -> None:
        """The inbox, at the first item or at that of a session; Esc in it leads back here."""
        from orchestrator.tui.screens.inbox import open_inbox

        open_inbox(self, first)

    def action_help(self) -> None:
        from orchestrator.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def _show(self, fleet: Fleet) -> None:
        self.lost, self.known = 0, True
        if self.said == 0:
            self.said = fleet.seq  # what happened before the dashboard opened is in the log
        for envelope in fleet.notices:
            if envelope.seq > self.said and envelope.event.event == "noticed":
                self.said = envelope.seq
                level = {"info": "information", "warning": "warning"}.get(envelope.event.level, "error")
                words, about = safe(envelope.event.message)[:600], short(envelope.event.title)
                self.notify(words, title=about, severity=level, markup=False)  # type: ignore[arg-type]
        self._ringing.look(fleet)
        self._count(fleet)
        self.fleet = fleet

    @property
    def attended(self) -> bool:
        """A human is at this dashboard."""
        return self._attending.here(self.now())

    def speak(self, sequence: str) -> None:
        """Have the terminal itself tell something."""
        self._write(sequence)

    def _count(self, fleet: Fleet) -> None:
        """The terminal's title says how many wait."""
        if (asking := len(waiting(fleet))) != self._asking:
            self._asking = asking
            self._write(terminal.title(asking))

    def _lost(self, attempt: int, why: str) -> None:
        self.lost_why = why
        self.lost = attempt

    def _write(self, sequence: str) -> None:
        """Straight to the terminal: Textual has no word for its title."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)
