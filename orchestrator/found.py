"""The fleet without its ledger: found by what git, the private folders and what is left of the ledger say.

A session is known by its private folder (``created.json``), by its worktree below our state folder, and by its refs.
Its pane and its status are found at the next start of the daemon, as always.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import home, plans
from orchestrator.events import Created, Envelope, Event, Snapshotted
from orchestrator.fleet import Fleet, apply
from orchestrator.store import Store
from sessions import launching
from sessions.events import AgentKnown, Launched
from sessions.models import SessionId
from worktrees.cleanroom import run_code
from worktrees.errors import WorktreeError
from worktrees.repository import MADE, Repository, open_repository

UNKNOWN = "unknown"
"""Agent of a session of which only the worktree is left."""

Found = tuple[datetime, SessionId | None, Event]


def fill(store: Store, left: Iterable[Envelope]) -> Fleet:
    """Write into an empty ``store`` what is ``left`` of a ledger, then every session that it does not tell of."""
    fleet = Fleet()
    removed: set[str] = set()
    for envelope in left:
        if envelope.event.event == "removed" and envelope.session is not None:
            removed.add(envelope.session)
        fleet = apply(fleet, store.append(envelope.at, envelope.session, envelope.event))
    for at, session, event in sessions(fleet, removed):
        fleet = apply(fleet, store.append(at, session, event))
    return fleet


def sessions(fleet: Fleet, removed: Iterable[str] = ()) -> Iterator[Found]:
    """What makes a row of each session that ``fleet`` does not have, in the order of their making."""
    known, gone = set(fleet.rows), set(removed)
    places = {os.path.realpath(row.worktree) for row in fleet}
    for session, created in plans.births():
        place = os.path.realpath(created.worktree)
        if session not in known and session not in gone and place not in places and not in_attic(session, created):
            places.add(place)
            yield from session_events(session, created)
    for created in _worktrees():
        place = os.path.realpath(created.worktree)
        if place not in places:
            places.add(place)
            session = SessionId("s" + hashlib.sha256(os.fsencode(place)).hexdigest()[:10])
            yield from session_events(session, created)


def session_events(session: SessionId, created: Created) -> Iterator[Found]:
    """Everything that a private folder and git tell of one session."""
    folder = home.session_folder(session)
    at = _time(folder / plans.BIRTH) or _time(Path(created.worktree)) or datetime.now(UTC)
    yield at, session, created
    latest = launching.latest(folder)
    if latest:
        pid = launching.leader(folder, latest) or 0
        yield at, session, Launched(pane="", pid=pid, argv=(created.agent,), generation=latest, resumed=latest > 1)
    spec = launching.recall(folder, Path(created.worktree))
    if spec is not None and spec[0].agent_session_id is not None:
        yield at, session, AgentKnown(agent_session_id=spec[0].agent_session_id)
    newest = _refs(created, f"refs/orchestrator/snap/{session}/", "--sort=-committerdate", "--count=1")
    for ref, commit in newest:
        yield at, session, Snapshotted(ref=ref, commit=commit, reason="found")


def in_attic(session: SessionId, created: Created) -> bool:
    """It was removed: its work is in the attic, its worktree is gone."""
    return not Path(created.worktree).exists() and any(_refs(created, f"refs/orchestrator/attic/{session}/"))


def _refs(created: Created, below: str, *how: str) -> Iterator[tuple[str, str]]:
    try:
        code, said = run_code(
            Path(created.repository), "for-each-ref", *how, "--format=%(refname) %(objectname)", below, ok=(0, 128)
        )
    except (WorktreeError, OSError):
        return
    for line in said.splitlines() if code == 0 else ():
        ref, _, commit = line.partition(" ")
        yield ref, commit


def _worktrees() -> Iterator[Created]:
    """Worktrees below our state folder whose branch was made by us, as if they had just been created."""
    base = home.home() / "worktrees"
    for path in sorted(base.glob("*/*")):
        if not (path / ".git").is_file():
            continue
        try:
            repository = open_repository(path)
            real = os.path.realpath(path)
            branch = next(w.branch for w in repository.worktrees() if os.path.realpath(w.path) == real)
            if branch is None:
                continue
            made = _made(repository, branch)
            target = repository.default_target()
        except (WorktreeError, OSError, StopIteration):
            continue
        if made is not None:
            yield Created(
                name=path.name,
                agent=UNKNOWN,
                prompt="",
                repository=str(repository.root),
                branch=branch,
                base=made[:10],
                base_commit=made,
                target=target,
                worktree=str(path),
            )


def _made(repository: Repository, branch: str) -> str | None:
    code, said = run_code(repository.root, "rev-parse", "--verify", "--quiet", MADE + branch, ok=(0, 1, 128))
    return said.strip() if code == 0 else None


def _time(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
