"""Steps of ours on a repository, in this process or in one that is killed in the middle."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from typing import Any

from worktrees import attic, faultpoints, following, landing, operations, reconcile, restoring, snapshots, undo
from worktrees.errors import WorktreeError
from worktrees.models import Method
from worktrees.repository import Repository, open_repository
from worktrees.restoring import Wish


def carry_out(root: Path, step: str, given: dict[str, Any]) -> None:
    """Raises WorktreeError when it is refused."""
    repository = open_repository(root)
    worktree = Path(given["path"])
    session = given["session"]
    match step:
        case "snapshot":
            snapshots.take(worktree, session, "on demand", ignored=True)
        case "merge":
            landing.land(
                repository,
                worktree=worktree,
                session=session,
                target="main",
                method=Method(given["method"]),
                message="Land it\n",
            )
        case "update":
            following.update_from_target(worktree, session, "main")
        case "restore":
            found = snapshots.listed(root, session)
            if found:
                to = found[given["number"] % len(found)]
                wish = Wish(session=session, name=session, branch=given["branch"], to=to, head=given["head"])
                restoring.restore(repository, worktree, wish)
        case "remove":
            attic.remove(repository, worktree, given["branch"], session=session)
        case "undo":
            log = operations.listed(repository)
            gone = operations.undone(log)
            standing = [one for one in log if one.state is operations.State.DONE and one.id not in gone]
            if standing:
                undo.undo(repository, standing[min(given["number"], len(standing) - 1)])
        case _:
            raise ValueError(step)


def killed(root: Path, step: str, given: dict[str, Any], point: str) -> bool:
    """Carry it out in a process that dies at ``point`` (``NAME:2``: the second time); whether it did.

    One that is refused is not killed.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            name, _, count = point.partition(":")
            faultpoints._ARMED = (name, int(count or 1))
            carry_out(root, step, given)
            code = 0
        except WorktreeError:
            code = 0
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run in its copy
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == signal.SIGKILL


def restart(repository: Repository) -> list[str]:
    """What a daemon does at its start; returns what could not be settled."""
    found = reconcile.reconcile(repository)
    return [one.note for one in found if one.state is operations.State.PLANNED]
