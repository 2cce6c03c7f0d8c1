"""Who waits for a human, in the order of attention, each with what it asks."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content

from orchestrator.attention import Rank, longest_idle
from orchestrator.fleet import Fleet, Row
from orchestrator.inbox.order import Item, held, inbox, mark
from orchestrator.inbox.telling import later, what
from orchestrator.tui.looks import age, cut, filled, look, look_of, number, one_line, risk_look
from orchestrator.tui.widgets.lines import Lines


class NeedsYou(Lines):
    """One line a question; sessions that ask the very same are one.

    What a human saw keeps its order while they are at the list: it changes under no finger. ``order_anew`` orders anew.
    """

    keeps_cursor: ClassVar[bool] = False
    all_items: ClassVar[bool] = False
    """Also what blocks no agent."""
    BORDER_TITLE = "3 Needs you"

    def __init__(self, *, id: str = "needs-you") -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.items: list[Item] = []
        self._idle: Row | None = None
        self._seen: list[str] = []  # keys of the items that were on the screen, as they stood

    @property
    def groups(self) -> list[tuple[Row, ...]]:
        """The sessions of every item."""
        return [item.rows for item in self.items]

    @property
    def item(self) -> Item | None:
        """What is under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    @property
    def group(self) -> tuple[Row, ...]:
        """The sessions that ask what is under the cursor."""
        return self.item.rows if self.item is not None else ()

    @property
    def selected(self) -> Row | None:
        """The one of them that has waited the longest."""
        return self.group[0] if self.group else None

    @property
    def rows(self) -> list[Row]:
        """Every session that is shown."""
        return [row for item in self.items for row in item.rows]

    @property
    def settled(self) -> bool:
        """The human is at the list."""
        return self.has_focus

    def update_fleet(self, fleet: Fleet) -> None:
        """Show who waits now."""
        before = self.selected
        self._look()
        items = [item for item in inbox(fleet, self.now()) if self.all_items or item.blocks]
        by_key = {item.key: item for item in items}
        items = [by_key[key] for key in held(self._seen if self.settled else (), [*by_key])]
        idle = longest_idle(fleet, self.now())
        same = idle is self._idle and [*map(_shown, items)] == [*map(_shown, self.items)]
        same = same and self.border_title != self.BORDER_TITLE
        if same and all(a is b for a, b in zip((row for item in items for row in item.rows), self.rows, strict=True)):
            self.items = items
            return
        self.items, self._idle = items, idle
        if before is not None:
            self.go_to(before.id)
        count = sum(len(item.rows) for item in items if item.blocks)
        self.border_title = Content(f"{self.BORDER_TITLE} ({count})")
        self.measure()

    def order_anew(self, fleet: Fleet) -> None:
        """Order all of it anew, seen or not."""
        self.items, self._seen = [], []
        self.update_fleet(fleet)

    def _look(self) -> None:
        """Remember what is on the screen."""
        first = self.scroll_offset.y // self.height
        shown = [item.key for item in self.items[: first + -(-self.size.height // self.height)]]
        known = set(self._seen)
        if any(key not in known for key in shown):
            known.update(shown)
            self._seen = [item.key for item in self.items if item.key in known]

    def go_to(self, session: str) -> None:
        """Put the cursor on what that session asks, if it asks."""
        at = next((n for n, group in enumerate(self.groups) if any(row.id == session for row in group)), None)
        if at is not None:
            self.set_reactive(NeedsYou.cursor, at)

    def count(self) -> int:
        return len(self.items)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        item = self.items[index]
        since = age((self.now() - item.row.status.since).total_seconds())
        column = min(18, max(len(_who(item)) for item in self.items))
        name = cut(_who(item), column)
        left = width - 3 - column - len(since) - 4
        text = self.mark(selected)
        colour = self.colour("" if item.snoozed else "warning")
        text.append(f"{look_of(Rank.ASKS).glyph} {filled(name, column)}", f"bold {colour}")
        asks = later(item) if item.snoozed else ("! " if item.pinned else "") + what(item)
        text.append("  " + filled(cut(asks, left), left + 1))
        return text.append(since, self.colour(""))

    def draw_empty(self, line: int, width: int) -> Text:
        if line or self.border_title == self.BORDER_TITLE:  # no fleet was shown so far
            return Text("")
        words = " Nobody needs you."
        if self._idle is not None:
            idle = age(self._idle.idle_s(self.now()))
            words += f"  Longest idle: {one_line(self._idle.name)} {idle}"
        return Text(cut(words, width), self.colour(""))


def _shown(item: Item) -> tuple[object, ...]:
    """What is drawn of it, but for its rows."""
    return item.key, len(item.rows), item.pinned, item.snoozed


def _who(item: Item) -> str:
    return one_line(item.row.name) if len(item.rows) == 1 else f"{number(len(item.rows), 'session')} ask:"


def asking(row: Row) -> str:
    """Names this very asking of this session."""
    return f"{row.id}/{mark(row)}"


class Inbox(NeedsYou):
    """Three lines an item: name and age, agent and kind, what it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "screen.scroll_question(-1)", "Question up", show=False),
        Binding("pagedown,space", "screen.scroll_question(1)", "Question down", show=False),
    ]
    height: ClassVar[int] = 3
    keeps_cursor: ClassVar[bool] = True
    all_items: ClassVar[bool] = True
    BORDER_TITLE = "Needs you"

    def __init__(self) -> None:
        super().__init__(id="inbox")

    @property
    def settled(self) -> bool:
        return True

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        item = self.items[index]
        row = item.row
        text = self.mark(selected)
        if line == 0:
            since = age((self.now() - row.status.since).total_seconds())
            left = width - len(since) - 5
            name = filled(cut(_who(item), left), left)
            shown = look(row)
            style = f"{'bold ' if shown.bold else ''}{self.colour('' if item.snoozed else shown.colour)}"
            text.append(f"{shown.glyph} {name}", style)
            return text.append(f" {since}", self.colour(""))
        if line == 1:
            return self._about(text, item, width - 4)
        return text.append("  " + cut(what(item), width - 4))

    def _about(self, text: Text, item: Item, width: int) -> Text:
        """Who and what kind, and what is special about it."""
        row = item.row
        if item.snoozed:
            return text.append("  " + cut(later(item), width), self.colour(""))
        risk = ""
        if item.pinned and row.status.question is not None and row.status.question.risk is not None:
            risk = f" {risk_look(row.status.question.risk).text}"
        names = ", ".join(one_line(other.name) for other in item.rows)
        what_ = _KINDS.get(item.kind, item.kind)
        words = names if len(item.rows) > 1 else what_ if risk else f"{one_line(row.agent)} · {what_}"
        words = cut(words, max(8, width - len(risk)))
        text.append("  " + words, self.colour(""))
        return text.append(cut(risk, width - len(words)), self.colour("warning"))


_KINDS = {"message": "asks in words", "ready": "ready to merge", "finished": "turn is over"}
