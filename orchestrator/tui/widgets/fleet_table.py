"""The fleet: one line a session, those first that need a human. The cursor stays with its session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual.content import Content

from orchestrator.attention import Rank, ordered, rank
from orchestrator.budgets.clock import clock
from orchestrator.commands import Isolation
from orchestrator.fleet import Fleet, Row
from orchestrator.throughput import rate
from orchestrator.tui.looks import age, check_look, cut, look, look_of, number, one_line, plain, tokens
from orchestrator.tui.widgets.lines import Lines
from sessions.models import ENDED

WINDOW = timedelta(minutes=1)
EMPTY = ("No agents yet.", "", "n  start one on a task", ":  commands by name", "?  all keys")


class FleetTable(Lines):
    """Columns by width: state, name, agent, tok/s, total (when wide enough), idle, added, removed."""

    head_lines: ClassVar[int] = 1
    BORDER_TITLE = "1 Fleet"

    def __init__(self) -> None:
        super().__init__(id="fleet")
        self.rows: list[Row] = []
        self.filter = ""
        self.marked: list[str] = []  # ids, in the order in which they were marked
        self._all: int | None = None  # None until a fleet was shown
        self._ticked: dict[int, tuple[str, str]] = {}

    @property
    def selected(self) -> Row | None:
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def update_fleet(self, fleet: Fleet) -> None:
        """Show ``fleet``; draws only when a line changed."""
        before = self.selected
        shown = [row for row in ordered(fleet) if self._wanted(row)]
        first, self._all = self._all is None, len(fleet.rows)
        same = len(shown) == len(self.rows) and all(a is b for a, b in zip(shown, self.rows, strict=True))
        if same and not first:
            return
        self.rows = shown
        self.marked = [one for one in self.marked if any(one == row.id for row in fleet)]
        if before is not None:
            at = next((n for n, row in enumerate(shown) if row.id == before.id), None)
            if at is not None and at != self.cursor:
                self.cursor = at
        self.measure()
        self.border_subtitle = Content(self._subtitle())
        if self.selected is not before:
            self.post_message(self.Moved(self))

    def toggle_mark(self) -> None:
        """Mark the selected session, or not any more."""
        if (row := self.selected) is not None:
            self.marked = [one for one in self.marked if one != row.id] + [row.id] * (row.id not in self.marked)
            self.refresh()

    def narrow(self, words: str, fleet: Fleet) -> None:
        """Show only sessions in which every one of ``words`` occurs."""
        self.filter = words.strip()
        self.update_fleet(fleet)
        self.border_subtitle = Content(self._subtitle())
        self.refresh()

    def tick(self) -> None:
        """Time passed: draw the lines again whose age or rate reads differently by now."""
        now, first = self.now(), self.scroll_offset.y
        shown = self.rows[first : first + self.size.height]
        texts = {first + n: (self._idle(row, now), self._rate(row, now)[0]) for n, row in enumerate(shown)}
        for at, text in texts.items():
            if self._ticked.get(at) != text:
                self.refresh_line(self.head_lines + at)
        self._ticked = texts

    def select(self, session: str) -> bool:
        """Put the cursor on a session."""
        at = next((n for n, row in enumerate(self.rows) if row.id == session), None)
        if at is None:
            return False
        self.cursor = at
        return True

    def count(self) -> int:
        return len(self.rows)

    def draw_head(self, line: int, width: int) -> Text:
        if not self._all:
            return Text("")
        text = Text(style=f"bold {self.colour('')}")
        for name, size, right in self._columns(width):
            text.append((" " + name.rjust(size)) if right else (name.ljust(size) + "  "))
        return Text(" ").append_text(text)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        row = self.rows[index]
        seen = look(row)
        now = self.now()
        cells = {
            "state": (seen.text, ("bold " if seen.bold else "") + self.colour(seen.colour)),
            "name": (one_line(row.name), "bold" if rank(row) is Rank.ASKS else ""),
            "agent": (_agent(row), self.colour("")),
            "tok/s": self._rate(row, now),
            "total": (tokens(_total(row)) if _total(row) else "·", self.colour("")),
            "idle": (self._idle(row, now), self.colour("")),
            "+": (f"+{row.totals.added}", self.colour("success") if row.totals.added else self.colour("")),
            "−": (f"−{row.totals.removed}", self.colour("error") if row.totals.removed else self.colour("")),
        }
        text = Text("*", self.colour("primary")) if row.id in self.marked else self.mark(selected)
        for name, size, right in self._columns(width):
            value, style = cells[name]
            if name == "name" and (marks := _marks(row, now)):
                size -= sum(len(mark) + 1 for mark, _ in marks)
                text.append(cut(value, size), style)
                for mark, colour in marks:
                    text.append(f" {mark}", self.colour(colour))
                text.append(" " * (size + 2 - Text(cut(value, size)).cell_len))
                continue
            value = cut(value, size)
            blank = " " * (size - Text(value).cell_len)
            text.append(f" {blank}{value}" if right else f"{value}{blank}  ", style)
        return text

    def draw_empty(self, line: int, width: int) -> Text:
        if self._all is None:
            return Text("")
        nothing = (f"Nothing matches {one_line(self.filter)}.", "", "esc  show all", "/    change the filter")
        words = nothing if self.filter and self._all else EMPTY
        at = line - max(1, (self.size.height - len(words)) // 3)
        if not 0 <= at < len(words):
            return Text("")
        left = max(1, (width - max(len(word) for word in words)) // 2)
        key, _, rest = words[at].partition("  ")
        if not rest:
            return Text(" " * left + cut(words[at], width - left))
        return Text(" " * left).append(f"{key}  ", "bold").append(rest, self.colour(""))

    def _columns(self, width: int) -> list[tuple[str, int, bool]]:
        """Name, cells and whether it is set to the right; the name takes what is left."""
        agent = max(5, min(8, max((len(_agent(row)) for row in self.rows), default=0)))
        fixed = [("state", 6, False), ("agent", agent, False), ("tok/s", 5, True)]
        if width >= 64:
            fixed.append(("total", 5, True))
        fixed += [("idle", 5, True), ("+", 5, True), ("−", 5, True)]
        left = width - 4 - sum(size + (1 if right else 2) for _, size, right in fixed)
        return [fixed[0], ("name", max(8, min(40, left)), False), *fixed[1:]]

    def _rate(self, row: Row, now: datetime) -> tuple[str, str]:
        value = rate(row.responses, now, WINDOW)
        return (f"{value:.0f}", self.colour("primary")) if value >= 1 else ("·", self.colour(""))

    def _idle(self, row: Row, now: datetime) -> str:
        if row.status.state in ENDED or rank(row) is Rank.LANDED:
            return "-" if plain() else "—"
        return age(row.idle_s(now))

    def _wanted(self, row: Row) -> bool:
        words = self.filter.lower().split()
        text = f"{row.name} {row.agent} {row.isolation} {row.branch} {row.state} {look(row).word} {row.prompt}".lower()
        return all(word in text for word in words)

    def _subtitle(self) -> str:
        sessions = number(self._all or 0, "session")
        if self.filter:
            return f"{len(self.rows)} of {sessions} · {one_line(self.filter)} · esc shows all"
        return f"{sessions} · / filter"


def _agent(row: Row) -> str:
    """Sealed ones are marked: in a box, or a clone alone."""
    mark = "" if row.isolation is not Isolation.SEALED else "#" if row.boxed else "+"
    return mark + one_line(row.agent)


def _marks(row: Row, now: datetime) -> list[tuple[str, str]]:
    """What stands behind a name, with its colour: until when it is parked, how its checks came out,
    and whom it would conflict with."""
    checks = check_look(row.checks.mark) if row.checks and rank(row) is not Rank.LANDED else ("", "")
    spending = (_spending(row, now), "warning")
    return [one for one in (spending, checks, (_conflicts(row), "error")) if one[0].strip()]


def _spending(row: Row, now: datetime) -> str:
    """Until when it is parked by a rate limit, or that a cap holds it."""
    if row.held:
        return "$"
    return f"{'until ' if plain() else '→'}{clock(row.parked.due, now)}" if row.parked is not None else ""


def _conflicts(row: Row) -> str:
    """With how many others its work would conflict, sessions and the target; and read files that the target changed."""
    count = len(row.rivals) + bool(row.conflicts)
    marks = [f"{look_of(Rank.CONFLICT).glyph}{count}"] if count else []
    if row.outdated:
        marks.append(f"{'~' if plain() else '≈'}{len(row.outdated)}")
    return " ".join(marks)


def _total(row: Row) -> int:
    usage = row.usage
    return usage.input + usage.output + usage.cache_read + usage.cache_write
