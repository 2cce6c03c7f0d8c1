"""A question with two ways out; the harmless one has the focus."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from orchestrator.commands import Trust
from orchestrator.tui.looks import safe


async def approved(app: App[Any], trust: Trust) -> bool:
    """Show what a repository wants to run, whole, and ask the human."""
    question = f"This repository wants to run commands of its own\n\n{safe(str(trust))}"
    asked = Confirm("Approve exactly these commands?", question, "Approve", "Not now")
    yes: bool = await app.push_screen_wait(asked)
    return yes


class Confirm(ModalScreen[bool]):
    """Dismisses with True only when ``yes`` was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("left,right,tab", "other", "Other", show=False, priority=True),
    ]

    def __init__(self, title: str, text: str, yes: str, no: str = "Keep") -> None:
        super().__init__()
        self._title, self._text, self._yes, self._no = title, text, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(self._text, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Content(self._no), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_other(self) -> None:
        focused = self.focused
        self.query_one("#no" if focused is not None and focused.id == "yes" else "#yes", Button).focus()

    def action_leave(self) -> None:
        self.dismiss(False)
