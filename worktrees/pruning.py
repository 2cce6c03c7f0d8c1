"""Thins old snapshots out: all of a day stay, then one an hour, after a week one a day, up to an age and a count.

Never dropped: the newest of a session, unless the session is gone and its work is in a branch, and what an operation or
the attic refers to. Snapshots that a human asked for in words are not thinned, only dropped at the age.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from worktrees import snapshots
from worktrees.cleanroom import run, run_code
from worktrees.models import Model, Snapshot
from worktrees.repository import Repository

ALL = timedelta(days=1)
HOURLY = timedelta(days=7)
BY_HAND = "by hand"
_REFERRING = ("refs/orchestrator/ops", "refs/orchestrator/attic")


class Keep(Model):
    """How many snapshots of a session stay, and for how long."""

    snapshots: int = 200
    days: int = 30


def thinned(found: Sequence[Snapshot], now: datetime, keep: Keep, pinned: Collection[str] = ()) -> list[Snapshot]:
    """Which of a session's snapshots (oldest first) go. The newest is never among them. Pure."""
    going: list[Snapshot] = []
    stay: list[Snapshot] = []
    slots: set[tuple[str, int]] = set()
    for one in reversed(found[:-1]):
        age = now - one.at
        if one.commit in pinned or age <= ALL:
            stay.append(one)
        elif age > timedelta(days=keep.days):
            going.append(one)
        elif one.reason.startswith(BY_HAND):
            stay.append(one)
        else:
            slot = ("hour", int(one.at.timestamp()) // 3600)
            if age > HOURLY:
                slot = ("day", int(one.at.timestamp()) // 86_400)
            (going if slot in slots else stay).append(one)  # newest first: the last of each hour or day stays
            slots.add(slot)
    free = [one for one in stay if one.commit not in pinned]
    going += free[max(0, keep.snapshots - 1 - (len(stay) - len(free))) :]  # the newest counts too
    return sorted(going, key=lambda one: one.ref)


def prune(
    repository: Repository,
    living: Collection[str],
    now: datetime,
    keep: Keep,
    told: Callable[[str, tuple[Snapshot, ...]], None] = lambda _session, _going: None,
) -> int:
    """Drop what is old; returns how many. ``living``: ids of the sessions that exist.

    ``told`` hears of each session's snapshots, with their commits, before their refs go.
    """
    pinned = _pinned(repository)
    count = 0
    for session in _sessions(repository):
        found = snapshots.listed(repository.root, session)
        going = thinned(found, now, keep, pinned)
        if found and session not in living and _over(repository, session, found[-1], now, keep, pinned):
            going.append(found[-1])
        if not going:
            continue
        told(session, tuple(going))
        fed = "".join(f"delete {one.ref}\0{one.commit}\0" for one in going)
        run(repository.root, "update-ref", "--stdin", "-z", stdin=fed.encode())
        count += len(going)
    return count


def _over(
    repository: Repository, session: str, newest: Snapshot, now: datetime, keep: Keep, pinned: Collection[str]
) -> bool:
    """The newest of a session that is gone may go: it is old, nothing refers to it, and its work is in a branch."""
    if newest.commit in pinned or now - newest.at <= timedelta(days=keep.days):
        return False
    if run(repository.root, "for-each-ref", "--count=1", f"refs/orchestrator/attic/{session}"):
        return False
    if run(repository.root, "for-each-ref", "--count=1", f"refs/orchestrator/landed/{session}"):
        return True
    if not newest.parent or newest.tree != run(repository.root, "rev-parse", f"{newest.parent}^{{tree}}").strip():
        return False
    _, said = run_code(
        repository.root, "for-each-ref", "--count=1", f"--contains={newest.parent}", "refs/heads", "refs/remotes"
    )
    return bool(said.strip())


def _pinned(repository: Repository) -> set[str]:
    said = run(repository.root, "for-each-ref", "--format=%(objectname) %(parent)", *_REFERRING)
    return set(said.split())


def _sessions(repository: Repository) -> list[str]:
    said = run(repository.root, "for-each-ref", "--format=%(refname)", snapshots.REFS)
    return sorted({ref.removeprefix(snapshots.REFS + "/").split("/")[0] for ref in said.splitlines()})
