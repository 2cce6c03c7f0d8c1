"""The order of attention. Pure: the fleet and the time in, items with their reasons out.

``score = c·μ`` (the cμ rule; Buyukkoc, Varaiya, Walrand 1985): ``μ = 1/E[IT | kind of item]``, ``c = (1 + dependants
blocked + radar conflicts) · priority · (1 + age/τ)``. docs/attention.md says where each number comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.attention import Rank, grouped, landed, rank
from orchestrator.fleet import Fleet, Row
from orchestrator.inbox.ask import Pace
from orchestrator.queue.ask import Task
from sessions.models import ENDED, Kind, SessionId, State
from sessions.risk import Risk

TAU = timedelta(minutes=10)
"""τ: an item that has waited for it costs twice as much as a new one."""
PRIORS: Mapping[str, float] = {
    "permission": 10.0,
    "dialog": 15.0,
    "budget": 15.0,
    "question": 30.0,
    "plan": 60.0,
    "message": 45.0,
    "failed": 60.0,
    "conflict": 120.0,
    "ready": 180.0,
    "finished": 30.0,
}
"""Seconds that a human is taken to need for an item of each kind before any was seen: guesses, no measurements."""
PRIOR_WEIGHT = 5
"""A prior counts as much as this many interactions that were seen."""
STEPS = 3
"""Priorities beyond ± this many doublings weigh no more: none may starve the rest for ever."""
PINNED = frozenset({Risk.DELETES, Risk.WRITES_OUTSIDE, Risk.NETWORK})
"""What a yes to cannot be taken back by a snapshot of the worktree."""

_KINDS = {Rank.WONDERS: "message", Rank.FAILED: "failed", Rank.CONFLICT: "conflict", Rank.READY: "ready"}


@dataclass(frozen=True)
class Item:
    """One thing to do for a human, with what its place comes from. Several sessions ask the very same: one item."""

    rows: tuple[Row, ...]
    kind: str
    pinned: bool
    dependants: tuple[str, ...]
    conflicts: int
    cost: float  # c, of all rows: one answer serves them
    expected_s: float
    measured: bool  # any of such items was answered before: else the time is a guess
    snoozed: bool
    age_s: float

    @property
    def row(self) -> Row:
        return self.rows[0]

    @property
    def blocks(self) -> bool:
        """An agent can do nothing before it."""
        return rank(self.row) is Rank.ASKS

    @property
    def score(self) -> float:
        """``c·μ``, per second."""
        return self.cost / self.expected_s

    @property
    def key(self) -> str:
        """Names this very item of this session."""
        return f"{self.row.id}/{mark(self.row)}"


def kind(row: Row) -> str:
    """What a human would do here; empty: nothing."""
    where = rank(row)
    if where is Rank.ASKS:
        return (row.status.kind or Kind.DIALOG).value
    if row.resolves is not None:
        return "failed" if where is Rank.FAILED else ""  # its proposal is shown where it was asked for
    if where is Rank.RESTS and row.status.state is State.DONE:
        return "finished"
    return _KINDS.get(where, "")


def mark(row: Row) -> str:
    """Names what a session wants now; it changes as soon as it wants something else."""
    question = row.status.question
    what = question.id if question is not None else f"{row.status.since:%Y%m%dT%H%M%S.%f}"
    return f"{kind(row)}/{what}"


def asleep(row: Row, now: datetime) -> bool:
    """The human wants to see this very item later."""
    snooze = row.snoozed
    return snooze is not None and snooze.mark == mark(row) and (snooze.until is None or now < snooze.until)


def weight(priority: int) -> float:
    """The factor of a priority: each step doubles it, from 1/8 to 8."""
    return float(2.0 ** max(-STEPS, min(STEPS, priority)))


def expected(kind: str, pace: Mapping[str, Pace]) -> float:
    """``E[IT | kind]`` in seconds: the mean of what was seen and the prior, which counts as PRIOR_WEIGHT of them."""
    seen = pace.get(kind, Pace())
    return (PRIOR_WEIGHT * PRIORS.get(kind, 30.0) + seen.total_s) / (PRIOR_WEIGHT + seen.count)


def dependants(rows: Iterable[Row], tasks: Iterable[Task] = ()) -> dict[SessionId, tuple[str, ...]]:
    """Who cannot go on, or cannot land, before each session: by name, directly or through others.

    Sessions that are stacked on it, queued tasks that wait for it, and the session whose conflicts it resolves.
    """
    known = {row.id: row for row in rows}
    names: dict[str, str] = {row.id: row.name for row in known.values()}
    direct: dict[str, list[str]] = {}
    for row in known.values():
        if row.on is not None and not landed(row):
            direct.setdefault(row.on, []).append(row.id)
        if row.resolves is not None:
            direct.setdefault(row.id, []).append(row.resolves)
    waiting = tuple(tasks)
    called: dict[str, str] = {
        **{task.name: task.id for task in waiting},
        **{row.name: row.id for row in known.values()},
    }
    for task in waiting:
        names[task.id] = task.name
        for before in task.after:
            first = called.get(before)
            if first is not None and not _through(known.get(SessionId(first)), task):
                direct.setdefault(first, []).append(task.id)
    return {
        SessionId(one): tuple(sorted(names[other] for other in _reached(one, direct, names)))
        for one in direct
        if one in known
    }


def _through(row: Row | None, task: Task) -> bool:
    """The task does not wait for this session any more."""
    return row is not None and (landed(row) or (task.when == "done" and row.state in (State.DONE, State.IDLE)))


def _reached(one: str, direct: Mapping[str, list[str]], names: Mapping[str, str]) -> set[str]:
    found, left = {one}, [one]
    while left:
        for other in direct.get(left.pop(), ()):
            if other in names and other not in found:
                found.add(other)
                left.append(other)
    return found - {one}


def inbox(fleet: Fleet, now: datetime) -> list[Item]:
    """All that is worth attention, the first worth most.

    Pinned items first, then what blocks an agent, then the rest, what is snoozed last; by score within each, then by
    how long it has waited, then by name.
    """
    rows = list(fleet)
    waits = dependants(rows, fleet.queue.waiting)
    groups = [*grouped(rows), *((row,) for row in rows if rank(row) is not Rank.ASKS and kind(row))]
    items = [_item(group, fleet.pace, waits, now) for group in groups]
    return sorted(items, key=_place)


def awake(items: Iterable[Item]) -> list[Item]:
    """Those that are not snoozed."""
    return [item for item in items if not item.snoozed]


def held(before: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The order to show while a human reads: what was seen (``before``) keeps its order, the rest is put in between.

    What is new stands before the first seen one that is worth less; what is gone is left out. Without anything seen
    it is ``wanted``.
    """
    place = {key: n for n, key in enumerate(wanted)}
    kept = [key for key in before if key in place]
    known = set(kept)
    fresh = [key for key in wanted if key not in known]
    out: list[str] = []
    for key in kept:
        while fresh and place[fresh[0]] < place[key]:
            out.append(fresh.pop(0))
        out.append(key)
    return [*out, *fresh]


def _place(item: Item) -> tuple[bool, bool, bool, float, datetime, str, str]:
    row = item.row
    return item.snoozed, not item.pinned, not item.blocks, -item.score, row.status.since, row.name, row.id


def _item(
    group: tuple[Row, ...], pace: Mapping[str, Pace], waits: Mapping[SessionId, tuple[str, ...]], now: datetime
) -> Item:
    what = kind(group[0])
    cost = 0.0
    for row in group:
        age = max(0.0, (now - row.status.since) / TAU)
        cost += (1 + len(waits.get(row.id, ())) + clashes(row)) * weight(row.priority) * (1 + age)
    question = group[0].status.question
    return Item(
        rows=group,
        kind=what,
        pinned=question is not None and question.risk in PINNED and rank(group[0]) is Rank.ASKS,
        dependants=tuple(sorted({name for row in group for name in waits.get(row.id, ())})),
        conflicts=sum(map(clashes, group)),
        cost=cost,
        expected_s=expected(what, pace),
        measured=what in pace,
        snoozed=all(asleep(row, now) for row in group),
        age_s=max(0.0, (now - group[0].status.since).total_seconds()),
    )


def clashes(row: Row) -> int:
    """With how many other works the radar sees a conflict, the target among them."""
    return len(row.rivals) + bool(row.conflicts)


def ended(row: Row) -> bool:
    """No program runs in it."""
    return row.status.state in ENDED or row.launch_failure is not None
