"""The human's own terminal: colours of agents' screens, the last wall before it, a picture in ASCII, the title."""

from __future__ import annotations

import os
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.filter import LineFilter

from worktrees import inert

_DARK = ["282828", "be4b50", "508c55", "c8a04b", "5582c8", "a56eb4", "4b9ba5", "cdcdcd"]
_LIGHT = ["787878", "e67378", "82c382", "e6c878", "7daaeb", "c896d7", "7dc8d2", "f0f0f0"]


def environment() -> dict[str, str]:
    """The human's environment, which an agent gets that is started from here."""
    return {key: value for key, value in os.environ.items() if value.isprintable()}


def _rgb(colours: list[str]) -> list[tuple[int, int, int]]:
    return [Color.parse(f"#{colour}").rgb for colour in colours]


PALETTE = TerminalTheme((18, 18, 18), (222, 222, 222), _rgb(_DARK), _rgb(_LIGHT))
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


class InertFilter(LineFilter):
    """The last wall: whatever a widget drew, nothing of it acts on the terminal. Widgets draw inert text before.

    What still acts becomes as many cells as were counted for it; links (OSC 8) go; a run of right-to-left words ends
    before what follows it.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [_harmless(segment) for segment in segments if not segment.control]


def _harmless(segment: Segment) -> Segment:
    text, style, _ = segment
    shown = inert_cells(text)
    if style is not None and style.link is not None:
        return Segment(shown, style.update_link(None))
    return segment if shown is text else Segment(shown, style)


@lru_cache(maxsize=4096)
def inert_cells(text: str) -> str:
    """``text`` in as many cells as Rich counts for it, none of which acts on a terminal."""
    if text.isascii() and text.isprintable():
        return text
    if not inert.is_inert(text) or "\n" in text:
        text = "".join(
            char if inert.is_inert(char) and char != "\n" else "\N{REPLACEMENT CHARACTER}" * cell_len(char)
            for char in text
        )
    return inert.apart(text)


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
