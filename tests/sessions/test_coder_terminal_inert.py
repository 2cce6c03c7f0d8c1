"""What a model says, or a tool gives back, acts on no terminal that the built-in coder talks to."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout

from hypothesis import given
from hypothesis import strategies as st

from sessions.coder.terminal import Terminal, complain, one_line
from tests.hostile import EVERYTHING, acting, hostile

_SGR = re.compile(r"\x1b\[[0-9;]*m")


def printed(pieces: list[str], *, interactive: bool) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        terminal = Terminal(interactive=interactive)
        for piece in pieces:
            terminal.stream(piece)
        for say in (terminal.line, terminal.note, terminal.error, complain):
            say("".join(pieces))
        terminal.tool("".join(pieces), "".join(pieces))
    return out.getvalue() + err.getvalue()


@given(st.lists(hostile, max_size=3), st.booleans())
def test_nothing_that_is_printed_acts(pieces: list[str], interactive: bool) -> None:
    assert acting(_SGR.sub("", printed(pieces, interactive=interactive))) == []


def test_a_sequence_in_two_pieces_does_not_come_together() -> None:
    shown = printed(["\x1b", "]0;owned", "\x07", "\x1b[", "2J"], interactive=True)
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_a_command_on_two_lines_is_seen_to_be_two() -> None:
    assert one_line("ls\nrm -rf /\r\n") == "ls ↵ rm -rf /"
    assert acting(one_line(EVERYTHING)) == []
