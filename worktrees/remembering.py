"""What was decided about conflicts: drafts that are not accepted yet, and hunks that were resolved before.

As ``git rerere`` does it, a resolved hunk is known by what the two sides say, in whichever order and file; it is
offered again, marked as remembered, and never taken by itself. All of it lies in our own folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from worktrees import durable, places
from worktrees.problems import Pick, Problem, Resolution, Take

MOST = 2000
"""Hunks of a repository that are remembered; beyond, the oldest are forgotten."""
_DRAFT = TypeAdapter(tuple[Resolution, ...])


def keep_draft(session: str, resolutions: Iterable[Resolution]) -> None:
    """Write down what was decided so far."""
    durable.write(_draft(session), _DRAFT.dump_json(tuple(resolutions)))


def draft(session: str) -> tuple[Resolution, ...]:
    """What was decided of a session's conflicts and not accepted; empty when it cannot be read."""
    try:
        return _DRAFT.validate_json(_draft(session).read_bytes())
    except (OSError, ValidationError):
        return ()


def drop_draft(session: str) -> None:
    _draft(session).unlink(missing_ok=True)


def remember(git_dir: Path, problem: Problem, resolution: Resolution) -> None:
    """Keep what the hunks of ``problem`` became, for the next time. A repository is known by its git directory."""
    if resolution.text is not None:
        return
    folder = _folder(git_dir)
    for hunk, pick in zip(problem.hunks, resolution.picks, strict=False):
        if pick is not None:
            durable.write(folder / hunk.key, json.dumps(pick.of(hunk)))
    with suppress(OSError):
        known = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in known[:-MOST]:
            path.unlink()


def recall(git_dir: Path, problem: Problem) -> Resolution | None:
    """What hunks of ``problem`` became before; None when none of them was met."""
    folder = _folder(git_dir)
    picks: list[Pick | None] = []
    for hunk in problem.hunks:
        try:
            text = json.loads((folder / hunk.key).read_bytes())
        except (OSError, ValueError):
            text = None
        picks.append(Pick(take=Take.EDIT, text=text) if isinstance(text, str) else None)
    return Resolution(problem=problem.id, picks=tuple(picks)) if any(picks) else None


def _draft(session: str) -> Path:
    return places.private(places.home() / "resolutions" / "drafts") / f"{session}.json"


def _folder(git_dir: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(os.path.realpath(git_dir))).hexdigest()[:16]
    return places.private(places.home() / "resolutions" / digest)
