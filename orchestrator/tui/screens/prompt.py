"""One text from the human: a message, an answer in words, a filter."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, TextArea


class Prompt(ModalScreen[str | None]):
    """Dismisses with the text, or None. Enter sends, ctrl+j makes a new line. ``empty``: no text is an answer too.

    ``tall``: there is much to read, from its beginning.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=True),
        Binding("ctrl+j", "newline", "New line", priority=True),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(
        self, title: str, placeholder: str = "", initial: str = "", *, empty: bool = False, tall: bool = False
    ) -> None:
        super().__init__()
        self._title = title
        self._placeholder = placeholder
        self._initial = initial
        self._empty = empty
        self._tall = tall

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield TextArea(
                self._initial,
                placeholder=self._placeholder,
                compact=True,
                soft_wrap=True,
                classes="tall-text" if self._tall else None,
            )
            yield Label("enter sends · ctrl+j new line · esc back", classes="hint")

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        if not self._tall:
            area.move_cursor(area.document.end)

    def action_send(self) -> None:
        text = self.query_one(TextArea).text
        if text.strip() or self._empty:
            self.dismiss(text)

    def action_newline(self) -> None:
        self.query_one(TextArea).insert("\n")

    def action_leave(self) -> None:
        self.dismiss(None)
