"""When parked sessions go on. Pure; the clock is scripted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.budgets.parking import APART, FIRST, GRACE, LONGEST, MINUTE, due

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CHANCE = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(st.integers(min_value=-3600, max_value=90_000), st.integers(min_value=1, max_value=60), CHANCE)
def test_none_goes_on_before_its_limit_lifts_and_back_off_is_capped(until_s: int, attempt: int, chance: float) -> None:
    until = NOW + timedelta(seconds=until_s)
    at = due(until, NOW, attempt, 0, chance)
    assert at >= max(until, NOW) + GRACE
    assert at <= max(until + MINUTE, NOW + LONGEST) + GRACE + APART
    if attempt > 1:
        assert at >= NOW + FIRST


@given(st.lists(CHANCE, min_size=12, max_size=12))
def test_twelve_that_wait_for_the_same_go_on_in_twelve_different_seconds(chances: list[float]) -> None:
    until = NOW + timedelta(minutes=5)
    times = [due(until, NOW, 1, ahead, chance) for ahead, chance in enumerate(chances)]
    assert all(later - sooner >= timedelta(seconds=1) for sooner, later in pairwise(times))


def test_a_second_limit_without_an_answer_waits_longer_each_time() -> None:
    waits = [due(NOW - timedelta(seconds=1), NOW, attempt, 0, 0) - NOW - GRACE for attempt in range(1, 9)]
    assert waits == sorted(waits)
    assert [wait / timedelta(minutes=1) for wait in waits] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_full_minute_that_was_told_is_waited_for_to_its_end() -> None:
    assert due(NOW + timedelta(minutes=5), NOW, 1, 0, 0) == NOW + timedelta(minutes=6) + GRACE
    exact = NOW + timedelta(minutes=5, seconds=7)
    assert due(exact, NOW, 1, 0, 0) == exact + GRACE
