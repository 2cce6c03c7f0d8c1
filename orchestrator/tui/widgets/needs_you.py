"""Who waits for a human, the longest first, each with what it asks."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content

from orchestrator.attention import Rank, grouped, longest_idle
from orchestrator.fleet import Fleet, Row
from orchestrator.tui.looks import age, cut, filled, look_of, number, one_line
from orchestrator.tui.widgets.lines import Lines


def asks(row: Row) -> str:
    """What a session asks, in one line."""
    question = row.status.question
    if question is None:
        return "waits in its own dialog: o attaches"
    return one_line(question.title or question.text)


class NeedsYou(Lines):
    """One line a question; sessions that ask the very same are one."""

    keeps_cursor: ClassVar[bool] = False
    BORDER_TITLE = "3 Needs you"

    def __init__(self, *, id: str = "needs-you") -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.groups: list[tuple[Row, ...]] = []
        self._idle: Row | None = None

    @property
    def group(self) -> tuple[Row, ...]:
        """The sessions that ask what is under the cursor."""
        return self.groups[self.cursor] if 0 <= self.cursor < len(self.groups) else ()

    @property
    def selected(self) -> Row | None:
        """The one of them that has waited the longest."""
        return self.group[0] if self.group else None

    @property
    def rows(self) -> list[Row]:
        """Every session that is shown."""
        return [row for group in self.groups for row in group]

    def update_fleet(self, fleet: Fleet, snoozed: frozenset[str] = frozenset()) -> None:
        """Show who waits; questions in ``snoozed`` come last."""
        before = self.selected
        groups = sorted(grouped(fleet), key=lambda group: all(asking(row) in snoozed for row in group))
        idle = longest_idle(fleet, self.now())
        same = idle is self._idle and [*map(len, groups)] == [*map(len, self.groups)]
        same = same and self.border_title != self.BORDER_TITLE
        if same and all(a is b for a, b in zip((row for group in groups for row in group), self.rows, strict=True)):
            return
        self.groups, self._idle = groups, idle
        if before is not None:
            self.go_to(before.id)
        self.border_title = Content(f"{self.BORDER_TITLE} ({len(self.rows)})")
        self.measure()

    def go_to(self, session: str) -> None:
        """Put the cursor on what that session asks, if it asks."""
        at = next((n for n, group in enumerate(self.groups) if any(row.id == session for row in group)), None)
        if at is not None:
            self.set_reactive(NeedsYou.cursor, at)

    def count(self) -> int:
        return len(self.groups)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        row = self.groups[index][0]
        since = age((self.now() - row.status.since).total_seconds())
        column = min(18, max(len(_who(group)) for group in self.groups))
        name = cut(_who(self.groups[index]), column)
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


def _who(group: tuple[Row, ...]) -> str:
    return one_line(group[0].name) if len(group) == 1 else f"{number(len(group), 'session')} ask:"


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
        group = self.groups[index]
        row = group[0]
        mark = self.mark(selected)
        if line == 0:
            since = age((self.now() - row.status.since).total_seconds())
            left = width - len(since) - 5
            name = filled(cut(_who(group), left), left)
            mark.append(f"{look_of(Rank.ASKS).glyph} {name}", f"bold {self.colour('warning')}")
            return mark.append(f" {since}", self.colour(""))
        if line == 1 and len(group) > 1:
            names = ", ".join(one_line(other.name) for other in group)
            return mark.append("  " + cut(names, width - 4), self.colour(""))
        if line == 1:
            return mark.append(f"  {one_line(row.agent)} · {row.status.kind or 'dialog'}", self.colour(""))
        return mark.append("  " + cut(asks(row), width - 4))
