"""A conflict drawn: the files, what each side says (ours, base, theirs), and the result so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.message import Message

from orchestrator.tui.looks import cut, filled, one_line, plain, safe
from orchestrator.tui.widgets.lines import DIM, Lines
from worktrees.problems import Problem, Take

if TYPE_CHECKING:
    from orchestrator.tui.deciding import Deciding

WIDE = 100
"""Columns from which the three sides stand beside each other."""
AROUND = 3
"""Settled lines that are shown before a hunk and after it."""


class ConflictFiles(Lines):
    """Files in conflict: what kind, and how much of each is decided."""

    def __init__(self) -> None:
        super().__init__(id="conflict-files")
        self.deciding: Deciding | None = None
        self.message = "Loading …"

    def count(self) -> int:
        return len(self.deciding.problems) if self.deciding is not None else 0

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        assert self.deciding is not None
        problem = self.deciding.problems[index]
        left = self.deciding.left(problem)
        state = f"{left} open" if left else ("+" if plain() else "✓")
        kind = one_line(problem.kind)
        path = filled(cut(one_line(problem.path), max(8, width - 30)), max(8, width - 29))
        text = self.mark(selected).append(path).append(filled(kind, 18), self.colour("accent"))
        return text.append(state, self.colour("warning" if left else "success"))

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {cut(self.message, width - 2)}" if line == 0 else "", self.colour(""))


class ConflictSides(Lines):
    """The hunk or the choices at hand: side by side where there is room, one under the other where not."""

    keeps_cursor = False

    class Taken(Message):
        """A side was clicked on."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__(id="conflict-sides")
        self.problem: Problem | None = None
        self.hunk = 0
        self.names = ("", "")
        self.taken = ""
        self._rows: list[tuple[str, str]] = []  # side, and text; "" is for no side
        self._columns: list[tuple[str, ...]] = []

    def show(self, problem: Problem | None, hunk: int, names: tuple[str, str], taken: str) -> None:
        """``taken``: what is decided here, a side or a choice."""
        self.problem, self.hunk, self.names, self.taken = problem, hunk, names, taken
        self._layout()
        self.measure()

    def on_resize(self) -> None:
        self._layout()
        super().on_resize()

    @property
    def _wide(self) -> bool:
        return self.scrollable_content_region.width >= WIDE

    def _layout(self) -> None:
        self._rows, self._columns = [], []
        problem = self.problem
        if problem is None:
            return
        self._rows += [("", one_line(problem.words))]
        for choice in problem.choices:
            self._rows.append((choice.key, f"{_KEYS.get(choice.key, '?')}  {one_line(choice.words)}"))
        if not problem.hunks:
            return
        hunk = problem.hunks[min(self.hunk, len(problem.hunks) - 1)]
        sides = {"ours": hunk.ours, "base": hunk.base, "theirs": hunk.theirs}
        heads = {"ours": f"o  ours: {self.names[0]}", "base": "v  before", "theirs": f"t  theirs: {self.names[1]}"}
        drawn = {key: [safe(line.rstrip("\r\n")) for line in lines] or ["(nothing)"] for key, lines in sides.items()}
        if self._wide:
            height = max(map(len, drawn.values()))
            self._columns = [tuple(heads.values())]
            for n in range(height):
                self._columns.append(tuple(lines[n] if n < len(lines) else "" for lines in drawn.values()))
        else:
            for key, lines in drawn.items():
                self._rows.append((f"={key}", heads[key]))
                self._rows += [(key, f"  {line}") for line in lines]

    def count(self) -> int:
        return len(self._rows) + len(self._columns)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        mark = self.mark(selected)
        if index < len(self._rows):
            side, text = self._rows[index]
            return mark.append(cut(text, width - 2), self._style(side.lstrip("="), head=side.startswith("=")))
        columns = self._columns[index - len(self._rows)]
        each = (width - 1) // 3
        for key, text in zip(("ours", "base", "theirs"), columns, strict=True):
            mark.append(filled(cut(text, each - 2), each), self._style(key, head=index == len(self._rows)))
        return mark

    def _style(self, side: str, *, head: bool) -> str:
        taken = bool(side) and side in self.taken.split(", ")
        if head:
            return f"bold {self.colour('success')}" if taken else "bold"
        return self.colour("success") if taken else DIM if side == "base" else ""

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        index = at.y + self.scroll_offset.y
        if index < len(self._rows):
            side = self._rows[index][0].lstrip("=")
        elif index < self.count():
            each = (self.scrollable_content_region.width - 1) // 3
            side = ("ours", "base", "theirs")[max(0, min(2, (at.x - 1) // max(1, each)))]
        else:
            return
        if side:
            self.post_message(self.Taken(side))


_KEYS = {"ours": "o", "theirs": "t", "both": "b", "base": "v"}


class ConflictResult(Lines):
    """The file as it is decided so far; what is open is marked."""

    keeps_cursor = False

    def __init__(self) -> None:
        super().__init__(id="conflict-result")
        self._rows: list[tuple[str, str]] = []

    def show(self, deciding: Deciding, problem: Problem, hunk: int) -> None:
        """Draw around ``hunk``, which is scrolled to."""
        self._rows = []
        made = deciding.resolution(problem)
        at = 0
        if problem.choices:
            chosen = next((one.words for one in problem.choices if one.key == made.choice), "")
            self._rows.append(("+", one_line(chosen)) if chosen else ("?", "nobody decided"))
        if made.text is not None:
            self._rows += [("+", safe(line)) for line in made.text.splitlines()]
        else:
            number, picks = 0, deciding.picks(problem)
            for part in problem.parts:
                if part.hunk is None:
                    self._settled([safe(line.rstrip("\r\n")) for line in part.lines])
                    continue
                if number == hunk:
                    at = len(self._rows)
                pick = picks[number]
                number += 1
                if pick is None:
                    self._rows.append(("?", f"hunk {number} of {len(picks)}: nobody decided"))
                    continue
                lines = pick.of(part.hunk).splitlines()
                said = "edited" if pick.take is Take.EDIT else f"{pick.take}"
                self._rows.append(("@", f"hunk {number} of {len(picks)}: {said}"))
                self._rows += [("+", safe(line)) for line in lines] or [("+", "(nothing)")]
        self.measure()
        self.set_reactive(Lines.cursor, at)
        self.scroll_to(y=max(0, at - 1), animate=False, force=True)

    def _settled(self, lines: list[str]) -> None:
        """Settled lines; of many, those near a hunk."""
        if len(lines) <= 2 * AROUND + 1:
            self._rows += [(" ", line) for line in lines]
            return
        before = lines[:AROUND] if self._rows else []
        self._rows += [(" ", line) for line in before]
        self._rows.append(("…", f"… {len(lines) - len(before) - AROUND} lines that are settled"))
        self._rows += [(" ", line) for line in lines[-AROUND:]]

    def count(self) -> int:
        return len(self._rows)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        sign, text = self._rows[index]
        styles = {"+": self.colour("success"), "?": f"bold {self.colour('warning')}", "@": self.colour("accent")}
        body = text if sign in "?@…" else f"{sign if sign == '+' else ' '} {text}"
        return self.mark(selected).append(cut(body, width - 2), styles.get(sign, DIM if sign == "…" else ""))
