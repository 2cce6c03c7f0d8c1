"""Points at which a test can make the process die, as if the power had gone: between two writes.

``ORCHESTRATOR_FAULT=NAME`` kills this process with SIGKILL when it reaches the point of that name; ``NAME:3`` the third
time. Nothing is cleaned up and nobody is told, so what is on the disk then is what a restart has to make sense of.
Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

ENV = "ORCHESTRATOR_FAULT"

POINTS = (
    # orchestrator.store: NAME:N is the Nth event since the daemon began
    "ledger.append",  # the next event is not written
    "ledger.appended",  # it is written, nobody knows it yet
    # orchestrator.launches
    "launch.planned",  # the plan is in the private folder, nothing in the ledger
    "launch.worktree",  # the worktree is made
    "launch.prepared",  # its set-up has run
    "launch.scripted",  # the start script is written, there is no pane
    "launch.spawned",  # the pane is there, the ledger does not know it
    "launch.launched",  # the ledger knows it, the plan is still there
    # orchestrator.queue
    "queue.chosen",  # a task's session is chosen and written, nothing of its launch is done
    "queue.launched",  # its session runs, the queue does not know it
    # orchestrator.resuming
    "resume.intended",
    "resume.launched",
    "stop.intended",
    "stop.done",
    # orchestrator.budgets
    "budget.asked",  # the question is in the ledger, the program runs on
    "budget.allowed",  # the cap is raised, those that it held are held still
    "budget.freed",  # the ledger has it going on, its program is stopped
    "parking.begun",  # it is about to be told to go on
    "parking.told",  # it was told, the supervisor has not gone on
    # orchestrator.landing
    "remove.intended",
    "remove.stopped",  # the program has ended, the worktree is there
    "remove.taken",  # worktree and branch are gone, the ledger still has the session
    # orchestrator.train
    "train.formed",  # it is in the ledger, nothing is tested
    "train.tested",  # a test has ended, the ledger does not know it
    "train.proven",  # the front is proven, none of it has landed
    "train.landed",  # one has landed, the train does not know it
    "train.rejected",  # one is rejected, who is to blame is not known
    # worktrees.operations
    "operation.planned",  # the intent is written, nothing is done
    "operation.moved",  # the refs are what they shall be, the checkouts are not yet
    "operation.done",  # all is done, the intent is not yet closed
    "operation.closed",  # it is written as done, its caller does not know it yet
    "operation.pruned",  # one of several old ones is forgotten
    # worktrees.pushing
    "push.sent",  # the remote has it, nothing here says so
    # worktrees.attic
    "removal.gone",  # the worktree is gone, its branch is not yet
    "return.added",  # a worktree that comes back is registered and has no files yet
)
"""Every point's name. Tests go through all of them; a name that is not listed here cannot be reached."""


def _armed() -> tuple[str, int] | None:
    wanted = os.environ.get(ENV)
    if not wanted:
        return None
    name, _, count = wanted.partition(":")
    if name not in POINTS or not (count or "1").isdigit() or int(count or 1) < 1:
        raise ValueError(f"{ENV}={wanted}: there is no such point; they are listed in {__name__}")
    return name, int(count or 1)


_ARMED = _armed()
_reached = 0


def point(name: str) -> None:
    """Die here when the environment says so."""
    if _ARMED is not None:
        _die(name, *_ARMED)


def _die(name: str, wanted: str, count: int) -> None:
    global _reached
    if name not in POINTS:
        raise ValueError(f"the fault point {name} is not listed in {__name__}")
    if name != wanted:
        return
    _reached += 1
    if _reached == count:
        os.kill(os.getpid(), signal.SIGKILL)
