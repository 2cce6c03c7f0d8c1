"""The caps, a line for each measure: what is capped, what is spent, what is left."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.content import Content

from orchestrator.budgets.ask import BudgetReply, Line, Measure
from orchestrator.budgets.telling import HEAD, cells, limits
from orchestrator.tui.looks import cut, filled, one_line, plain
from orchestrator.tui.widgets.lines import Lines

METER = 10
EMPTY = (
    "Nothing is capped.",
    "",
    'cap a session:  orchestrator budget NAME --set "$5"',
    'cap a day:      [budget] day = "$20" in your settings',
)


class CapsList(Lines):
    """Columns: whose cap, of what, measure, cap, spent, left, and a meter where there is room."""

    head_lines: ClassVar[int] = 1
    BORDER_TITLE = "Budget"

    def __init__(self) -> None:
        super().__init__(id="caps")
        self.rows: list[tuple[Line, Measure | None, tuple[str, ...]]] = []
        self.loaded = False

    @property
    def selected(self) -> tuple[Line, Measure | None] | None:
        return self.rows[self.cursor][:2] if 0 <= self.cursor < len(self.rows) else None

    def show(self, reply: BudgetReply) -> None:
        """Put what the supervisor said on the screen; the cursor stays with its cap."""
        before = self.selected
        self.loaded = True
        self.rows = [
            (line, measure, row)
            for line in reply.lines
            for measure, row in zip(line.measures or (None,), cells(line), strict=True)
            if line.measures or line.lifted
        ]
        if before is not None:
            keys = [(line.key, measure.field if measure else "") for line, measure, _ in self.rows]
            known = (before[0].key, before[1].field if before[1] else "")
            if known in keys:
                self.set_reactive(CapsList.cursor, keys.index(known))
        self.border_subtitle = Content(" · ".join(one_line(text) for text in limits(reply, self.now())))
        self.measure()

    def count(self) -> int:
        return len(self.rows)

    def draw_head(self, line: int, width: int) -> Text:
        if not self.rows:
            return Text("")
        text = Text(" ", f"bold {self.colour('')}")
        for name, size, right in self._columns(width):
            text.append(name.rjust(size) + "  " if right else name.ljust(size) + "  ")
        return text

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        _, measure, row = self.rows[index]
        colour = ""
        if measure is not None:
            colour = "error" if measure.reached else "warning" if measure.spent >= 0.8 * measure.cap else ""
        text = self.mark(selected)
        for (_, size, right), value in zip(self._columns(width), row[:6], strict=False):
            shown = cut(one_line(value), size)
            text.append(" " * (size - Text(shown).cell_len) + shown if right else filled(shown, size))
            text.append("  ")
        room = width - text.cell_len
        if measure is not None and room > METER + 6:
            full = min(METER, int(measure.spent / measure.cap * METER))
            on, off = ("#", ".") if plain() else ("█", "░")
            text.append(on * full, self.colour(colour or "primary")).append(off * (METER - full) + " ", self.colour(""))
        said = cut(one_line(row[6]), width - text.cell_len)
        return text.append(said, self.colour(colour) if colour or (measure and measure.unpriced) else self.colour(""))

    def draw_empty(self, line: int, width: int) -> Text:
        at = line - max(1, (self.size.height - len(EMPTY)) // 3)
        if not self.loaded or not 0 <= at < len(EMPTY):
            return Text("")
        left = max(1, (width - max(len(word) for word in EMPTY)) // 2)
        return Text(" " * left + cut(EMPTY[at], width - left), "" if at == 0 else self.colour(""))

    def _columns(self, width: int) -> list[tuple[str, int, bool]]:
        sizes = [7, 0, 10, 6, 8, 6]
        least = 14 if width < 100 else 34
        sizes[1] = max(8, min(least, width - sum(sizes) - 27))
        return [(name, size, n > 2) for n, (name, size) in enumerate(zip(HEAD[:6], sizes, strict=True))]
