"""The keys of a screen in its last line: as many as fit, none cut in two. ``?`` has them all."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.events import Resize
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

FIRST_OUT = ("command_palette", "send", "attach", "merge", "quit")
"""What gives way, the first first: it is the same on every screen, and in ``?``. What is left out still works."""


class Keys(Footer):
    """Textual's footer, which cuts off what does not fit."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._width = self.app.size.width
        out = left_out([(key.action, _width(key)) for key in keys], self._width)
        kept = [key for key in keys if key.action not in out]
        self.styles.grid_size_columns = max(1, len(kept))
        yield from kept

    def on_resize(self, _: Resize) -> None:
        if self.app.size.width != self._width:
            self.call_after_refresh(self.recompose)


def left_out(keys: Sequence[tuple[str, int]], room: int) -> set[str]:
    """The actions whose keys give way, so that those left (action and cells) fit into ``room`` with a blank between."""
    out: set[str] = set()
    for action in FIRST_OUT:
        left = [width for name, width in keys if name not in out]
        if sum(left) + len(left) - 1 <= room:
            break
        if any(name == action for name, _ in keys):
            out.add(action)
    return out


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + 1 + cell_len(key.description)
