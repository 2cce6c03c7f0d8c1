"""The human's own terminal: colours of agents' screens, a picture in ASCII alone, the title."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.filter import LineFilter

PALETTE = TerminalTheme(
    (18, 18, 18),
    (222, 222, 222),
    [(40, 40, 40), (190, 75, 80), (80, 140, 85), (200, 160, 75), (85, 130, 200), (165, 110, 180), (75, 155, 165)]
    + [(205, 205, 205)],
    [(120, 120, 120), (230, 115, 120), (130, 195, 130), (230, 200, 120), (125, 170, 235), (200, 150, 215)]
    + [(125, 200, 210), (240, 240, 240)],
)
"""The sixteen colours that programs name by number, dark enough as a ground for light words."""

_SAME = {
    **dict.fromkeys("─━═╌╍▔▁", "-"),
    **dict.fromkeys("│┃║▌▐▎▊▏▕", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("●•◆⏺", "*"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("–—−", "-"),
    **dict.fromkeys("▂▃▄▅▆▇█▀▖▗▘▝", " "),
    **dict.fromkeys("›→❯", ">"),
    **dict.fromkeys("←‹", "<"),
    "·": ".",
    "…": "~",
    "▲": "!",
    "≠": "#",
    "⌁": "x",
    "↑": "^",
    "↓": "v",
    "✓": "+",
    "✗": "x",
    "\N{NO-BREAK SPACE}": " ",
}


@lru_cache(maxsize=4096)
def ascii_only(text: str) -> str:
    """``text`` in as many cells, each of them ASCII: what has a likeness becomes it, the rest question marks."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _SAME.get(char, "?" * cell_len(char)) for char in text)


class AsciiFilter(LineFilter):
    """The last step before the terminal, so no widget needs to know."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control else Segment(ascii_only(segment.text), segment.style) for segment in segments
        ]


TITLE_KEEP = "\x1b[22;2t"
TITLE_BACK = "\x1b[23;2t"


def title(waiting: int) -> str:
    """What makes the terminal's title say how many wait."""
    return f"\x1b]2;orchestrator{f': {waiting} need you' if waiting else ''}\x07"
