"""The history of a session: its snapshots in order, found by words, compared with each other and with now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from worktrees import snapshots
from worktrees.changes import between
from worktrees.cleanroom import run
from worktrees.errors import UnknownSnapshot
from worktrees.ignored import STATED, Limits
from worktrees.models import Change, Moment, Snapshot

TURN_OVER = "turn over"
TURN_BEGINS = "turn begins"
MOVED = "HEAD moved"
"""Taken within a turn: what the turn did is not told from here, but from where it began."""
NOW = "now"
_AGE = re.compile(r"(?:\d+[smhdw])+")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_STAT = re.compile(r"(\d+) (file|insertion|deletion)")


def moments(repository: Path, session: str, base: str) -> tuple[Moment, ...]:
    """The snapshots of a session, oldest first, each with what it changed. ``base``: where the session began."""
    found = snapshots.listed(repository, session)
    start = run(repository, "rev-parse", f"{base}^{{tree}}").strip() if base else ""
    pairs = []
    for position, one in enumerate(found):
        since = _since(found, position)
        pairs.append((found[since].tree if since is not None else start or one.tree, one.tree))
    counts = _counts(repository, pairs)
    return tuple(
        Moment(number=number(one), snapshot=one, **counts.get(pair, {})) for one, pair in zip(found, pairs, strict=True)
    )


def number(snapshot: Snapshot) -> int:
    """The number by which a human names it; 0 for one of the attic."""
    tail = snapshot.ref.rsplit("/", 1)[-1]
    return int(tail) if tail.isdigit() else 0


def resolve(found: Sequence[Moment], words: str, now: datetime) -> Moment:
    """The snapshot that ``words`` mean. Raises UnknownSnapshot.

    A number (``7``), a position from the newest (``-1``), a ref or the beginning of a commit, an age (``2h``,
    ``1h30m``: the newest that is at least as old), or words of its reason (``before merge``: the newest).
    """
    if not found:
        raise UnknownSnapshot("there is no snapshot yet", "make one: orchestrator snapshot NAME")
    words = " ".join(words.split())
    matching: Sequence[Moment] = ()
    if re.fullmatch(r"-\d+", words):
        back = int(words)
        matching = (found[back],) if 0 < -back <= len(found) else ()
    elif re.fullmatch(r"\d{1,6}", words) and (matching := [m for m in found if m.number == int(words)]):
        pass
    elif words.startswith("refs/"):
        matching = [moment for moment in found if moment.snapshot.ref == words]
    elif _AGE.fullmatch(words):
        matching = [moment for moment in found if moment.snapshot.at <= now - _age(words)]
    elif re.fullmatch(r"[0-9a-f]{4,64}", words):
        matching = [moment for moment in found if moment.snapshot.commit.startswith(words)]
        if len(matching) > 1:
            raise UnknownSnapshot(f"{words} begins several snapshots", "give more of it, or its number")
    if not matching and words:
        matching = [moment for moment in found if words.lower() in moment.snapshot.reason.lower()]
    if not matching:
        span = f"{found[0].number} to {found[-1].number}" if len(found) > 1 else f"{found[0].number}"
        raise UnknownSnapshot(
            f"no snapshot is meant by {words!r}; there are {span}",
            "name a number, an age (2h), -1, or words of its reason: orchestrator snapshots NAME",
        )
    return matching[-1]


def last_turn(found: Sequence[Moment]) -> Moment:
    """The end of the last turn that changed anything. Raises UnknownSnapshot."""
    for moment in reversed(found):
        if moment.snapshot.reason == TURN_OVER:
            return moment
    raise UnknownSnapshot("no turn has changed anything yet", "orchestrator diff NAME shows all of its work")


def before(found: Sequence[Moment], moment: Moment) -> Moment | None:
    """The snapshot that ``moment`` is compared with; None for the first one."""
    position = [other.number for other in found].index(moment.number)
    since = _since([other.snapshot for other in found], position)
    return found[since] if since is not None else None


def turn_began(found: Sequence[Moment]) -> Moment | None:
    """The snapshot from which the turn that is under way is told."""
    return next((moment for moment in reversed(found) if moment.snapshot.reason != MOVED), None)


def compare(folder: Path, old: str, new: str) -> tuple[tuple[Change, ...], str]:
    """What differs from one snapshot's tree or commit to another's, and the patch as text."""
    return between(folder, old, new)


def tree_now(worktree: Path, limits: Limits = STATED) -> str:
    """The tree that a snapshot would hold now, small ignored files included."""
    return snapshots.tree_of(worktree, ignored=True, limits=limits)


def _since(found: Sequence[Snapshot], position: int) -> int | None:
    """Where the one that ``position`` is compared with stands: the one before; for a turn's end, the turn's begin."""
    before = position - 1
    if found[position].reason == TURN_OVER:
        while before >= 0 and found[before].reason == MOVED:
            before -= 1
    return before if before >= 0 else None


def _age(words: str) -> timedelta:
    return timedelta(seconds=sum(int(part[:-1]) * _UNIT_S[part[-1]] for part in re.findall(r"\d+[smhdw]", words)))


def _counts(repository: Path, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
    """Files, added and removed lines of each pair of trees, by one git process."""
    asked = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
    if not asked:
        return {}
    said = run(
        repository,
        *("diff-tree", "--stdin", "-r", "-M", "--no-ext-diff", "--no-textconv", "--shortstat"),
        stdin="".join(f"{old} {new}\n" for old, new in asked).encode(),
        deadline_s=120,
    )
    counts: dict[tuple[str, str], dict[str, int]] = {}
    pair = ("", "")
    for line in said.splitlines():
        if line.startswith(" "):
            numbers = {what: int(count) for count, what in _STAT.findall(line)}
            counts[pair] = {
                "files": numbers.get("file", 0),
                "added": numbers.get("insertion", 0),
                "removed": numbers.get("deletion", 0),
            }
        else:
            old, new = line.split(" ")
            pair = (old, new)
    return counts
