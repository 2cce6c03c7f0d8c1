"""The line at the bottom in which the human types what the fleet is narrowed to; it works while they type."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterLine(Input):
    """Hidden until it is opened. Enter keeps the filter, escape drops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down,up", "close(True)", "Keep", key_display="↵", priority=True),
        Binding("escape", "close(False)", "Show all", priority=True),
    ]

    class Closed(Message):
        """The human is done with it. ``kept``: the filter stays."""

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def __init__(self, placeholder: str = "name, agent, state or words of the task") -> None:
        super().__init__(id="filter", compact=True, placeholder=placeholder)
        self.display = False

    def open(self, value: str) -> None:
        """Appear with ``value``."""
        self.value = value
        self.display = True
        self.focus()

    def on_blur(self) -> None:
        self.display = False

    def action_close(self, kept: bool) -> None:
        self.post_message(self.Closed(kept))
