"""How long something is put off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label


@dataclass(frozen=True)
class Later:
    """For ``for_s`` seconds; None: until something changes."""

    for_s: float | None


class LaterScreen(ModalScreen[Later | None]):
    """Dismisses with what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,z", "choose(600)", "10 minutes"),
        Binding("2", "choose(3600)", "1 hour"),
        Binding("3", "choose(0)", "Until something changes"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Later: {self._name}")
            yield Label("  1  in 10 minutes", markup=False)
            yield Label("  2  in an hour", markup=False)
            yield Label("  3  when something changes", markup=False)
            yield Label("it is back at once when it wants something else · esc back", classes="hint")

    def action_choose(self, seconds: int) -> None:
        self.dismiss(Later(float(seconds) if seconds else None))

    def action_leave(self) -> None:
        self.dismiss(None)
