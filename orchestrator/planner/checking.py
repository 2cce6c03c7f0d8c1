"""What is wrong with a plan, what is doubtful in it, and in which order it goes. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from orchestrator.planner import areas
from orchestrator.planner.ask import Task

MOST = 40
"""Tasks of a plan."""
LONGEST_PROMPT = 20_000
"""Characters."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


def tidy(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with blanks around names and prompts gone and areas clean where they can be."""
    return tuple(
        task.model_copy(
            update={
                "name": task.name.strip(),
                "prompt": task.prompt.strip(),
                "area": tuple(dict.fromkeys(map(_clean, task.area))),
                "after": tuple(dict.fromkeys(name.strip() for name in task.after)),
            }
        )
        for task in tasks
    )


def problems(tasks: Sequence[Task], sessions: Collection[str] = (), agents: Collection[str] = ()) -> tuple[str, ...]:
    """Why the plan cannot be launched, one sentence each; empty when it can.

    ``sessions``: names that are taken, after which a task may come too. ``agents``: those that exist; none: any.
    """
    if not tasks:
        return ("there is no task",)
    if len(tasks) > MOST:
        return (f"there are {len(tasks)} tasks, {MOST} at most can be planned at once",)
    found: list[str] = []
    names = [task.name for task in tasks]
    seen: set[str] = set()
    for number, task in enumerate(tasks, 1):
        found += _of_one(task, number, sessions, agents)
        if task.name.casefold() in seen:
            found.append(f"two tasks are called {task.name!r}")
        seen.add(task.name.casefold())
        for other in task.after:
            if other == task.name:
                found.append(f"{task.name!r} comes after itself")
            elif other not in names and other not in sessions:
                found.append(f"{task.name!r} comes after {other!r}, which is no task of the plan")
    if not found and (cycle := cycle_of(tasks)):
        found.append(f"the tasks wait for each other in a circle: {' after '.join(cycle)}")
    return tuple(found)


def warnings(tasks: Sequence[Task]) -> tuple[str, ...]:
    """What the human should know of a plan without problems: tasks that may write the same files at the same time."""
    found = [f"{one} and {other} may both change {where}" for one, other, where in overlaps(tasks)]
    found += [f"{task.name} has no area: it may change any file" for task in tasks if not task.area]
    return tuple(found)


def overlaps(tasks: Sequence[Task]) -> tuple[tuple[str, str, str], ...]:
    """Pairs of tasks, neither of which waits for the other, and the narrower area in which they meet."""
    before = _before(tasks)
    found = []
    for one, other in combinations(tasks, 2):
        if one.name in before[other.name] or other.name in before[one.name]:
            continue
        met = [
            max(a, b, key=lambda area: len(areas.fixed(area))) for a in one.area for b in other.area if areas.meet(a, b)
        ]
        if met:
            found.append((one.name, other.name, met[0]))
    return tuple(found)


def serialised(tasks: Sequence[Task]) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    """Tasks whose areas meet wait for each other, in the order of the plan; and what was changed, in words.

    For plans without problems. No circle can come of it: an edge is added along one order that all edges keep.
    """
    names = [name for layer in layers(tasks) for name in layer]
    place = {name: number for number, name in enumerate(names)}
    now = sorted(tasks, key=lambda task: place[task.name])
    notes: list[str] = []
    while met := overlaps(now):
        first, second, where = met[0]
        now = [task.model_copy(update={"after": (*task.after, first)}) if task.name == second else task for task in now]
        notes.append(f"{second} waits for {first}: both may change {where}")
    by_name = {task.name: task for task in now}
    return tuple(by_name[task.name] for task in tasks), tuple(notes)


def layers(tasks: Sequence[Task]) -> tuple[tuple[str, ...], ...]:
    """Names in the order of their dependencies: what may begin first, what after that, and so on."""
    order = {task.name: number for number, task in enumerate(tasks)}
    sorter = TopologicalSorter(_graph(tasks))
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=order.__getitem__)
        found.append(tuple(ready))
        sorter.done(*ready)
    return tuple(found)


def cycle_of(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Names that wait for each other, each for the one behind it, the first once more at the end; empty: none do."""
    try:
        TopologicalSorter(_graph(tasks)).prepare()
    except CycleError as error:
        # graphlib's list has each node before the one that waits for it
        return tuple(reversed(error.args[1]))
    return ()


def freed(tasks: Sequence[Task], taken: Collection[str]) -> tuple[Task, ...]:
    """The tasks under names that are not ``taken``: ``export`` becomes ``export-2``, also where it is waited for."""
    new: dict[str, str] = {}
    own = {task.name for task in tasks}
    for task in tasks:
        name, number = task.name, 1
        while name in taken or (number > 1 and (name in own or name in new.values())):
            number += 1
            name = f"{task.name[:58]}-{number}"
        new[task.name] = name
    return tuple(
        task.model_copy(update={"name": new[task.name], "after": tuple(new.get(name, name) for name in task.after)})
        for task in tasks
    )


def _of_one(task: Task, number: int, sessions: Collection[str], agents: Collection[str]) -> list[str]:
    found = []
    if not NAME.match(task.name) or task.name.endswith((".lock", ".")) or ".." in task.name:
        found.append(
            f"task {number} cannot be called {task.name[:80]!r}: letters, digits, dot, dash and underscore, at most 63"
        )
    elif task.name in sessions:
        found.append(f"there is a session or a task {task.name!r} already")
    if not task.prompt.strip():
        found.append(f"{task.name!r} has no prompt")
    elif "\0" in task.prompt:
        found.append(f"the prompt of {task.name!r} holds a NUL byte")
    elif len(task.prompt) > LONGEST_PROMPT:
        found.append(f"the prompt of {task.name!r} is longer than {LONGEST_PROMPT} characters")
    if task.agent is not None and agents and task.agent not in agents:
        found.append(f"{task.name!r} names an agent that is not known: {task.agent!r}")
    for area in task.area:
        try:
            areas.clean(area)
        except ValueError as error:
            found.append(f"the area {area[:80]!r} of {task.name!r} {error}")
    return found


def _clean(area: str) -> str:
    try:
        return areas.clean(area)
    except ValueError:
        return area


def _graph(tasks: Sequence[Task]) -> Mapping[str, tuple[str, ...]]:
    """Who waits for whom, within the plan."""
    names = {task.name for task in tasks}
    return {task.name: tuple(name for name in task.after if name in names) for task in tasks}


def _before(tasks: Sequence[Task]) -> Mapping[str, frozenset[str]]:
    """For each name all that have ended when it begins."""
    graph = _graph(tasks)
    found: dict[str, frozenset[str]] = {}
    for layer in layers(tasks):
        for name in layer:
            found[name] = frozenset(graph[name]).union(*(found[before] for before in graph[name]))
    return found
