"""The first line of every screen: who needs you, what the fleet does, how fast, at which cost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

from orchestrator.attention import Rank, rank
from orchestrator.budgets.caps import WARN, of_today
from orchestrator.budgets.telling import ratio
from orchestrator.fleet import Fleet
from orchestrator.throughput import series
from orchestrator.tui.looks import bars, look_of, money
from orchestrator.tui.widgets.lines import DIM

WINDOW = timedelta(minutes=4)
BUCKETS = 8
_WORDS = (
    (Rank.ASKS, "need you", "text-warning"),
    (Rank.CONFLICT, "in conflict", "text-error"),
    (Rank.FAILED, "failed", "text-error"),
    (Rank.WONDERS, "asks in words", "text-warning"),
    (Rank.WORKS, "running", "text-primary"),
    (Rank.RESTS, "idle", ""),
    (Rank.READY, "ready", "text-success"),
)


class TopLine(Widget):
    """One line. It draws itself again only when its words changed."""

    def __init__(self) -> None:
        super().__init__()
        self._text = Text("")
        self._right = Text("")

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.compute_text)
        self.watch(self.app, "lost", self.compute_text)
        self.set_interval(1, self.compute_text)

    def on_resize(self) -> None:
        self.compute_text()

    def compute_text(self) -> None:
        fleet: Fleet = self.app.fleet  # type: ignore[attr-defined]
        lost: int = self.app.lost  # type: ignore[attr-defined]
        left, right = self._lost(lost) if lost else self._counts(fleet), Text("") if lost else self._rates(fleet)
        if (left, right) != (self._text, self._right):
            self._text, self._right = left, right
            self.refresh()

    def _lost(self, attempt: int) -> Text:
        why: str = self.app.lost_why  # type: ignore[attr-defined]
        words = f"daemon not understood: {why}" if why else "daemon unreachable"
        return Text(" orchestrator", "bold").append(
            f"   ⌁ {words} — retrying ({attempt})", "bold " + self._colour("text-error")
        )

    def _counts(self, fleet: Fleet) -> Text:
        wide = self.app.size.width >= 110
        counts = Counter(rank(row) for row in fleet)
        text = Text(" orchestrator " if wide else " orch ", "bold")
        for where, words, colour in _WORDS:
            if not counts[where]:
                continue
            style = ("bold " if where is Rank.ASKS else "") + self._colour(colour)
            glyph = look_of(where).glyph
            text.append(f"  {glyph} {counts[where]} {words}" if wide else f"  {glyph}{counts[where]}", style)
        if waiting := len(fleet.queue.waiting):
            text.append(f"  + {waiting} queued" if wide else f"  +{waiting}", self._colour(""))
        return text

    def _rates(self, fleet: Fleet) -> Text:
        responses = [response for row in fleet for response in row.responses]
        values = series(responses, self.app.now(), WINDOW, BUCKETS)  # type: ignore[attr-defined]
        costs = [row.cost_usd for row in fleet if row.cost_usd is not None]
        text = Text("")
        if responses:
            text.append(bars(values) + " ", self._colour("text-primary"))
        text.append(f"{values[-1]:.0f} tok/s")
        if today := self._today(fleet):
            text.append_text(today)
        elif costs:
            text.append(f"  {money(sum(costs))}")
        return text.append(" ")

    def _today(self, fleet: Fleet) -> Text | None:
        """What is spent today of what may be, in the measure of which the most is spent."""
        measure = of_today(fleet, self.app.now())  # type: ignore[attr-defined]
        if measure is None:
            return None
        warning = measure.spent >= WARN * measure.cap
        return Text(f"  {ratio(measure)} today", self._colour("text-warning") if warning else "")

    def _colour(self, name: str) -> str:
        return self.app.theme_variables.get(name, DIM) if name else DIM

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text = self._text.copy()
        text.no_wrap = True
        gap = width - text.cell_len - self._right.cell_len
        if gap > 0:
            text.append(" " * gap).append_text(self._right)
        segments = list(text.render(self.app.console, end=""))
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
