"""Which task starts next, and why each other waits. Pure.

A *slot* is taken by a session that is at work: starting, working, working in the background, waiting for an answer, or
trying again. One that is done, idle, rate limited, held by the human or ended takes none: the next may start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.queue.ask import Queue, Task, When
from orchestrator.queue.settings import QueueSettings
from orchestrator.rows import Row
from sessions.models import BUSY, State

SLOT = BUSY | {State.BLOCKED}
OVER = frozenset({State.DONE, State.IDLE})
FAILED = frozenset({State.FAILED, State.CRASHED})
UNSURE = timedelta(minutes=1)
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=16))
"""Before the first, second and every further new try."""


@dataclass(frozen=True)
class World:
    """What is outside of the queue. ``room``: sessions that the machine takes now, ``full`` says why no more.

    ``limited``: why nothing of an agent may start, by agent and repository; empty: it may.
    """

    rows: tuple[Row, ...]
    now: datetime
    room: int = 1_000
    full: str = ""
    load: float | None = None  # of the last minute, for each core
    limited: Callable[[str, str], str] = lambda agent, repository: ""


@dataclass(frozen=True)
class Why:
    """Why a task does not start. ``blocked``: it never will without a human."""

    words: str
    blocked: bool = False


@dataclass
class Plan:
    """``start``: these now, in this order. ``waits``: each other one's reason, by its id."""

    start: list[Task] = field(default_factory=list)
    waits: dict[str, Why] = field(default_factory=dict)
    used: int = 0
    short: bool = False  # a task would start if the machine had room


def ordered(queue: Queue) -> tuple[Task, ...]:
    """Those that wait, higher priorities first, else in the order of the queue."""
    return tuple(sorted(queue.waiting, key=lambda task: (not task.now, -task.priority)))


def plan(queue: Queue, settings: QueueSettings, world: World) -> Plan:
    """Go through the tasks in their order; each that nothing holds back starts, and takes its slot from the next."""
    names = {row.name: row for row in world.rows}
    taken = [(row.agent, row.repository) for row in world.rows if holds_slot(row, world.now)]
    known = {row.id for row in world.rows}
    starting = [task for task in queue.tasks if task.state == "starts" and task.session not in known]
    taken += [(task.agent, task.repository) for task in starting]
    found = Plan(used=len(taken))
    room = world.room
    cyclic = cycles(queue)
    for task in ordered(queue):
        why = _stuck(task, cyclic) or _own(task, queue, settings, world)
        if why is None and task.state == "waits":
            why = _dependency(task, queue, names, settings)
        if why is None and not task.now:
            why = _full(task, settings, taken)
        if why is None and room <= 0:
            why = Why(world.full or "the machine takes no more agents now")
            found.short = True
        if why is None:
            found.start.append(task)
            taken.append((task.agent, task.repository))
            room -= 1
        else:
            found.waits[task.id] = why
    return found


def holds_slot(row: Row, now: datetime) -> bool:
    """After a restart of the daemon a session is ``unknown`` until something tells: it may well be at work."""
    fresh = row.state is State.UNKNOWN and now - row.status.since < UNSURE
    return (row.state in SLOT or fresh) and row.launch_failure is None


def to_end(queue: Queue, rows: Iterable[Row], focus: str | None, now: datetime, rest_s: float) -> Row | None:
    """The session whose program gives its room to the next task: the longest done one of those that came from the
    queue, which asks nothing, has everything that was said to it, and is not the one that the human is at.

    ``rest_s``: so many seconds it has been done at least."""
    done = frozenset(queue.done)
    found = [
        row
        for row in rows
        if row.id in done
        and row.state in OVER
        and now - row.status.since >= timedelta(seconds=rest_s)
        and not (row.asks or row.unsent or row.merging or row.active)
        and row.id != focus
    ]
    return min(found, key=lambda row: row.status.since, default=None)


def _stuck(task: Task, cyclic: Collection[str]) -> Why | None:
    if task.over:
        return Why(f"failed: {task.trouble}; try again: orchestrator queue release {task.name}", blocked=True)
    if task.held:
        return Why("held by you" if not task.trouble else f"held: {task.trouble}", blocked=True)
    if task.gone:
        lost = ", ".join(task.gone)
        return Why(f"{lost}, which it comes after, did not land and is gone", blocked=True)
    if task.id in cyclic:
        return Why("it comes after itself", blocked=True)
    return None


def _dependency(task: Task, queue: Queue, names: Mapping[str, Row], settings: QueueSettings) -> Why | None:
    when: When = task.when or settings.after
    for name in task.after:
        row, other = names.get(name), queue.named(name)
        if row is None and other is not None:
            return Why(f"comes after {name}, which has not started", blocked=other.held or other.over)
        if row is None:
            return Why(f"comes after {name}, which is not there", blocked=True)
        if row.landing is not None:
            continue
        if row.launch_failure is not None or row.state in FAILED | {State.LOST}:
            retried = other is not None and other.state == "retries"
            return Why(f"comes after {name}, which failed", blocked=not retried)
        if when == "landed":
            done = row.state in OVER or row.state is State.EXITED
            return Why(f"comes after {name}, which is {'done and not landed' if done else row.state}", blocked=done)
        if row.state not in OVER and row.state is not State.EXITED:
            return Why(f"comes after {name}, which is {row.state}")
    return None


def _own(task: Task, queue: Queue, settings: QueueSettings, world: World) -> Why | None:
    """What holds this one back whatever the others do."""
    if task.not_before is not None and task.not_before > world.now:
        return Why(f"tried again at {task.not_before.astimezone():%H:%M:%S}: {task.trouble}")
    if not task.now:
        if queue.held:
            return Why("the queue is held", blocked=True)
        rules = settings.of(task.repository)
        if rules.unattended is False:
            return Why("nothing starts there by itself ([queue] unattended)", blocked=True)
        modes = rules.unattended_modes or ()
        if modes and (task.permission_mode or "default") not in modes:
            mode = task.permission_mode or "default"
            return Why(f"permission mode {mode} does not start by itself ([queue] unattended_modes)", blocked=True)
        if settings.max_load is not None and world.load is not None and world.load > settings.max_load:
            return Why(f"the machine's load is {world.load:.1f} for each core ([queue] max_load)")
    if limited := world.limited(task.agent, task.repository):
        return Why(limited)
    return None


def _full(task: Task, settings: QueueSettings, taken: Iterable[tuple[str, str]]) -> Why | None:
    taken = tuple(taken)
    if not task.many and len(taken) >= settings.slots:
        return Why(f"{len(taken)} of {settings.slots} slots are taken")
    agents, repositories = Counter(agent for agent, _ in taken), Counter(where for _, where in taken)
    cap = settings.per_agent.get(task.agent)
    if cap is not None and agents[task.agent] >= cap:
        return Why(f"{agents[task.agent]} of {cap} slots of {task.agent} are taken")
    cap = settings.of(task.repository).slots
    if cap is not None and repositories[task.repository] >= cap:
        return Why(f"{repositories[task.repository]} of {cap} slots of this repository are taken")
    return None


def cycles(queue: Queue) -> frozenset[str]:
    """Ids of the tasks that come, over others, after themselves."""
    behind = {task.name: set(task.after) for task in queue.tasks}
    found = set()
    for task in queue.tasks:
        reached: set[str] = set()
        todo = list(task.after)
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo.extend(behind.get(name, ()))
        if task.name in reached:
            found.add(task.id)
    return frozenset(found)


def after_failure(task: Task, trouble: str, now: datetime) -> Task:
    """The task when its session failed: tried again after a pause, or left to the human when that was the last try."""
    if task.tries > task.retries:
        return task.model_copy(update={"state": "waits", "over": True, "trouble": trouble})
    pause = BACK_OFF[min(task.tries, len(BACK_OFF)) - 1]
    return task.model_copy(update={"state": "retries", "not_before": now + pause, "trouble": trouble})
