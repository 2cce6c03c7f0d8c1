"""Tokens are counted once, cost is never guessed, rates add up to the tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.throughput import rate, series
from sessions.models import Response, Usage
from sessions.prices import cost
from sessions.usage import Tally, from_anthropic, from_openai

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def answer(name: str, output: int, *, ended: float = 0, took: float | None = None) -> Response:
    at = NOW - timedelta(seconds=ended)
    began = at - timedelta(seconds=took) if took is not None else None
    return Response(id=name, usage=Usage(input=10, output=output), started_at=began, ended_at=at)


def test_the_same_response_again_replaces_the_earlier_record() -> None:
    tally = Tally()
    assert tally.add(answer("a", 1))
    assert tally.add(answer("b", 5))
    assert tally.add(answer("a", 7))
    assert not tally.add(answer("a", 7))
    assert (tally.total.input, tally.total.output) == (20, 12)


def test_the_providers_mean_different_things_by_input() -> None:
    theirs = {"input_tokens": 100, "output_tokens": 9, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 5}
    assert from_anthropic(theirs) == Usage(input=100, output=9, cache_read=40, cache_write=5)
    others = {"input_tokens": 100, "output_tokens": 9, "cached_input_tokens": 40, "reasoning_output_tokens": 3}
    assert from_openai(others) == Usage(input=60, output=9, cache_read=40, reasoning=3)


@pytest.mark.parametrize("value", [None, -5, "7", True, 1.5])
def test_what_is_no_count_counts_nothing(value: object) -> None:
    assert from_anthropic({"output_tokens": value}).output == 0


def test_a_model_without_a_price_costs_unknown_not_nothing() -> None:
    assert cost("no-such-model", Usage(output=5)) is None
    assert cost("", Usage(output=5)) is None
    known = cost("claude-sonnet-4-5", Usage(output=1_000_000))
    assert known is not None
    assert known > 1


def test_a_rate_spreads_an_answer_over_its_own_time() -> None:
    minute = timedelta(minutes=1)
    assert rate([answer("a", 600, ended=0, took=30)], NOW, minute) == pytest.approx(10)
    half = rate([answer("a", 600, ended=30, took=60)], NOW, minute)
    assert half == pytest.approx(5)  # half of it was made within the window
    assert rate([answer("a", 600, ended=61, took=10)], NOW, minute) == 0


_ANSWERS = st.lists(
    st.builds(
        answer,
        st.uuids().map(str),
        st.integers(0, 5000),
        ended=st.floats(0, 300),
        took=st.one_of(st.none(), st.floats(0, 200)),
    ),
    max_size=8,
)


@given(_ANSWERS, st.integers(1, 50))
def test_a_series_that_covers_everything_adds_up_to_the_tokens(answers: list[Response], buckets: int) -> None:
    window = timedelta(seconds=1200)
    total = sum(series(answers, NOW, window, buckets)) * window.total_seconds() / buckets
    assert total == pytest.approx(sum(item.usage.output for item in answers), abs=0.01)
