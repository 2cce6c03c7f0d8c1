"""The planner against landing one by one, by brute force."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.train.culprits import Ask, Found, explain
from orchestrator.train.plan import Link, Plan, bounds, decide, failing
from tests.nightly import NIGHTLY

EXAMPLES = 2000 if NIGHTLY else 60
Bad = frozenset[frozenset[int]]


def passes(changes: frozenset[int], bad: Bad) -> bool:
    return not any(group <= changes for group in bad)


def one_by_one(count: int, bad: Bad) -> list[int]:
    landed: list[int] = []
    for change in range(count):
        if passes(frozenset([*landed, change]), bad):
            landed.append(change)
    return landed


def halving(count: int, bad: Bad) -> int:
    """How many tests bors needs: a batch that fails is cut in two."""
    landed: list[int] = []
    batches, tests = [list(range(count))], 0
    while batches:
        batch = batches.pop(0)
        tests += 1
        if passes(frozenset([*landed, *batch]), bad):
            landed += batch
        elif len(batch) > 1:
            batches[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    return tests


def tree(changes: list[int]) -> str:
    return ",".join(map(str, changes))


def travel(count: int, bad: Bad, workers: int, order: random.Random | None = None) -> tuple[list[int], int, int]:
    """Landed, tests, rounds. With ``order`` tests end one at a time in any order, and the rest runs on."""
    landed: list[int] = []
    queue = list(range(count))
    results: dict[str, bool] = {}
    outcomes: list[bool] = []
    running: dict[str, frozenset[int]] = {}
    tests = rounds = 0
    for _step in range(40 * count + 40):
        chain = [Link(str(change), tree(landed + queue[:n])) for n, change in enumerate(queue, 1)]
        plan = decide(chain, results, workers, outcomes, running=frozenset(running))
        if not queue:
            assert plan == Plan()
            return landed, tests, rounds
        if plan.land or plan.reject:
            assert plan.land + plan.reject <= len(queue)
            landed += queue[: plan.land]
            outcomes += [True] * plan.land + [False] * plan.reject
            queue = queue[plan.land + plan.reject :]
            continue
        assert 0 < len(plan.tests) <= workers
        assert len(set(plan.tests)) == len(plan.tests)
        wanted = {chain[length - 1].tree: frozenset(landed + queue[:length]) for length in plan.tests}
        assert not wanted.keys() & results.keys(), "nothing is tested twice"
        tests += len(wanted.keys() - running.keys())
        running = wanted
        rounds += 1
        ended = [order.choice(sorted(running))] if order else list(running)
        for one in ended:
            results[one] = passes(running.pop(one), bad)
    raise AssertionError("it does not come to an end")


@st.composite
def queues(draw: st.DrawFn) -> tuple[int, Bad]:
    count = draw(st.integers(0, 12))
    if count == 0:
        return 0, frozenset()
    groups = st.frozensets(st.integers(0, count - 1), min_size=1, max_size=3)
    return count, draw(st.frozensets(groups, max_size=5))


@settings(max_examples=EXAMPLES, deadline=None)
@given(queues(), st.integers(1, 5), st.randoms(use_true_random=False))
def test_what_lands_is_what_landing_one_by_one_lands(
    queue: tuple[int, Bad], workers: int, order: random.Random
) -> None:
    count, bad = queue
    wanted = one_by_one(count, bad)
    assert travel(count, bad, workers)[0] == wanted
    assert travel(count, bad, workers, order)[0] == wanted


def test_every_queue_of_four_with_every_pair_of_bad_sets() -> None:
    groups = [frozenset(some) for size in (1, 2, 3) for some in itertools.combinations(range(4), size)]
    for size in (0, 1, 2):
        for chosen in itertools.combinations(groups, size):
            for workers in (1, 2, 3):
                assert travel(4, frozenset(chosen), workers)[0] == one_by_one(4, frozenset(chosen))


@pytest.mark.parametrize("count", [8, 32])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
def test_it_needs_fewer_tests_than_halving_and_fewer_rounds_than_one_by_one(count: int, rate: float) -> None:
    """On average over queues in which single ones are bad, and one pair is bad only together."""
    chance = random.Random(7)
    several, by_halves, waits, single = 0, 0, 0, 0
    runs = 40
    for _ in range(runs):
        bad = frozenset(
            [
                *(frozenset([n]) for n in range(count) if chance.random() < rate),
                frozenset(chance.sample(range(count), 2)),
            ]
        )
        _landed, tests, rounds = travel(count, bad, 2)
        several, waits = several + tests, waits + rounds
        single += travel(count, bad, 1)[1]
        by_halves += halving(count, bad)
    assert several < by_halves
    assert single < by_halves
    assert waits < runs * count
    if rate < 0.3:
        assert several < runs * count  # serial tests each once


def test_the_whole_queue_is_first_while_failures_are_rare_and_two_when_every_third_fails() -> None:
    chain = [Link(str(n), str(n)) for n in range(8)]
    assert decide(chain, {}, 1, [True] * 40).tests == (8,)
    assert decide(chain, {}, 3, [True] * 40).tests == (8,)
    assert decide(chain, {}, 2, [True, True, False] * 12).tests == (2,)
    assert failing([]) < 0.2 < failing([True, True, False] * 4)


def test_a_test_that_runs_stays_chosen_and_what_is_known_is_not_asked_again() -> None:
    chain = [Link(str(n), str(n)) for n in range(1, 9)]
    some = [True] * 18 + [False] * 2
    plan = decide(chain, {"8": False}, 2, some)
    assert len(plan.tests) == 2
    kept = decide(chain, {"8": False}, 2, some, running=frozenset({str(plan.tests[1])}))
    assert plan.tests[1] in kept.tests
    assert decide(chain, {"3": True, "5": True, "6": False}, 2).reject
    assert decide(chain, {"3": True, "5": True, "6": False}, 2).land == 5
    assert bounds(chain, {"2": False, "5": True}) == (5, 9)


def test_a_tree_that_passed_before_needs_no_test() -> None:
    assert decide([Link("a", "x"), Link("b", "y")], {"y": True}, 2).land == 2


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.integers(0, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(
                st.frozensets(st.integers(0, n - 1), max_size=3) if n else st.just(frozenset()), min_size=1, max_size=4
            ),
        )
    )
)
def test_the_set_that_is_named_fails_and_none_of_it_can_be_left_out(case: tuple[int, list[frozenset[int]]]) -> None:
    count, groups = case
    before = [str(n) for n in range(count)]

    def good(names: frozenset[str]) -> bool:
        return not any({str(n) for n in group} <= names for group in groups)

    known: dict[frozenset[str], bool | None] = {}
    while isinstance(said := explain(before, known, 99), Ask):
        assert frozenset(said.changes) not in known
        known[frozenset(said.changes)] = good(frozenset(said.changes))
    assert isinstance(said, Found)
    assert said.exact
    assert not good(frozenset(said.partners))
    for one in said.partners:
        assert good(frozenset(said.partners) - {one})
    assert len(known) <= 1 + 4 * (1 + len(said.partners))


def test_a_search_that_would_cost_too_much_says_so() -> None:
    before = [str(n) for n in range(12)]
    known: dict[frozenset[str], bool | None] = {frozenset(): True}
    said = explain(before, known, 2)
    while isinstance(said, Ask):
        known[frozenset(said.changes)] = True
        said = explain(before, known, 2)
    assert said == Found(tuple(before), exact=False)
