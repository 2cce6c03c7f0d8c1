"""A commit on a target that nobody landed, while agents work: perhaps one left its worktree for the main checkout.

Git does not say who committed, only how: the reflog of the target. So it is told as what it is, with the way back, and
what people do alone (no agent works), or by merge, pull, rebase or reset, is their own business.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.events import Noticed
from orchestrator.fleet import Row
from sessions.models import BUSY
from worktrees.ancestry import is_ancestor

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

TITLE = "A commit on {} that was not landed"
_LINE = re.compile(r"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*\tcommit[^:]*: (.*)")
_TAIL = 8192


def seen(supervisor: Supervisor, row: Row, log: Path) -> None:
    """The target of ``row`` moved: ``log`` is its reflog."""
    working = sorted(other.name for other in supervisor.fleet if _works(other) and other.repository == row.repository)
    found = _LINE.fullmatch(_last(log)) if working else None
    if found is None:
        return
    before, after, subject = found.groups()
    names = ", ".join(working[:3]) + (" …" if len(working) > 3 else "")
    supervisor.notice(
        "warning",
        TITLE.format(row.target),
        f"{after[:10]} {subject} was committed in {row.repository} while {names} worked. If it was not you, an agent "
        f"left its worktree: git -C {row.repository} reset --keep {before[:10]} takes it back, git cherry-pick "
        f"{after[:10]} brings it to a branch",
    )
    supervisor.trains.stop(row.repository, row.target, f"{after[:10]} {subject} was not landed on {row.target} by us")


def standing(supervisor: Supervisor, row: Row) -> str:
    """The last commit that was told so of the session's target, while it is still there; empty when there is none."""
    title = TITLE.format(row.target)
    for envelope in reversed(supervisor.fleet.notices):
        event = envelope.event
        if isinstance(event, Noticed) and event.title == title and f" in {row.repository} while " in event.message:
            commit = event.message.split(" ", 1)[0]
            there = is_ancestor(Path(row.repository), commit, f"refs/heads/{row.target}")
            return event.message.partition(" was committed in ")[0] if there else ""
    return ""


def _works(row: Row) -> bool:
    return row.status.state in BUSY and not row.paused


def _last(log: Path) -> str:
    """The newest line of a reflog; empty without one."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
