"""The main screen: the fleet left, the selected session's terminal and who needs you right (below, when narrow)."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen

from orchestrator.attention import comes_back
from orchestrator.commands import ResumeAll, See
from orchestrator.fleet import Fleet, Row
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.looks import listed, one_line
from orchestrator.tui.opening import Opening
from orchestrator.tui.reasons import Reason
from orchestrator.tui.terminal import environment
from orchestrator.tui.widgets.filter_line import FilterLine
from orchestrator.tui.widgets.fleet_table import FleetTable
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.lost_line import LostLine
from orchestrator.tui.widgets.needs_you import NeedsYou
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.top_line import TopLine
from sessions.models import ENDED, State

SEEN_AFTER_S = 2.0


class MainScreen(Opening, SessionActions, Screen[None]):
    """Where the human lives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="↵", id="open", tooltip="Live pane, transcript, diff and events"),
        Binding("w", "next", "Next ▲", id="next", tooltip="What is worth your attention most, and so on"),
        Binding("n", "new", "New", id="new", tooltip="Start an agent on a new task"),
        *SessionActions.KEYS,
        Binding("R", "resume_all", "Resume all", show=False, id="resume_all", tooltip="Bring back all that were lost"),
        *Opening.KEYS,
        Binding("space", "mark", "Mark", show=False, id="mark", tooltip="Mark for a merge train; m lands the marked"),
        Binding("plus", "matters(1)", "Matters more", show=False, id="more", tooltip="Twice as much in the order"),
        Binding("minus", "matters(-1)", "Matters less", show=False, id="less", tooltip="Half as much"),
        Binding("slash", "filter", "Filter", show=False, id="filter", tooltip="Show only what matches"),
        Binding("escape", "clear", "Clear the filter", show=False, id="clear", tooltip="Show all"),
        Binding("1", "focus('#fleet')", "Fleet", show=False),
        Binding("2", "focus('#pane')", "Live pane", show=False),
        Binding("3", "focus('#needs-you')", "Needs you", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield LostLine()
        with Container(id="main"):
            yield FleetTable()
            with Vertical(id="right"):
                yield PaneView()
                yield NeedsYou()
        yield FilterLine()
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.watch(self.app, "lost", self.show_lost, init=False)
        self.watch(self.pane, "typing", self.show_typing, init=False)
        self.set_interval(1, self.tick)
        self.table.focus()

    @property
    def table(self) -> FleetTable:
        return self.query_one(FleetTable)

    @property
    def pane(self) -> PaneView:
        return self.query_one(PaneView)

    def current(self) -> Row | None:
        return self.table.selected

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        reason = super().why_not(action, parameters)
        if reason is None and action == "resume_all" and not any(comes_back(row) for row in self._app.fleet):
            return Reason("No session was lost", "r resumes the selected one after its program ended")
        row = self.current()
        if reason is None and action == "variants" and (row is None or row.group is None):
            return Reason("It is no variant of others", "launch some: orchestrator run --variants A,B TASK")
        return reason

    def show_fleet(self, fleet: Fleet) -> None:
        if not self._app.known:
            return
        self.table.update_fleet(fleet)
        self.query_one(NeedsYou).update_fleet(fleet)
        wanted = self._app.wanted
        if wanted is not None and self.table.select(wanted):
            self._app.wanted = None
        self._frame_title()
        self.dim_keys()

    def show_lost(self, lost: int) -> None:
        self.set_class(lost > 0, "lost")
        self._frame_title()
        self.dim_keys()

    def show_typing(self, typing: bool) -> None:
        """Keys belong to the pane, or again to the fleet."""
        if not typing and self.pane.has_focus:
            self.table.focus()
        self._frame_title()

    def tick(self) -> None:
        """Ages grow, on the screen that is seen."""
        if self.is_current:
            self.table.tick()
            needs = self.query_one(NeedsYou)
            if needs.size.height and needs.display:
                needs.refresh()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        if isinstance(event.lines, NeedsYou) and self.focused is event.lines and event.lines.selected is not None:
            self.table.select(event.lines.selected.id)
        row = self.current()
        self.pane.session = row.id if row is not None else None
        self._frame_title()
        self.dim_keys()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if isinstance(event.lines, NeedsYou):
            self.action_next(event.lines.selected)
        else:
            self.action_open()

    def action_open(self) -> None:
        needs = self.query_one(NeedsYou)
        if needs.has_focus and needs.selected is not None:
            self.action_next(needs.selected)
        elif (row := self.current()) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self.app.push_screen(SessionScreen(row.id))

    def action_next(self, first: Row | None = None) -> None:
        self._app.action_next(first.id if first is not None else None)

    def action_new(self) -> None:
        from orchestrator.tui.screens.new import new_task

        self._app.run_worker(new_task(self._app))

    def action_resume_all(self) -> None:
        self._app.run_worker(self._resume_all())

    async def _resume_all(self) -> None:
        """Start them all again, and say which did not start and why."""
        said = await self._app.ask(ResumeAll(env=environment()))
        if said is None:
            return
        if said.names:
            self._app.tell(f"{listed(said.names)} {'goes' if len(said.names) == 1 else 'go'} on")
        for name, why in said.failed.items():
            message, _, hint = why.partition(" → ")
            self._app.complain(f"{name} did not start: {message}", hint)

    def action_mark(self) -> None:
        self.table.toggle_mark()

    def action_merge(self) -> None:
        """One session, or the marked ones together."""
        if not self.table.marked:
            super().action_merge()
            return
        from orchestrator.tui.screens.train import TrainScreen

        marked, self.table.marked = tuple(self.table.marked), []
        self.table.refresh()
        self.app.push_screen(TrainScreen(marked))

    def action_filter(self) -> None:
        self.query_one(FilterLine).open(self.table.filter)

    def on_input_changed(self, event: FilterLine.Changed) -> None:
        event.stop()
        self.table.narrow(event.value, self._app.fleet)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.kept:
            self.table.narrow("", self._app.fleet)
        self.table.focus()

    def action_clear(self) -> None:
        if self.pane.has_focus or self.query_one(NeedsYou).has_focus:
            self.table.focus()
        elif self.table.filter:
            self.table.narrow("", self._app.fleet)

    def action_type(self) -> None:
        if self.current() is not None:
            self.pane.focus()
            self.pane.typing = True
            self._frame_title()

    def _frame_title(self) -> None:
        row = self.current()
        pane = self.pane
        if row is None:
            pane.border_title, pane.border_subtitle = "2 Live", ""
            return
        gone = self._app.lost or row.status.state in ENDED
        mode = "typing, ctrl+] leaves" if pane.typing else "its last picture" if gone else "live"
        pane.border_title = Content(f"2 {one_line(row.name)} — {mode}")
        behind = f" ↓{row.drift.behind}" if row.drift and row.drift.behind else ""
        others = [one_line(other.name) for rival in row.rivals if (other := self._app.row(rival.session)) is not None]
        if row.conflicts:
            others.insert(0, one_line(row.target))
        conflict = f"  ≠ {listed(others)}" if others else ""
        if row.outdated:
            conflict += f"  ≈ read {one_line(row.outdated[0])}{' …' if len(row.outdated) > 1 else ''}"
        changed = f"+{row.totals.added} −{row.totals.removed}"
        pane.border_subtitle = Content(
            f"{one_line(row.branch)}  {changed}  base {one_line(row.target)}{behind}{conflict}"
        )
        if row.state is State.DONE and self.is_current and self.app.app_focus:
            self._app.run_worker(self._see(row.id), group="see")

    async def _see(self, session: str) -> None:
        """What is shown as the selected session counts as seen after a moment."""
        await asyncio.sleep(SEEN_AFTER_S)
        row = self.current()
        if self.is_current and row is not None and row.id == session and row.state is State.DONE:
            await self._app.ask(See(session=session))
