"""A list drawn line by line (Textual's line API): the base of the fleet, the inbox and lists of files."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orchestrator.tui.looks import plain

DIM = "dim"
CURSOR_TINT = 0.32
"""How much of the focus colour is under the cursor: little enough that every colour of a state stays readable."""


class Lines(ScrollView, can_focus=True):
    """Items of ``height`` lines each under a head of ``head_lines``; one has the cursor. Subclasses draw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home,g", "go(0)", "First", show=False),
        Binding("end,G", "go(-1)", "Last", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]
    height: ClassVar[int] = 1
    head_lines: ClassVar[int] = 0
    keeps_cursor: ClassVar[bool] = True
    """The cursor's line is marked without the focus too: other parts of the screen show what it is on."""
    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor is on another item."""

        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Lines:
            return self.lines

    class Chosen(Moved):
        """The item under the cursor was clicked on."""

    def count(self) -> int:
        """How many items there are."""
        raise NotImplementedError

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        """Line ``line`` of item ``index``."""
        raise NotImplementedError

    def draw_head(self, line: int, width: int) -> Text:
        return Text("")

    def draw_empty(self, line: int, width: int) -> Text:
        return Text("")

    def measure(self) -> None:
        """The items changed: fit the scrollable area and the cursor, and draw again."""
        count = self.count()
        self.virtual_size = Size(max(1, self.scrollable_content_region.width), self.head_lines + count * self.height)
        self.set_reactive(Lines.cursor, max(0, min(self.cursor, count - 1)))
        self.refresh()

    def colour(self, name: str) -> str:
        """A colour of the theme as hex."""
        if not name:
            return DIM
        variables = self.app.theme_variables
        return variables.get(f"text-{name}") or variables.get(name) or variables.get("foreground", "#ffffff")

    def mark(self, selected: bool) -> Text:
        """The first cell of a line: the cursor is never told by colour alone."""
        if not selected or not (self.keeps_cursor or self.has_focus):
            return Text(" ")
        return Text().append(">" if plain() else "▌", self.colour("primary") if self.has_focus else DIM)

    def now(self) -> datetime:
        """The dashboard's time."""
        now: datetime = self.app.now()  # type: ignore[attr-defined]
        return now

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.count() - 1))

    def watch_cursor(self) -> None:
        top = self.head_lines + self.cursor * self.height
        self.scroll_to_region(
            Region(0, top - self.head_lines, 1, self.height + self.head_lines), animate=False, force=True
        )
        self.refresh()
        self.post_message(self.Moved(self))

    def on_resize(self) -> None:
        self.measure()

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        line = at.y if at.y < self.head_lines else at.y + self.scroll_offset.y
        index = (line - self.head_lines) // self.height
        if at.y >= self.head_lines and 0 <= index < self.count():
            again = index == self.cursor
            self.cursor = index
            if again or event.chain > 1:
                self.post_message(self.Chosen(self))

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_go(self, to: int) -> None:
        self.cursor = to if to >= 0 else self.count() - 1

    def action_page(self, by: int) -> None:
        self.cursor += by * max(1, (self.size.height - self.head_lines) // self.height - 1)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y < self.head_lines:
            return self._strip(self.draw_head(y, width), width, self.rich_style)
        if not self.count():
            return self._strip(self.draw_empty(y, width), width, self.rich_style)
        line = y + self.scroll_offset.y - self.head_lines
        index, part = divmod(line, self.height)
        if not 0 <= index < self.count():
            return Strip.blank(width, self.rich_style)
        selected = index == self.cursor
        text = self.draw(index, part, width, selected=selected)
        return self._strip(text, width, self._row_style(selected))

    def _row_style(self, selected: bool) -> Style:
        if not selected or not (self.keeps_cursor or self.has_focus):
            return self.rich_style
        variables = self.app.theme_variables
        ground = Color.parse(variables["background"])
        if self.has_focus:
            ground = ground.blend(Color.parse(variables["primary"]), CURSOR_TINT)
        else:
            ground = ground.blend(Color.parse(variables["foreground"]), 0.09)
        return self.rich_style + Style(bgcolor=ground.hex6)

    def _strip(self, text: Text, width: int, style: Style) -> Strip:
        text.no_wrap = True
        segments = list(text.render(self.app.console, end=""))
        if not segments:
            return Strip.blank(width, style)
        own = style + self.app.console.get_style(text.style)  # rich leaves it out of a text without spans
        return Strip(segments).apply_style(own).adjust_cell_length(width, style)
