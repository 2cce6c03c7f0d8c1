"""Who waits for a human, the longest first, each with what it asks."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from orchestrator.attention import Rank, longest_idle, waiting
from orchestrator.fleet import Fleet, Row
from orchestrator.tui.looks import age, cut, filled, look_of, one_line
from orchestrator.tui.widgets.lines import Lines


def asks(row: Row) -> str:
    """What a session asks, in one line."""
    question = row.status.question
    if question is None:
        return "waits in its own dialog: o attaches"
    return one_line(question.title or question.text)


class NeedsYou(Lines):
    """One line a question."""

    keeps_cursor: ClassVar[bool] = False
    BORDER_TITLE = "3 Needs you"

    def __init__(self, *, id: str = "needs-you") -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.rows: list[Row] = []
        self._idle: Row | None = None

    @property
    def selected(self) -> Row | None:
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def update_fleet(self, fleet: Fleet, snoozed: frozenset[str] = frozenset()) -> None:
        """Show who waits; questions in ``snoozed`` come last."""
        before = self.selected
        rows = sorted(waiting(fleet), key=lambda row: asking(row) in snoozed)
        idle = longest_idle(fleet, self.now())
        same = idle is self._idle and len(rows) == len(self.rows)
        same = same and self.border_title != self.BORDER_TITLE
        if same and all(a is b for a, b in zip(rows, self.rows, strict=True)):
            return
        self.rows, self._idle = rows, idle
        if before is not None:
            at = next((n for n, row in enumerate(self.rows) if row.id == before.id), None)
            if at is not None:
                self.set_reactive(NeedsYou.cursor, at)
        self.border_title = f"{self.BORDER_TITLE} ({len(self.rows)})"
        self.measure()

    def count(self) -> int:
        return len(self.rows)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        row = self.rows[index]
        since = age((self.now() - row.status.since).total_seconds())
        column = min(18, max(len(row.name) for row in self.rows))
        name = cut(one_line(row.name), column)
        left = width - 3 - column - len(since) - 4
        text = self.mark(selected)
        text.append(f"{look_of(Rank.ASKS).glyph} {filled(name, column)}", f"bold {self.colour('warning')}")
        text.append("  " + filled(cut(asks(row), left), left + 1))
        return text.append(since, self.colour(""))

    def draw_empty(self, line: int, width: int) -> Text:
        if line or self.border_title == self.BORDER_TITLE:  # no fleet was shown so far
            return Text("")
        words = " Nobody needs you."
        if self._idle is not None:
            idle = age(self._idle.idle_s(self.now()))
            words += f"  Longest idle: {one_line(self._idle.name)} {idle}"
        return Text(cut(words, width), self.colour(""))


def asking(row: Row) -> str:
    """Names this very asking of this session."""
    question = row.status.question
    return f"{row.id}/{question.id}" if question else row.id


class Inbox(NeedsYou):
    """Three lines a question: name and age, agent and kind, what is asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "screen.scroll_question(-1)", "Question up", show=False),
        Binding("pagedown,space", "screen.scroll_question(1)", "Question down", show=False),
    ]
    height: ClassVar[int] = 3
    keeps_cursor: ClassVar[bool] = True
    BORDER_TITLE = "Needs you"

    def __init__(self) -> None:
        super().__init__(id="inbox")

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        row = self.rows[index]
        mark = self.mark(selected)
        if line == 0:
            since = age((self.now() - row.status.since).total_seconds())
            left = width - len(since) - 5
            name = filled(cut(one_line(row.name), left), left)
            mark.append(f"{look_of(Rank.ASKS).glyph} {name}", f"bold {self.colour('warning')}")
            return mark.append(f" {since}", self.colour(""))
        if line == 1:
            return mark.append(f"  {row.agent} · {row.status.kind or 'dialog'}", self.colour(""))
        return mark.append("  " + cut(asks(row), width - 4))
