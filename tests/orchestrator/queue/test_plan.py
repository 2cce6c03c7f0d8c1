"""Which task starts next: the reasons by example, the order against a brute-force model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.queue import fold
from orchestrator.queue.ask import Queue, Task, TaskLeft, TaskQueued
from orchestrator.queue.plan import World, after_failure, cycles, plan, to_end
from orchestrator.queue.settings import QueueSettings, RepositoryRules
from orchestrator.rows import Row
from sessions.models import State
from tests.nightly import NIGHTLY
from tests.orchestrator.sample import NOW
from tests.orchestrator.test_attention import landed_at, row

SLOTS = QueueSettings(slots=2)


def task(name: str, **more: Any) -> Task:
    known = {"id": f"t-{name}", "name": name, "prompt": name, "repository": "/r", "agent": "claude", "at": NOW}
    return Task(**{**known, **more})


def world(*rows: Row, **more: Any) -> World:
    return World(rows=rows, now=NOW, **more)


def why(one: Task, *rows: Row, settings: QueueSettings = SLOTS, others: tuple[Task, ...] = (), **more: Any) -> str:
    found = plan(Queue(tasks=(*others, one)), settings, world(*rows, **more))
    return "" if one in found.start else found.waits[one.id].words


busy = row(State.WORKING, name="busy")
asks = row(State.BLOCKED, name="asks")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((busy,), ""),
        ((busy, asks), "2 of 2 slots are taken"),  # one that asks is at work: an answer lets it go on
        ((busy, row(State.DONE, name="done"), row(State.RATE_LIMITED, name="limited")), ""),
        ((busy, row(State.WORKING, name="held", paused=True)), ""),
        ((busy, row(State.STARTING, name="no", launch_failure="no such agent")), ""),
        ((busy, row(State.BACKGROUND, name="back")), "2 of 2 slots are taken"),
    ],
)
def test_what_is_at_work_takes_a_slot(rows: tuple[Row, ...], expected: str) -> None:
    assert why(task("a"), *rows) == expected


@pytest.mark.parametrize(
    ("one", "rows", "expected"),
    [
        ({"after": ("x",)}, (row(State.WORKING, name="x"),), "comes after x, which is working"),
        ({"after": ("x",)}, (row(State.DONE, name="x"),), "comes after x, which is done and not landed"),
        ({"after": ("x",), "when": "done"}, (row(State.DONE, name="x"),), ""),
        ({"after": ("x",), "when": "done"}, (row(State.EXITED, name="x"),), ""),
        ({"after": ("x",), "when": "done"}, (row(State.FAILED, name="x"),), "comes after x, which failed"),
        ({"after": ("x",)}, (row(State.WORKING, name="x", landing=landed_at(NOW)),), ""),
        ({"after": ("x",)}, (), "comes after x, which is not there"),
        ({"gone": ("x",)}, (), "x, which it comes after, did not land and is gone"),
        ({"held": True}, (), "held by you"),
        ({"now": True}, (busy, asks), ""),
    ],
)
def test_what_comes_first_holds_back(one: dict[str, Any], rows: tuple[Row, ...], expected: str) -> None:
    assert why(task("a", **one), *rows) == expected


def test_what_is_not_known_since_a_restart_may_be_at_work() -> None:
    unknown = [row(State.UNKNOWN, ago_s=ago_s, name="u") for ago_s in (5, 300)]
    assert [why(task("a"), busy, one) for one in unknown] == ["2 of 2 slots are taken", ""]


def test_the_longest_done_one_of_the_queue_gives_its_room() -> None:
    rows = [row(State.DONE, ago_s=ago_s, name=name) for name, ago_s in (("new", 10), ("old", 500), ("older", 900))]
    rows += [row(State.DONE, ago_s=5000, name="asks", asks=True), row(State.DONE, ago_s=5000, name="yours")]
    rows += [row(State.WORKING, ago_s=5000, name="works"), row(State.DONE, ago_s=5000, name="mine", unsent=("c",))]
    queue = Queue(done=tuple(one.id for one in rows if one.name != "yours"))
    assert [
        getattr(to_end(queue, rows, focus, NOW, rest_s), "name", None)
        for focus, rest_s in ((None, 120), ("older", 120), ("older", 600), (None, 0))
    ] == ["older", "old", None, "older"]
    assert to_end(Queue(), rows, None, NOW, 0) is None


def test_caps_rules_and_the_machine_hold_back_with_their_reason() -> None:
    assert "slots of claude" in why(task("a"), busy, settings=QueueSettings(per_agent={"claude": 1}))
    assert "of this repository" in why(task("a"), busy, settings=QueueSettings(per_repository=1))
    elsewhere = QueueSettings(per_repository=1, repositories={"/r": RepositoryRules(slots=2)})
    assert why(task("a"), busy, settings=elsewhere) == ""
    apart = QueueSettings(repositories={"/r": RepositoryRules(unattended=False)})
    assert "by itself" in why(task("a"), settings=apart)
    assert why(task("a", now=True), settings=apart) == ""
    assert why(task("a", repository="/other"), settings=apart) == ""
    modes = QueueSettings(unattended_modes=("plan",))
    assert "permission mode default" in why(task("a"), settings=modes)
    assert why(task("a", permission_mode="plan"), settings=modes) == ""
    assert "load is 3.0" in why(task("a"), settings=QueueSettings(max_load=2), load=3.0)
    assert why(task("a"), room=0, full="no memory") == "no memory"
    assert why(task("a", now=True), room=0, full="no memory") == "no memory"
    assert why(task("a"), limited=lambda agent, where: f"{agent} is limited") == "claude is limited"
    assert why(task("a", many=True), busy, asks) == ""  # `run` asked for it: only the machine holds it back


def test_a_failure_is_tried_again_after_growing_pauses_and_then_left_to_the_human() -> None:
    one, pauses = task("a", retries=3), []
    for _ in range(4):
        one = after_failure(one.model_copy(update={"tries": one.tries + 1, "state": "runs"}), "it broke", NOW)
        pauses.append(one.not_before - NOW if one.not_before and not one.over else None)
    assert pauses == [timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=16), None]
    assert "it broke; try again: orchestrator queue release a" in why(one)


def test_what_is_dropped_holds_what_came_after_it_and_what_landed_does_not() -> None:
    queue = Queue()
    for one in (task("a"), task("b", after=("a",)), task("c", after=("a", "x"))):
        queue = fold.apply(queue, TaskQueued(task=one))
    dropped = fold.apply(queue, TaskLeft(task="t-a", how="dropped"))
    assert [one.gone for one in dropped.tasks] == [("a",), ("a",)]
    done = fold.apply(queue, TaskLeft(task="t-a", how="done"))
    assert [one.gone for one in done.tasks] == [(), ()]
    landed = fold.gone(done, "a", landed=True)
    assert [one.after for one in landed.tasks] == [(), ("x",)]
    assert [one.gone for one in fold.gone(done, "a", landed=False).tasks] == [("a",), ("a",)]


NAMES = "abcdef"
ONE = st.fixed_dictionaries(
    {
        "priority": st.integers(-1, 1),
        "held": st.booleans(),
        "agent": st.sampled_from(["claude", "codex"]),
        "after": st.sets(st.sampled_from(NAMES), max_size=2).map(lambda names: tuple(sorted(names))),
        "when": st.sampled_from(["landed", "done"]),
    }
)


@settings(max_examples=3000 if NIGHTLY else 150)
@given(
    st.lists(ONE, min_size=1, max_size=6),
    st.lists(st.sampled_from([State.WORKING, State.DONE, State.BLOCKED]), max_size=3),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_no_slot_stays_free_and_no_cap_is_passed(
    made: list[dict[str, Any]], states: list[State], slots: int, per_agent: int
) -> None:
    """Greedy by hand: the first in order that may start takes a slot, until none may."""
    tasks = [task(NAMES[n], **one) for n, one in enumerate(made)]
    rows = tuple(row(state, name=f"r{n}") for n, state in enumerate(states))
    rules = QueueSettings(slots=slots, per_agent={"claude": per_agent})
    queue = Queue(tasks=tuple(tasks))
    found = plan(queue, rules, world(*rows))
    working = [one.agent for one in rows if one.state is not State.DONE]
    expected = []
    for one in sorted(tasks, key=lambda one: -one.priority):
        free = len(working) < slots and (one.agent != "claude" or working.count("claude") < per_agent)
        if not one.held and not one.after and free:  # every name of `after` is here a task that waits, or nobody
            expected.append(one)
            working.append(one.agent)
    assert found.start == expected
    assert {one.id for one in tasks} == {one.id for one in found.start} | found.waits.keys()
    assert all(reason.words for reason in found.waits.values())


@given(st.lists(st.sets(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=6))
def test_cycles_are_those_of_the_graph(after: list[set[str]]) -> None:
    tasks = tuple(task(NAMES[n], after=tuple(sorted(names))) for n, names in enumerate(after))
    edges = {(one.name, name) for one in tasks for name in one.after}
    for _ in NAMES:  # the transitive closure, by brute force
        edges |= {(a, d) for a, b in edges for c, d in edges if b == c}
    assert cycles(Queue(tasks=tasks)) == {one.id for one in tasks if (one.name, one.name) in edges}
