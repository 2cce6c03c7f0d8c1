"""Text of others: whatever it is, what is shown of it acts on nothing and hides nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from tests.hostile import ATTACKS, acting, hostile
from worktrees.inert import apart, block, escaped, is_inert, line, valid


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_acts(name: str) -> None:
    attack = ATTACKS[name]
    assert acting(block(attack)) == []
    assert acting(line(attack)) == []
    assert "\n" not in line(attack)
    assert acting(escaped(json.dumps(attack, ensure_ascii=False, indent=2))) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain  text", "plain  text"),
        ("Grüße, 日本語 ● └─┘ \ue0b0", "Grüße, 日本語 ● └─┘ \ue0b0"),
        ("\x1b]52;c;x\x07", "␛]52;c;x␇"),
        ("x\u202etxt.exe", "x‹U+202E›txt.exe"),
        ("a\u200bb\u00adc", "a‹U+200B›b‹U+00AD›c"),
        ("one\r\ntwo\rthree\n", "one\ntwo␍three\n"),
        ("\x9b2J\x7f", "‹U+009B›2J␡"),
        ("caf\udce9", "caf‹xE9›"),
        ("\ud83d", "‹U+D83D›"),
        ("go\U000e0072\U000e006d\U000e0020\U000e002f", "go‹tags: rm /›"),
        ("e" + "\u0301" * 20, "e" + "\u0301" * 4 + "‹+16›"),
        ("\u0338x\n\u0338y", "◌\u0338x\n◌\u0338y"),
        ("👩🏽\u200d💻 ❤\ufe0f 1\ufe0f\u20e3", "👩💻 ❤ 1\u20e3"),
        ("a\ufe0f \u200d x", "a‹U+FE0F› ‹U+200D› x"),
        ("a\tb", "a   b"),
    ],
)
def test_what_acts_is_drawn_and_the_rest_stays(text: str, shown: str) -> None:
    assert block(text, 4) == shown


def test_a_line_is_one_line_without_blanks_around() -> None:
    assert line("  a\tb\n\n c\u3000d\r\n") == "a b c d"
    assert line("a\x0bb\u2028c\x1cd") == "a␋b‹U+2028›c␜d"
    assert line("\u3000\u0301x") == "◌\u0301x"


def test_right_to_left_words_end_before_what_follows_them() -> None:
    assert apart("name שלום עולם  12") == "name שלום עולם\u200e  12"
    assert apart("name  12") == "name  12"


@given(hostile)
def test_anything_becomes_inert(text: str) -> None:
    for shown in (block(text), line(text)):
        assert acting(shown) == []
        assert is_inert(shown)
        shown.encode()  # any stream takes it
        assert len(shown) <= 9 * len(text) + 8
    assert block(text).count("\n") == text.count("\n")
    assert "\n" not in line(text)
    assert acting(apart(block(text)).replace("\u200e", "")) == []


@given(hostile)
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    assert block(block(text)) == block(text)
    assert line(line(text)) == line(text)
    valid(text).encode()
    assert valid(valid(text)) == valid(text)


@given(hostile)
def test_json_stays_the_same_document(text: str) -> None:
    document = json.dumps({text: [text]}, ensure_ascii=False, indent=2)
    assert acting(escaped(document)) == []
    assert json.loads(escaped(document)) == json.loads(json.dumps({text: [text]}))
