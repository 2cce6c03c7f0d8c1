"""Dollars, tokens and hours in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.budgets.amounts import Amount, amount, told, words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("$5", Amount(dollars=5)),
        ("5", Amount(dollars=5)),
        ("+2.50", Amount(dollars=2.5)),
        ("200k", Amount(tokens=200_000)),
        ("2M tokens", Amount(tokens=2_000_000)),
        ("90m", Amount(hours=1.5)),
        ("$5 200k, 2h", Amount(dollars=5, tokens=200_000, hours=2)),
    ],
)
def test_amounts_are_read(said: str, expected: Amount) -> None:
    assert amount(said) == expected
    assert amount(words(expected)) == expected


@pytest.mark.parametrize("said", ["", "much", "$5k", "5 6", "-1", "0", "$5 tokens", "1e3", "5 apples", "nan"])
def test_what_is_no_amount_is_refused_with_what_may_stand_there(said: str) -> None:
    with pytest.raises(ValueError, match="for example"):
        amount(said)


@given(st.text(max_size=12))
def test_any_words_are_an_amount_or_refused(said: str) -> None:
    try:
        found = amount(said)
    except ValueError:
        return
    assert found


@given(st.text(alphabet="0123456789$.kMhm ,+", max_size=10))
def test_words_that_look_like_amounts_are_one_or_refused(said: str) -> None:
    try:
        found = amount(said)
    except ValueError:
        return
    assert all(value is None or value > 0 for value in (found.dollars, found.tokens, found.hours))


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("dollars", 5.0, "$5"),
        ("dollars", 0.004, "$0.00"),
        ("tokens", 1500, "2k tokens"),
        ("hours", 1.5, "1h30m"),
        ("hours", 0.25, "15m"),
    ],
)
def test_measures_are_told(field: str, value: float, shown: str) -> None:
    assert told(field, value) == shown
