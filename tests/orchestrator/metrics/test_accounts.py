"""Time accounts: by hand, and scripted days that sum to the wall time to the microsecond."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.events import FailedToStart, LaunchFailed
from orchestrator.metrics.records import Wait
from orchestrator.metrics.states import ALIVE, BUSY, GONE, SECOND, Spent, micros, spent, utilisation, wait_share
from sessions.models import State
from tests.nightly import NIGHTLY
from tests.orchestrator.metrics.script import Day, at


def test_a_day_by_hand() -> None:
    day = Day()
    day.begin(0, "a")
    day.state(10, "a", State.WORKING)
    day.state(100, "a", State.BLOCKED)
    day.answer(160, "a")
    day.state(400, "a", State.BACKGROUND)
    day.state(450, "a", State.DONE)
    day.see(500, "a")
    day.state(600, "a", State.RETRYING)
    day.state(620, "a", State.WORKING)
    assert day.account("a", 700) == {
        Spent.WORKING: 100 + 240 + 80,
        Spent.BLOCKED: 60,
        Spent.BACKGROUND: 50,
        Spent.UNREVIEWED: 50,
        Spent.IDLE: 100,
        Spent.RATE_LIMITED: 20,
    }
    account = day.facts(700).accounts["a"]
    assert utilisation(account) == pytest.approx((420 + 50) / (700 - 20))
    assert wait_share(account) == pytest.approx(60 / 700)
    assert [one.ended - one.began for one in day.facts(700).stretches] == [100 * SECOND, 290 * SECOND]
    assert day.account("a", 200, 90) == {Spent.WORKING: 10 + 40, Spent.BLOCKED: 60}


def test_held_by_the_human_is_apart_and_an_end_is_an_end() -> None:
    day = Day()
    day.begin(0, "a")
    day.hold(10, "a", True)
    day.state(20, "a", State.IDLE)  # what the agent does meanwhile is not what its time is
    day.hold(40, "a", False)
    day.state(50, "a", State.EXITED)
    assert day.account("a", 60) == {Spent.WORKING: 10, Spent.PAUSED: 30, Spent.IDLE: 10, Spent.ENDED: 10}
    day.remove(70, "a")
    assert sum(day.account("a", 500).values()) == 70


def test_a_launch_that_came_to_nothing_has_no_life() -> None:
    day = Day()
    for name, event in (("a", LaunchFailed(reason="x")), ("b", FailedToStart(how="x"))):
        day.begin(0, name)
        day.tell(5, name, event)
        assert day.account(name, 105) == {Spent.WORKING: 5, Spent.ENDED: 100}


def test_while_nobody_watched_it_was_as_before_when_it_is_the_same_afterwards() -> None:
    day = Day()
    for name in ("same", "other", "later"):
        day.begin(0, name)
        day.state(10, name, State.BLOCKED)
    day.gap(100, 1000, "daemon")
    day.state(1000, "same", State.BLOCKED)
    day.state(1003, "other", State.WORKING)  # the first look after the restart
    day.state(1060, "later", State.WORKING)  # long after it: it was blocked all the time
    assert day.account("same", 1100) == {Spent.WORKING: 10, Spent.BLOCKED: 1090}
    assert day.account("other", 1100) == {Spent.WORKING: 10 + 97, Spent.BLOCKED: 90, Spent.UNKNOWN: 903}
    assert day.account("later", 1100) == {Spent.WORKING: 10 + 40, Spent.BLOCKED: 1050}
    waits = {wait.session: wait.total / SECOND for wait in day.facts(1100).waits}
    assert waits == {"same": 1090, "other": 90, "later": 1050}


def test_two_restarts_in_a_row_are_one_gap() -> None:
    day = Day()
    day.begin(0, "a")
    day.gap(100, 200, "daemon")
    day.gap(205, 300, "daemon")
    day.state(301, "a", State.IDLE)
    assert day.account("a", 310) == {Spent.WORKING: 100, Spent.UNKNOWN: 201, Spent.IDLE: 9}


def test_sleep_of_the_machine_is_not_human_wait() -> None:
    day = Day()
    day.begin(0, "a")
    day.state(10, "a", State.BLOCKED)
    day.gap(100, 3700, "suspend")
    day.answer(3710, "a")
    assert day.account("a", 3710) == {Spent.WORKING: 10, Spent.BLOCKED: 100, Spent.SUSPENDED: 3600}
    (wait,) = day.facts(3710).waits
    assert wait.total == 100 * SECOND


def test_a_clock_that_jumps() -> None:
    day = Day()
    day.begin(0, "ahead")
    day.gap(50, 3650, "clock")
    day.state(3660, "ahead", State.IDLE)
    assert day.account("ahead", 3660) == {Spent.WORKING: 60, Spent.UNKNOWN: 3600}
    day.state(3000, "ahead", State.WORKING)  # a step back: time stands until the clock is there again
    day.state(3670, "ahead", State.IDLE)
    assert day.account("ahead", 3680) == {Spent.WORKING: 60 + 10, Spent.UNKNOWN: 3600, Spent.IDLE: 10}


def test_a_wait_is_split_by_what_the_human_did() -> None:
    day = Day()
    for name in ("a", "b"):
        day.begin(0, name)
    day.state(100, "a", State.BLOCKED)
    day.focus(110, "b")
    day.look(130, "a")  # its row is on the screen
    day.focus(150, "a")
    day.focus(160, "b")  # away …
    day.focus(190, "a")  # … and back
    day.answer(200, "a")
    (wait,) = day.facts(300).waits
    assert wait == Wait("a", wait.began, wait.ended, "permission", 30 * SECOND, (20 + 30) * SECOND, (10 + 10) * SECOND)
    assert wait.ended - wait.began == wait.total == 100 * SECOND
    (interaction,) = day.facts(300).interactions
    assert (interaction.ended - interaction.began, interaction.kind) == (10 * SECOND, "permission")


def test_who_asks_the_human_that_is_there_is_noticed_at_once() -> None:
    day = Day()
    day.begin(0, "a")
    day.focus(50, "a")
    day.state(100, "a", State.BLOCKED, "q1")
    day.state(120, "a", State.BLOCKED, "q2")  # another question: another wait
    day.answer(150, "a")
    assert [(wait.unnoticed, wait.handled) for wait in day.facts(200).waits] == [(0, 20 * SECOND), (0, 30 * SECOND)]
    (interaction,) = day.facts(200).interactions
    assert interaction.ended - interaction.began == 30 * SECOND  # from when it asked, not from when it was looked at


def test_an_answer_given_elsewhere_is_no_interaction() -> None:
    day = Day()
    day.begin(0, "a")
    day.state(100, "a", State.BLOCKED)
    day.answer(150, "a")
    assert day.facts(200).interactions == ()
    assert day.facts(200).waits[0].unnoticed == 50 * SECOND


def test_every_state_has_its_time() -> None:
    assert {spent(state) for state in State} == set(Spent) - {Spent.SUSPENDED}
    assert frozenset(Spent) == ALIVE | GONE | {Spent.PAUSED, Spent.SUSPENDED}
    assert BUSY < ALIVE


_STATES = [State.WORKING, State.BLOCKED, State.DONE, State.IDLE, State.BACKGROUND, State.LOST, State.RATE_LIMITED]
_DO = st.one_of(
    st.tuples(st.just("state"), st.sampled_from("abc"), st.sampled_from(_STATES)),
    st.tuples(st.just("focus"), st.sampled_from(["a", "b", None])),
    st.tuples(st.just("look"), st.sampled_from("abc")),
    st.tuples(st.just("answer"), st.sampled_from("abc")),
    st.tuples(st.just("hold"), st.sampled_from("abc"), st.booleans()),
    st.tuples(st.just("gap"), st.sampled_from(["daemon", "suspend", "clock"]), st.integers(0, 3_000_000_000)),
)


@settings(max_examples=400 if NIGHTLY else 40)
@given(st.lists(st.tuples(st.integers(-20_000_000, 900_000_000), _DO), max_size=30), st.integers(0, 10**9))
def test_scripted_days_sum_to_the_wall_time_exactly(script: list[tuple[int, Any]], rest: int) -> None:
    day, now, latest = Day(), 0, 0
    for name in "abc":
        day.begin(0, name)
    for later, (what, *words) in script:
        now = max(0, now + later)  # a step back is among them
        second = now / SECOND
        if what == "gap":
            why, length = words
            day.gap(second, (now + length) / SECOND, why)
            now += length
        elif what == "focus":
            day.focus(second, words[0])
        else:
            getattr(day, what)(second, *words)
        latest = max(latest, now)
    until = latest + rest
    facts = day.store.facts(micros(at(0)), micros(at(0) + timedelta(microseconds=until)))
    for name in "abc":
        account = facts.accounts.get(name, {})
        assert all(time > 0 for time in account.values())
        assert sum(account.values()) == until
        waits = [wait for wait in facts.waits if wait.session == name]
        assert sum(wait.total for wait in waits) == account.get(Spent.BLOCKED, 0)
        assert sum(one.ended - one.began for one in facts.stretches if one.session == name) <= sum(
            account.get(state, 0) for state in BUSY
        )
    half = until // 2
    parts = [
        day.store.facts(micros(at(0) + timedelta(microseconds=one)), micros(at(0) + timedelta(microseconds=other)))
        for one, other in ((0, half), (half, until))
    ]
    for name in "abc":
        for state in Spent:
            both = sum(part.accounts.get(name, {}).get(state, 0) for part in parts)
            assert both == facts.accounts.get(name, {}).get(state, 0)
