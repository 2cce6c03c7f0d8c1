"""Throughput: are the agents busy, and if not, is it you?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.attention import Rank, ordered, waiting
from orchestrator.commands import Stats, Throughput
from orchestrator.fleet import Fleet, Row
from orchestrator.metrics.figures import By, Figures
from orchestrator.metrics.lines import NOT_ENOUGH, bottleneck, cost, minutes, sheet
from orchestrator.metrics.since import since
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.looks import look_of, one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM
from orchestrator.tui.widgets.strips import LEGEND, Strips, glyph
from orchestrator.tui.widgets.top_line import TopLine

WINDOWS = (("5 minutes", 300, 2.0), ("hour", 3600, 5.0), ("day", 86400, 20.0))
"""Name, seconds, and how often it is drawn anew (seconds)."""
FIGURES_S = 15.0
"""How often the figures are asked for anew."""
GROUPS = (By.SESSION, By.AGENT, By.MODEL, By.REPO, By.TASK)


class ThroughputScreen(SessionActions, Screen[None]):
    """The chart, a strip for each session, and what the human costs today."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left_square_bracket", "window(-1)", "Window", key_display="[ ]", id="shorter", tooltip="5 min, 1 h, 1 day"
        ),
        Binding(
            "right_square_bracket", "window(1)", "Longer window", show=False, id="longer", tooltip="5 min, 1 h, 1 day"
        ),
        Binding("b", "group", "By", id="group", tooltip="Session, agent, model, repository, task"),
        Binding(
            "E", "export", "Export", id="export", tooltip="Write the figures as CSV and JSON into your home folder"
        ),
        Binding("escape", "leave", "Back", id="back"),
        *SessionActions.KEYS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._window = 1
        self._by = 0
        self._figures: Figures | None = None
        self._today: Figures | None = None
        self._drawn_at: datetime | None = None
        self._counted_at: datetime | None = None

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Strips()
        yield Static(id="bottleneck")
        yield Keys()

    def on_mount(self) -> None:
        self.strips.focus()
        self.watch(self.app, "fleet", self.show_fleet, init=False)
        self.set_interval(1, self._refresh)
        self.call_after_refresh(self._reload)

    @property
    def strips(self) -> Strips:
        return self.query_one(Strips)

    def current(self) -> Row | None:
        strips = self.strips
        if not strips.by_session or not 0 <= strips.cursor < len(strips.rows):
            return None
        return self._app.row(strips.rows[strips.cursor].id)

    def show_fleet(self, fleet: Fleet) -> None:
        del fleet
        self._draw()
        self.dim_keys()

    def on_resize(self) -> None:
        self._reload()

    def _refresh(self) -> None:
        """What is old by now is asked for again."""
        if not self.is_current or self._app.lost:
            return
        now = self._app.now()
        every = WINDOWS[self._window][2]
        if self._drawn_at is None or abs((now - self._drawn_at).total_seconds()) >= every:
            self.run_worker(self._load_picture(), exclusive=True, group="picture")
        if self._counted_at is None or abs((now - self._counted_at).total_seconds()) >= FIGURES_S:
            self.run_worker(self._load_figures(), exclusive=True, group="figures")

    def _reload(self) -> None:
        self._drawn_at = self._counted_at = None
        self._refresh()

    async def _load_picture(self) -> None:
        self._drawn_at = self._app.now()
        strips = self.strips
        ids = tuple(row.id for row in ordered(self._app.fleet))[:500]
        drawn = await self._app.ask(Throughput(window_s=WINDOWS[self._window][1], columns=strips.columns, sessions=ids))
        if drawn is not None:
            strips.drawn = drawn
            self._draw()

    async def _load_figures(self) -> None:
        now = self._counted_at = self._app.now()
        began = since(f"{WINDOWS[self._window][1] // 60}m", now)
        self._figures = await self._app.ask(Stats(since=began, by=GROUPS[self._by]))
        self._today = await self._app.ask(Stats(since=since("today", now)))
        self._draw()

    def _draw(self) -> None:
        if not self.is_attached:
            return
        strips = self.strips
        by = GROUPS[self._by]
        strips.by_session, strips.by = by is By.SESSION, by.value
        figures = self._figures if self._figures is not None and self._figures.by is by else None
        rows = ordered(self._app.fleet)
        strips.show(strips.drawn, rows, figures.groups if figures else (), figures.names if figures else {})
        strips.border_title = Content(f"Output tokens per second, last {WINDOWS[self._window][0]} — by {by.value}")
        strips.border_subtitle = Content("  ".join(f"{glyph(state)} {words}" for state, words in LEGEND))
        self.query_one("#bottleneck", Static).update(self._meter())

    def _meter(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        if self._today is None:
            return text
        text.append(f" {one_line(bottleneck(self._today.total.lost_s, self._today.waits))}", "bold")
        if (waits := len(waiting(self._app.fleet))) > 1:
            warning = self.strips.colour("warning")
            text.append(f"  {look_of(Rank.ASKS).glyph} {waits} at once", f"bold {warning}")
        spent = self._today.total.spending
        if spent.cost_sources:
            told = f"  {cost(spent)} today, by {', '.join(spent.cost_sources)}"
            text.append(told if text.cell_len + len(told) <= self.size.width else "", DIM)
        text.append("\n")
        at_once = self._today.parallelism or 0.0
        text.append(f" At work at once today: {at_once:.1f} on average, {self._today.peak} at most.", DIM)
        fit = self._today.fit
        if fit.enough and fit.recommended is not None and fit.interaction_s is not None:
            said = (
                f"  An answer takes you {minutes(fit.interaction_s)}: up to {fit.recommended} agents (a rule of thumb)."
            )
        else:
            said = f"  How many agents you keep busy: {NOT_ENOUGH}."
        return text.append(said, DIM)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        if action == "window" and not 0 <= self._window + int(str(parameters[0])) < len(WINDOWS):
            return Reason("There is no other window that way", "[ ] go over 5 minutes, 1 hour, 1 day")
        return super().why_not(action, parameters)

    def action_window(self, by: int) -> None:
        self._window = max(0, min(len(WINDOWS) - 1, self._window + by))
        self.refresh_bindings()
        self._reload()

    def action_group(self) -> None:
        self._by = (self._by + 1) % len(GROUPS)
        self._draw()
        self._reload()

    def action_export(self) -> None:
        """The figures that are on the screen, into two new files."""
        if self._figures is None:
            return
        base = Path.home() / f"orchestrator-stats-{self._app.now().astimezone():%Y%m%d-%H%M%S}"
        try:
            for suffix, content in ((".csv", sheet(self._figures)), (".json", self._figures.model_dump_json(indent=2))):
                with base.with_suffix(suffix).open("x") as file:
                    file.write(content)
        except OSError as error:
            self._app.complain(f"The figures were not written: {error}", "orchestrator stats --csv > FILE")
            return
        self._app.tell(f"written: {base}.csv and .json")

    def action_leave(self) -> None:
        self.app.pop_screen()
