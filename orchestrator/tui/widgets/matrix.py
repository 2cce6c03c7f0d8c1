"""The radar's matrix: sessions in the order in which they might land, each against its target and every other one."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from orchestrator.attention import Rank
from orchestrator.fleet import Row
from orchestrator.sights import Cell, Sight, Turn
from orchestrator.tui.looks import cut, filled, look, look_of, one_line, plain
from orchestrator.tui.widgets.lines import DIM, Lines

CELL = 6
EMPTY = (
    "Nothing to compare.",
    "Every session with work that did not land is held against its target and all others here.",
)


class Matrix(Lines):
    """Up and down go through the sessions, left and right through what each is held against."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "column(-1)", "Left", show=False),
        Binding("right", "column(1)", "Right", show=False),
    ]
    head_lines: ClassVar[int] = 1
    column: reactive[int] = reactive(0)
    """0 is the target, then the sessions in the order of the rows."""

    def __init__(self) -> None:
        super().__init__(id="matrix")
        self.sight: Sight | None = None
        self.loaded = False
        self.rows: dict[str, Row] = {}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._first = 0  # the first session whose column is seen

    @property
    def turns(self) -> tuple[Turn, ...]:
        return self.sight.order if self.sight else ()

    @property
    def turn(self) -> Turn | None:
        """The session of the cursor's line."""
        return self.turns[self.cursor] if self.turns else None

    @property
    def against(self) -> Turn | None:
        """The session of the cursor's column; None: the target."""
        return self.turns[self.column - 1] if 0 < self.column <= len(self.turns) else None

    @property
    def cell(self) -> Cell | None:
        """What is under the cursor; None where nothing is known, or a session meets itself."""
        return self._at(self.turn, self.against) if self.turn else None

    def show(self, sight: Sight | None, rows: dict[str, Row]) -> None:
        """Draw a repository; the cursor stays on its two sessions."""
        turn, against = self.turn, self.against
        self.sight, self.rows = sight, rows
        self._cells = {}
        for cell in sight.cells if sight else ():
            self._cells[cell.one, cell.other] = cell
            if cell.other:
                self._cells[cell.other, cell.one] = cell
        places = {turn.session: n for n, turn in enumerate(self.turns)}
        self.measure()
        if turn is not None and turn.session in places:
            self.cursor = places[turn.session]
        self.column = places[against.session] + 1 if against is not None and against.session in places else 0
        self.refresh()

    def count(self) -> int:
        return len(self.turns)

    def validate_column(self, column: int) -> int:
        return max(0, min(column, len(self.turns)))

    def watch_column(self) -> None:
        self._scroll()
        self.refresh()
        self.post_message(self.Moved(self))

    def action_column(self, by: int) -> None:
        self.column += by

    def on_resize(self) -> None:
        super().on_resize()
        self._scroll()

    def draw_head(self, line: int, width: int) -> Text:
        if not self.turns:
            return Text("")
        text = Text(f"  {'N':>2}  {filled('SESSION', self._name_width(width))}  STATE   {'target':<{CELL}}", DIM)
        for n in self._seen(width):
            style = "bold" if n + 1 == self.column else ""
            text.append(f"{n + 1:^{CELL}}", style)
        return text

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        turn = self.turns[index]
        row = self.rows.get(turn.session)
        text = self.mark(selected).append(f" {index + 1:>2}  ", DIM)
        text.append(filled(cut(one_line(turn.name), self._name_width(width)), self._name_width(width)) + "  ", "bold")
        seen = look(row) if row is not None else None
        text.append(f"{seen.text if seen else '':<6}  ", self.colour(seen.colour) if seen else "")
        for n in (-1, *self._seen(width)):
            against = self.turns[n] if n >= 0 else None
            word, style = self._word(turn, against)
            if selected and n + 1 == self.column:
                text.append(f"[{word or ' '}]".center(CELL), f"{style} bold")
            else:
                text.append(f"{word:^{CELL}}", style)
        return text

    def draw_empty(self, line: int, width: int) -> Text:
        at = line - max(1, self.size.height // 3)
        if not self.loaded or not 0 <= at < len(EMPTY):
            return Text("")
        words = cut(EMPTY[at], width - 2)
        return Text(" " * max(1, (width - len(words)) // 2) + words, "bold" if at == 0 else self.colour(""))

    def _at(self, turn: Turn, against: Turn | None) -> Cell | None:
        return self._cells.get((turn.session, against.session if against else ""))

    def _word(self, turn: Turn, against: Turn | None) -> tuple[str, str]:
        if against is not None and against.session == turn.session:
            return "", ""
        cell = self._at(turn, against)
        if cell is None:
            return "?", DIM
        if cell.error:
            return "!", self.colour("warning")
        if cell.conflicts:
            return f"{look_of(Rank.CONFLICT).glyph}{len(cell.conflicts)}", self.colour("error")
        return (f"~{cell.shared}", self.colour("accent")) if cell.shared else ("." if plain() else "·", DIM)

    def _name_width(self, width: int) -> int:
        longest = max((len(one_line(turn.name)) for turn in self.turns), default=8)
        return max(8, min(longest, 28 if width >= 110 else 18))

    def _room(self, width: int) -> int:
        """How many sessions have a column that is seen."""
        return max(1, (width - 15 - self._name_width(width) - CELL) // CELL)

    def _seen(self, width: int) -> range:
        return range(self._first, min(len(self.turns), self._first + self._room(width)))

    def _scroll(self) -> None:
        """Bring the cursor's column into sight."""
        room = self._room(self.scrollable_content_region.width)
        if self.column and self.column - 1 < self._first:
            self._first = self.column - 1
        elif self.column - 1 >= self._first + room:
            self._first = self.column - room
        self._first = max(0, min(self._first, max(0, len(self.turns) - room)))
