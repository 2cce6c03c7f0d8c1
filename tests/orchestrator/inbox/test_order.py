"""The order of attention: the formula by hand, ties, and a list that stays under the human's fingers."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.events import Created
from orchestrator.fleet import Fleet, Rival, Row
from orchestrator.inbox.ask import Pace, Snoozed
from orchestrator.inbox.order import awake, dependants, expected, held, inbox, kind, mark, weight
from orchestrator.inbox.telling import listed, reasons
from orchestrator.queue.ask import Task, TaskLeft, TaskQueued
from sessions.models import SessionId, State
from sessions.risk import Risk
from tests.orchestrator.sample import NOW, SampleLink
from tests.orchestrator.test_attention import WORK, asking, row
from worktrees.models import Totals

SAFE = {"risk": Risk.WRITES_INSIDE}


def fleet(*rows: Row, **more: Any) -> Fleet:
    return Fleet(rows={seen.id: seen for seen in rows}, **more)


def names(found: Fleet) -> list[str]:
    return [item.row.name for item in inbox(found, NOW)]


def task(name: str, **more: Any) -> Task:
    return Task(id=f"t-{name}", name=name, prompt="", repository="/r", agent="claude", at=NOW, **more)


def test_the_example_of_the_document_by_hand() -> None:
    permission = asking("permission", 300, **SAFE)
    stacked = row(State.WORKING, name="stacked", on=permission.id)
    question = asking("question", 1200, kind="question", command=None, risk=None)
    first, second = inbox(fleet(question, permission, stacked), NOW)
    assert (first.row.name, first.cost, first.expected_s) == ("permission", 3.0, 10.0)
    assert first.score == pytest.approx(0.3)
    assert (second.row.name, second.cost, second.expected_s) == ("question", 3.0, 30.0)
    assert second.score == pytest.approx(0.1)
    assert reasons(first) == (
        "1 other waits for it: stacked",
        "asked 5m ago",
        "permissions may take you 10 s",
    )


def test_every_factor_counts_as_the_formula_says() -> None:
    rival = Rival(session=SessionId("r"), paths=("a",))
    seen = asking("one", 600, **SAFE).model_copy(update={"rivals": (rival,), "conflicts": ("a",), "priority": 1})
    (item,) = inbox(fleet(seen), NOW)
    assert item.cost == (1 + 0 + 2) * 2 * (1 + 1)
    pace = {"permission": Pace(count=15, total_s=15 * 6)}
    (item,) = inbox(fleet(seen, pace=pace), NOW)
    assert item.expected_s == (5 * 10 + 15 * 6) / (5 + 15)
    assert reasons(item)[-1] == "permissions take you 7 s"


def test_a_prior_fades_as_interactions_are_seen() -> None:
    assert expected("plan", {}) == 60
    assert expected("plan", {"plan": Pace(count=5, total_s=100)}) == 40
    assert expected("plan", {"plan": Pace(count=5000, total_s=100_000)}) == pytest.approx(20, abs=0.1)


def test_a_priority_doubles_and_cannot_starve_the_rest() -> None:
    assert [weight(n) for n in (-1000, -3, -1, 0, 1, 3, 1000)] == [0.125, 0.125, 0.5, 1, 2, 8, 8]


def test_dependants_are_counted_through_others_and_tasks_that_wait() -> None:
    rows = [
        row(name="a"),
        row(name="b", on=SessionId("a")),
        row(name="c", on=SessionId("b")),
        row(name="asks", on=SessionId("gone")),
        row(name="proposes", resolves=SessionId("b")),
    ]
    tasks = [
        task("task", after=("c", "a")),
        task("after-task", after=("task",)),
        task("lost", after=("gone",)),
        task("done-is-enough", after=("a",), when="done"),
    ]
    assert dependants(rows, tasks) == {
        "a": ("after-task", "b", "c", "task"),
        "b": ("after-task", "c", "task"),
        "c": ("after-task", "task"),
        "proposes": ("after-task", "b", "c", "task"),
    }


def test_a_session_from_the_queue_has_the_priority_of_its_task() -> None:
    link = SampleLink()
    started = task("queued", priority=2, state="starts", session=SessionId("s-q"))
    link.emit(None, TaskQueued(task=started))
    link._append(SessionId("s-q"), Created.model_validate({**row(name="queued").model_dump(), "priority": 0}), NOW)
    link.emit(None, TaskLeft(task=started.id, how="done"))
    assert link.fleet.rows[SessionId("s-q")].priority == 2


def test_sessions_that_hang_on_each_other_are_counted_once() -> None:
    rows = [row(name="a", on=SessionId("b")), row(name="b", on=SessionId("a"))]
    assert dependants(rows) == {"a": ("b",), "b": ("a",)}


@pytest.mark.parametrize("risk", sorted(Risk))
def test_what_may_not_be_taken_back_is_on_top_however_low_its_score(risk: Risk) -> None:
    found = fleet(
        asking("old", 9000, command="make", **SAFE),
        asking("risky", 1, risk=risk).model_copy(update={"priority": -3}),
    )
    pinned = risk in (Risk.DELETES, Risk.WRITES_OUTSIDE, Risk.NETWORK)
    assert names(found) == (["risky", "old"] if pinned else ["old", "risky"])
    assert [item.pinned for item in inbox(found, NOW)] == [pinned, False]


def test_all_that_is_worth_attention_is_in_it_what_blocks_an_agent_first() -> None:
    found = fleet(
        row(State.WORKING, name="works"),
        row(State.DONE, name="looked-at", totals=Totals()).model_copy(update={"status": row(State.IDLE).status}),
        row(State.DONE, 9000, name="ready", totals=WORK),
        row(State.DONE, 50, name="clash", totals=WORK, conflicts=("a",)),
        row(State.FAILED, 9000, name="fails"),
        row(State.DONE, 90, name="wonders", asks=True),
        row(State.DONE, 90, name="finished"),
        row(State.BLOCKED, 1, name="dialog"),
        asking("asks", 1, **SAFE),
        row(State.BLOCKED, 9000, name="held", paused=True),
        row(State.DONE, name="proposes", totals=WORK, resolves=SessionId("clash")),
    )
    order = [(item.row.name, item.kind) for item in inbox(found, NOW)]
    assert order[:2] == [("asks", "permission"), ("dialog", "dialog")]
    assert sorted(order[2:]) == [
        ("clash", "conflict"),
        ("fails", "failed"),
        ("finished", "finished"),
        ("ready", "ready"),
        ("wonders", "message"),
    ]
    assert all(listed(item).why and listed(item).what for item in inbox(found, NOW))
    assert all(bool(listed(item).keys) is not item.blocks for item in inbox(found, NOW))


def test_one_answer_that_serves_several_costs_what_all_of_them_cost() -> None:
    twins = [asking("a", 600, **SAFE), asking("b", 0, **SAFE)]
    (item,) = inbox(fleet(*twins), NOW)
    assert item.cost == 2 + 1
    assert "one answer serves 2 sessions" in reasons(item)


def test_a_snoozed_item_is_last_until_its_time_or_until_it_wants_something_else() -> None:
    seen = asking("one", 90)
    later = Snoozed(mark=mark(seen), until=NOW + timedelta(minutes=10))
    put_off = seen.model_copy(update={"snoozed": later})
    found = fleet(put_off, row(State.FAILED, name="fails"))
    assert names(found) == ["fails", "one"]
    assert [item.row.name for item in awake(inbox(found, NOW))] == ["fails"]
    assert [item.row.name for item in inbox(found, NOW + timedelta(minutes=10))] == ["one", "fails"]
    asks_anew = asking("one", 5, id="q-new").model_copy(update={"snoozed": later})
    assert names(fleet(asks_anew, row(State.FAILED, name="fails"))) == ["one", "fails"]
    for_good = seen.model_copy(update={"snoozed": Snoozed(mark=mark(seen))})
    assert inbox(fleet(for_good), NOW + timedelta(days=300))[0].snoozed


ROWS = st.lists(
    st.builds(
        lambda n, state, ago, up, work: row(state, ago, f"s{n}", priority=up, totals=WORK if work else Totals()),
        st.integers(0, 30),
        st.sampled_from(State),
        st.integers(0, 20),
        st.integers(-4, 4),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda seen: seen.id,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_rows(rows: list[Row], chance: random.Random) -> None:
    order = names(fleet(*rows))
    chance.shuffle(rows)
    assert names(fleet(*rows)) == order
    assert sorted(order) == sorted(seen.name for seen in rows if kind(seen))


KEYS = st.lists(st.integers(0, 15).map(str), unique=True)


@given(KEYS, KEYS)
def test_what_was_seen_keeps_its_order_and_what_is_new_goes_between(before: list[str], wanted: list[str]) -> None:
    shown = held(before, wanted)
    assert sorted(shown) == sorted(wanted)
    kept = [key for key in before if key in wanted]
    assert [key for key in shown if key in kept] == kept
    fresh = [key for key in wanted if key not in kept]
    assert [key for key in shown if key in fresh] == fresh
    assert held(shown, wanted) == shown
    for n, key in enumerate(shown):
        if key in fresh:
            behind = [other for other in shown[n:] if other in kept]
            assert not behind or wanted.index(behind[0]) > wanted.index(key)


def test_without_a_change_of_mind_it_is_the_order_that_is_wanted() -> None:
    assert held((), ("b", "a")) == ["b", "a"]
    assert held(("a", "c"), ("a", "b", "c")) == ["a", "b", "c"]
    assert held(("a", "b"), ("b", "a", "c")) == ["a", "b", "c"]


def test_fifty_sessions_are_ordered_between_two_keys() -> None:
    rows = [asking(f"s{n}", n, command=f"make {n}") for n in range(25)]
    rows += [row(State.DONE, n, f"d{n}", totals=WORK, on=SessionId(f"s{n % 5}")) for n in range(25)]
    found = fleet(*rows)
    inbox(found, NOW)
    best = min(_timed(found) for _ in range(20))
    assert best < 0.02  # 0.7 ms on an idle machine


def _timed(found: Fleet) -> float:
    began = time.perf_counter()
    inbox(found, NOW)
    return time.perf_counter() - began
