"""Words, numbers and glyphs as they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from orchestrator.attention import Rank
from orchestrator.tui import looks, terminal
from orchestrator.tui.looks import age, bars, cut, filled, look, money, no_picture, number, one_line, safe, tokens
from sessions.models import State
from tests.hostile import acting, hostile
from tests.orchestrator.test_attention import WORK, row


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m00s"), (252, "4m12s"), (599, "9m59s"), (600, "10m")),
        *((3599, "59m"), (3600, "1h"), (86_399, "23h"), (86_400, "1d"), (8_640_000, "100d")),
    ],
)
def test_age(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (999, "999"), (1000, "1k"), (48_499, "48k"), (1_250_000, "1.2M"), (31_000_000, "31.0M")],
)
def test_tokens(count: int, shown: str) -> None:
    assert tokens(count) == shown


@given(st.integers(0, 999_000_000))
def test_tokens_fit_their_column(count: int) -> None:
    assert len(tokens(count)) <= 6


def test_money_and_numbers() -> None:
    assert (money(None), money(0), money(3.214)) == ("", "$0.00", "$3.21")
    assert (number(1, "file"), number(0, "file"), number(2, "file")) == ("1 file", "0 files", "2 files")


def test_a_sparkline_is_as_long_as_its_values() -> None:
    assert bars([]) == ""
    assert bars([0, 0]) == "▁▁"
    assert bars([0, 5, 10]) == "▁▄█"


@pytest.mark.parametrize("state", sorted(State))
def test_every_state_has_a_glyph_of_one_cell_and_a_word_of_at_most_four_letters(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ascii_only in (False, True):
        monkeypatch.setattr(looks, "plain", lambda ascii_only=ascii_only: ascii_only)
        seen = look(row(state, paused=state is State.PAUSED))
        assert cell_len(seen.glyph) == 1
        assert seen.glyph.isascii() or not ascii_only
        assert 3 <= len(seen.word) <= 4
        assert seen.word.isupper()


def test_no_two_states_that_call_for_different_things_look_alike_without_colour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for ascii_only in (False, True):
        monkeypatch.setattr(looks, "plain", lambda ascii_only=ascii_only: ascii_only)
        texts = [looks.look_of(where).text for where in Rank]
        assert len(set(texts)) == len(texts)
    assert look(row(State.DONE, totals=WORK)).word == "DONE"


@given(hostile, st.integers(0, 30))
def test_a_cut_text_never_is_wider_than_asked(text: str, width: int) -> None:
    assert cell_len(cut(one_line(text), width)) <= max(width, 0)


@given(hostile)
def test_what_is_cut_is_as_inert_as_the_whole(text: str) -> None:
    assert acting(cut(one_line(text), 20)) == []
    assert acting(safe(text)) == []


def test_a_command_cannot_be_written_backwards() -> None:
    assert one_line("rm \u202egnp.exe") == "rm ‹U+202E›gnp.exe"


def test_filled() -> None:
    assert (filled("ab", 4), filled("世界", 5), filled("abc", 2)) == ("ab  ", "世界 ", "abc")


def test_what_is_said_without_a_picture_names_the_next_key() -> None:
    assert no_picture(None) == ""
    assert "r starts it again" in no_picture(row(State.EXITED))
    assert no_picture(row(State.STARTING, launch_failure="claude is not\ninstalled")) == "claude is not installed"
    assert no_picture(row(State.STARTING, pane=None)) == "It is being started …"


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=40))
def test_ascii_takes_as_many_cells_and_is_ascii(text: str) -> None:
    shown = terminal.ascii_only(one_line(text))
    assert shown.isascii()
    assert len(shown) == cell_len(one_line(text))


def test_the_ascii_filter_leaves_control_segments_alone() -> None:
    control = Segment("\x1b[1m▲", None, [(1, 2)])  # type: ignore[list-item]
    kept, changed = terminal.AsciiFilter().apply([control, Segment("╭▲─世")], Color(0, 0, 0))
    assert kept is control
    assert changed.text == "+!-??"


def test_the_title_says_how_many_wait() -> None:
    assert terminal.title(0) == "\x1b]2;orchestrator\x07"
    assert terminal.title(2) == "\x1b]2;orchestrator: 2 need you\x07"
