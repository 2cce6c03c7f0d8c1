"""Plans that cannot go, plans that may collide, and the order in which tasks begin: held against slow, plain words."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.planner import areas
from orchestrator.planner.ask import Task
from orchestrator.planner.checking import (
    MOST,
    cycle_of,
    freed,
    layers,
    overlaps,
    problems,
    serialised,
    tidy,
    warnings,
)
from tests.nightly import NIGHTLY

few = settings(max_examples=1000 if NIGHTLY else 60, deadline=None)
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
AREAS = st.sampled_from(["src", "src/a.py", "src/b", "src/b/c.py", "docs", "docs/*.md", "tests/test_a.py", ".", "srcs"])
TASKS = st.lists(
    st.builds(
        Task,
        name=NAMES,
        prompt=st.just("do it"),
        area=st.lists(AREAS, max_size=3).map(tuple),
        after=st.lists(NAMES, max_size=2).map(tuple),
    ),
    max_size=5,
    unique_by=lambda task: task.name,
)
NAMES_OF_FILES = ["src/a.py", "src/b/c.py", "src/b/d.py", "docs/x.md", "docs/y/z.md", "tests/test_a.py", "srcs"]


def task(name: str, *area: str, after: tuple[str, ...] = (), prompt: str = "do it", **more: str) -> Task:
    return Task(name=name, prompt=prompt, area=area, after=after, **more)  # type: ignore[arg-type]


def paths(tasks: list[Task], begin: str) -> set[str]:
    """All that ``begin`` waits for, found by walking."""
    known = {task.name: task for task in tasks}
    found: set[str] = set()
    to_see = list(known[begin].after)
    while to_see:
        name = to_see.pop()
        if name in known and name not in found:
            found.add(name)
            to_see += known[name].after
    return found


@few
@given(TASKS)
def test_a_plan_is_refused_just_when_a_task_waits_for_itself_or_for_nobody(tasks: list[Task]) -> None:
    names = {task.name for task in tasks}
    bad = not tasks
    bad |= any(other not in names for task in tasks for other in task.after)
    bad |= any(task.name in paths(tasks, task.name) for task in tasks)
    assert bool(problems(tasks)) is bad


@few
@given(TASKS)
def test_a_cycle_is_named_in_the_order_of_its_waiting(tasks: list[Task]) -> None:
    known = {task.name: task for task in tasks}
    cycle = cycle_of(tasks)
    assert bool(cycle) is any(task.name in paths(tasks, task.name) for task in tasks)
    for one, other in pairwise(cycle):
        assert other in known[one].after
    assert not cycle or cycle[0] == cycle[-1]


@few
@given(TASKS)
def test_tasks_that_wait_for_no_other_have_disjoint_areas_once_serialised(tasks: list[Task]) -> None:
    if problems(tasks):
        return
    now, notes = serialised(tasks)
    assert [task.name for task in now] == [task.name for task in tasks]
    assert not problems(now)
    assert not overlaps(now)
    assert bool(notes) is bool(overlaps(tasks))
    for before, after in zip(tasks, now, strict=True):
        assert set(before.after) <= set(after.after)
    for one, other in combinations(now, 2):
        if one.name not in paths(list(now), other.name) and other.name not in paths(list(now), one.name):
            assert not any(held(a, file) and held(b, file) for a in one.area for b in other.area for file in FILES)


FILES = [*NAMES_OF_FILES, "src/b", "new/file.py"]


def held(area: str, file: str) -> bool:
    """Whether ``area`` holds ``file``, as a human would say; a wildcard stands for anything."""
    from fnmatch import fnmatchcase

    return area == "." or file == area or file.startswith(area + "/") or fnmatchcase(file, area)


@few
@given(TASKS)
def test_layers_hold_every_task_once_after_all_that_it_waits_for(tasks: list[Task]) -> None:
    if problems(tasks):
        return
    found = layers(tasks)
    assert sorted(name for layer in found for name in layer) == sorted(task.name for task in tasks)
    known = {task.name: task for task in tasks}
    done: set[str] = set()
    last: set[str] = set()
    for layer in found:
        assert all(set(known[name].after) <= done for name in layer)
        assert not last or all(last & set(known[name].after) for name in layer)  # no task begins too late
        last = set(layer)
        done |= last


@few
@given(AREAS, AREAS)
def test_areas_meet_when_a_file_lies_in_both(one: str, other: str) -> None:
    if any(held(one, file) and held(other, file) for file in FILES):
        assert areas.meet(one, other)
    assert areas.meet(one, other) is areas.meet(other, one)


@few
@given(st.text(max_size=40))
def test_any_text_is_a_clean_area_or_refused_in_words(text: str) -> None:
    try:
        found = areas.clean(text)
    except ValueError:
        return
    assert areas.clean(found) == found
    assert not found.startswith("/")
    assert ".." not in found.split("/")


@pytest.mark.parametrize(
    ("area", "said"),
    [
        ("/etc/passwd", "does not begin at the repository's top"),
        ("~/.ssh", "does not begin at the repository's top"),
        ("src/../../other", "leaves the repository"),
        (".git/hooks", "git's own"),
        ("  ", "is empty"),
        ("a\x1b[2J", "cannot be shown"),
        ("a" * 301, "longer than 300"),
    ],
)
def test_an_area_out_of_the_repository_is_refused(area: str, said: str) -> None:
    (problem,) = problems([task("a", area)])
    assert said in problem


def test_an_area_loses_what_says_nothing() -> None:
    (only,) = tidy([task(" a ", "./src//a/", "src/a", "", after=("b ",), prompt=" do ")])
    assert (only.name, only.area, only.after, only.prompt) == ("a", ("src/a", ""), ("b",), "do")


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([], "there is no task"),
        ([task(f"t{n}") for n in range(MOST + 1)], f"there are {MOST + 1} tasks"),
        ([task("a/b")], "task 1 cannot be called 'a/b'"),
        ([task("a"), task("A")], "two tasks are called 'A'"),
        ([task("a", prompt=" ")], "'a' has no prompt"),
        ([task("a", prompt="x\0")], "holds a NUL byte"),
        ([task("a", after=("a",))], "'a' comes after itself"),
        ([task("a", after=("z",))], "'z', which is no task of the plan"),
        ([task("there")], "there is a session or a task 'there' already"),
        ([task("a", agent="nobody")], "an agent that is not known: 'nobody'"),
        ([task("a", after=("b",)), task("b", after=("c",)), task("c", after=("a",))], "in a circle"),
    ],
)
def test_what_is_wrong_is_said(tasks: list[Task], said: str) -> None:
    assert said in problems(tasks, ("there",), ("claude",))[0]


def test_a_task_may_come_after_a_session_that_is_there() -> None:
    assert problems([task("a", after=("there",))], ("there",)) == ()


def test_what_may_collide_is_a_warning() -> None:
    said = warnings([task("a", "src"), task("b", "src/x.py"), task("c", "docs"), task("d")])
    assert said == ("a and b may both change src/x.py", "d has no area: it may change any file")
    assert warnings([task("a", "src"), task("b", "src/x.py", after=("a",))]) == ()


def test_names_that_are_taken_get_a_number_also_where_they_are_waited_for() -> None:
    found = freed([task("a"), task("a-2"), task("b", after=("a", "old"))], {"a", "old"})
    assert [one.name for one in found] == ["a-3", "a-2", "b"]
    assert found[2].after == ("a-3", "old")


def test_an_area_is_new_where_no_tracked_file_is() -> None:
    there = areas.known(NAMES_OF_FILES)
    assert [areas.is_new(area, there) for area in ("src", "src/a.py", "src/z.py", "docs/*.md", "new/*", ".")] == [
        *(False, False, True, False, True, False)
    ]
