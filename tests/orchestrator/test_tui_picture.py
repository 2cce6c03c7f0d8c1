"""A captured line becomes text with colours: nothing but SGR passes, whatever a pane printed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from textual.strip import Strip

from orchestrator.tui import terminal
from orchestrator.tui.widgets.pane import picture_line
from tests.hostile import ATTACKS, acting, hostile

CONSOLE = Console(color_system="truecolor", force_terminal=True, width=500)
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_CODES = st.lists(st.sampled_from(["", "0", "1", "38", "48", "2", "5", "255", "300", "4:3", "99999999999"]), max_size=6)
_STYLED = st.lists(hostile | _CODES.map(lambda codes: f"\x1b[{';'.join(codes)}m"), max_size=6).map("".join)


def written(line: str) -> str:
    """What a terminal gets for a line of a pane."""
    return Strip(picture_line(line).render(CONSOLE, end="")).render(CONSOLE)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes_from_a_pane(name: str) -> None:
    assert acting(_SGR.sub("", written(f"\x1b[1;31mred\x1b[0m {ATTACKS[name]} after"))) == []


def test_colours_and_line_drawing_pass() -> None:
    assert written("\x1b[1;38;2;1;2;3mx\x1b[0m").startswith("\x1b[1;38;2;1;2;3mx")
    assert picture_line("\x0elqk\x0f ok \x1b[1m\x0ex\x1b[0m").plain == "┌─┐ ok │"


def test_a_link_of_a_pane_is_only_its_words() -> None:
    text = picture_line("\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\ here")
    assert text.plain == "click here"
    assert all(segment.style is None or segment.style.link is None for segment in text.render(CONSOLE))


def test_characters_keep_the_cells_that_tmux_gave_them() -> None:
    assert cell_len(picture_line("a\u200bb\u202ec ❤\ufe0f |").plain) == 7
    assert picture_line("👩🏽\u200d💻|").plain == "👩  💻|"


def test_a_number_of_any_length_in_a_colour_is_no_failure() -> None:
    assert picture_line(f"\x1b[{'9' * 5000}mx\x1b[38;5;{'9' * 90}my").plain.endswith("y")


@given(_STYLED)
def test_only_colours_pass_from_a_pane(line: str) -> None:
    shown = written(line)
    assert acting(_SGR.sub("", shown)) == []
    assert "\n" not in shown
    picture_line(line).plain.encode()


@given(hostile)
def test_the_last_wall_keeps_the_cells(text: str) -> None:
    shown = terminal.inert_cells(text)
    assert acting(shown.replace("\u200e", "")) == []
    assert "\n" not in shown
    if "\ufe0f" not in text and "\u200d" not in text:  # their cells are those of what is before them
        assert cell_len(shown) == cell_len(text)
