"""Rates: tokens belong to the time in which they were made, and none appears or vanishes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.throughput import LONGEST_GAP, rate, series
from sessions.models import Response, Usage

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def answer(output: int, *, ended: float, took: float | None = None, name: str = "a") -> Response:
    at = NOW - timedelta(seconds=ended)
    began = at - timedelta(seconds=took) if took is not None else None
    return Response(id=name, usage=Usage(output=output), started_at=began, ended_at=at)


def test_an_answer_lies_in_the_buckets_in_which_it_was_made() -> None:
    found = series([answer(600, ended=30, took=20)], NOW, MINUTE, 6)
    assert found == pytest.approx((0, 30, 30, 0, 0, 0))


def test_an_answer_without_a_beginning_began_where_the_one_before_ended() -> None:
    answers = [answer(0, ended=30, took=1), answer(100, ended=10, name="b")]
    assert series(answers, NOW, MINUTE, 6) == pytest.approx((0, 0, 0, 5, 5, 0))


def test_a_long_pause_is_not_taken_for_an_answer() -> None:
    day = timedelta(days=1)
    answers = [answer(0, ended=day.total_seconds(), took=1), answer(300, ended=0, name="b")]
    assert rate(answers, NOW, LONGEST_GAP) == pytest.approx(300 / LONGEST_GAP.total_seconds())


def test_an_answer_that_ends_as_it_begins_counts_all_the_same() -> None:
    assert rate([answer(60, ended=5, took=0)], NOW, MINUTE) == pytest.approx(1)


def test_a_clock_that_went_back_gives_no_negative_rate() -> None:
    backwards = answer(60, ended=20, took=-10)
    assert all(value >= 0 for value in series([backwards], NOW, MINUTE, 6))
    assert rate([backwards], NOW, MINUTE) == pytest.approx(1)


def test_nothing_was_made_before_the_first_answer_or_after_now() -> None:
    assert series([], NOW, MINUTE, 3) == (0, 0, 0)
    assert rate([answer(60, ended=61, took=1)], NOW, MINUTE) == 0


@given(st.integers(1, 20), st.floats(0, 59), st.floats(0.1, 59), st.integers(0, 9999))
def test_the_buckets_hold_what_the_window_holds(buckets: int, ended: float, took: float, output: int) -> None:
    answers = [answer(output, ended=ended, took=took)]
    parts = series(answers, NOW, MINUTE, buckets)
    assert sum(parts) / buckets == pytest.approx(rate(answers, NOW, MINUTE), rel=1e-3, abs=1e-3)
