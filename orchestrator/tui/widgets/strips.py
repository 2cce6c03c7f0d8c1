"""Output tokens per second of all, and below on the same time axis a strip of states for each session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from orchestrator.fleet import Row
from orchestrator.metrics.asking import Drawn
from orchestrator.metrics.figures import Group
from orchestrator.metrics.lines import cost, minutes, output, percent
from orchestrator.metrics.states import Spent
from orchestrator.tui.looks import age, cut, filled, look, one_line, plain
from orchestrator.tui.widgets.lines import DIM, Lines

STATES = {
    Spent.WORKING: ("█", "#", "primary"),
    Spent.BACKGROUND: ("▒", "=", "primary"),
    Spent.BLOCKED: ("▲", "!", "warning"),
    Spent.UNREVIEWED: ("✓", "+", "success"),
    Spent.IDLE: ("·", ".", ""),
    Spent.RATE_LIMITED: ("◔", "l", "warning"),
    Spent.FAILED: ("✗", "x", "error"),
    Spent.LOST: ("✗", "x", "error"),
    Spent.UNKNOWN: ("?", "?", ""),
    Spent.PAUSED: ("‖", "-", ""),
    Spent.SUSPENDED: ("z", "z", ""),
    Spent.ENDED: ("□", "e", ""),
}
"""Each state is a glyph of its own; the colour only helps."""
LEGEND = ((Spent.WORKING, "works"), (Spent.BLOCKED, "waits for you"), (Spent.UNREVIEWED, "done"), (Spent.IDLE, "idle"))
_BARS = " ▁▂▃▄▅▆▇█"
FIGURES = 31
"""Cells of the figures behind a strip."""


def glyph(state: Spent) -> str:
    shown, ascii_, _ = STATES[state]
    return ascii_ if plain() else shown


def bar(share: float, row: int, rows: int) -> str:
    """One cell of a column that is ``share`` (0 to 1) of ``rows`` high; row 0 is the lowest."""
    eighths = min(8, max(0, round(share * rows * 8) - row * 8))
    return ("#" if eighths >= 4 else " ") if plain() else _BARS[eighths]


class Strips(Lines):
    """A chart, the time axis, a head, then a line for each session or group."""

    def __init__(self) -> None:
        super().__init__(id="throughput")
        self.drawn: Drawn | None = None
        self.groups: Sequence[Group] = ()
        self.names: Mapping[str, str] = {}
        self.rows: Sequence[Row] = ()
        self.by_session = True
        self.by = "session"

    @property
    def chart(self) -> int:
        """Lines of the chart."""
        return 8 if self.size.height >= 26 else 4

    @property
    def head_lines(self) -> int:  # type: ignore[override]
        return self.chart + 2

    @property
    def label(self) -> int:
        """Cells before the time axis."""
        return 28 if self.size.width >= 100 else 22

    @property
    def columns(self) -> int:
        """Parts of the time axis."""
        return max(10, self.size.width - self.label - FIGURES - 1)

    def show(self, drawn: Drawn | None, rows: Sequence[Row], groups: Sequence[Group], names: Mapping[str, str]) -> None:
        self.drawn, self.rows, self.groups, self.names = drawn, rows, groups, names
        self.measure()

    def count(self) -> int:
        return len(self.rows) if self.by_session else len(self.groups)

    def draw_head(self, line: int, width: int) -> Text:
        if line == self.chart:
            return self._axis()
        if line > self.chart:
            head = filled(f"  {'state   name' if self.by_session else self.by}", self.label + 1 + self.columns)
            return Text(head + f"{'busy':>6}{'lost':>8}{'out':>8}{'cost':>9}", DIM)
        rates = self.drawn.rates if self.drawn is not None else ()
        top = max(rates, default=0.0)
        says = f"{top:,.0f} tok/s " if line == 0 and top else "0 " if line == self.chart - 1 else ""
        text = Text().append(f"{says:>{self.label}}", DIM)
        row = self.chart - 1 - line
        drawn = "".join(bar(rate / top if top else 0.0, row, self.chart) for rate in rates)
        return text.append(" ").append(drawn, self.colour("primary"))

    def _axis(self) -> Text:
        if self.drawn is None:
            return Text("")
        began = age((self.drawn.until - self.drawn.since).total_seconds())
        words = filled(f"{began} ago", self.columns - 3) + "now"
        return Text(" " * (self.label + 1)).append(words, DIM)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        text = self.mark(selected)
        if not self.by_session:
            group = self.groups[index]
            wide = self.label + self.columns
            name = one_line(self.names.get(group.key, group.key)) or "–"
            text.append(filled(cut(f" {name}", wide), wide))
            return text.append(self._figures(group))
        row = self.rows[index]
        seen = look(row)
        style = self.colour(seen.colour)
        text.append(filled(f" {seen.text}", 8), f"bold {style}" if seen.bold else style)
        text.append(filled(cut(one_line(row.name), self.label - 10), self.label - 8))
        for state in self.drawn.states.get(row.id, ()) if self.drawn is not None else ():
            text.append(glyph(state) if state else " ", self.colour(STATES[state][2]) if state else "")
        found = next((group for group in self.groups if group.key == row.id), None)
        text.append(" " * max(0, self.label + 1 + self.columns - text.cell_len))
        return text.append(self._figures(found)) if found is not None else text

    def _figures(self, group: Group) -> str:
        lost = minutes(group.lost_s) if group.lost_s >= 1 else "·"
        busy = percent(group.utilisation)
        return f"{busy:>6}{lost:>8}{output(group.spending):>8}{cost(group.spending):>9}"

    def draw_empty(self, line: int, width: int) -> Text:
        return Text("") if line else Text("  No session is there.", DIM)
