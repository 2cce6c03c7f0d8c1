"""Plans that were not launched, in the state folder: a plan costs money, so it is not thrown away."""

from __future__ import annotations

from pathlib import Path

from orchestrator import home
from orchestrator.planner import tasksfile
from orchestrator.planner.ask import PlanReply
from worktrees import durable

HEAD = "Launch: orchestrator plan --file FILE"


def keep(plan: PlanReply) -> Path:
    """Write ``plan`` to a file of its own, which is returned. Raises OSError."""
    folder = home.home() / "plans"
    folder.mkdir(mode=0o700, exist_ok=True)
    number = 1 + sum(1 for _ in folder.glob("*.toml"))
    stem = plan.tasks[0].name[:40] if plan.tasks and not plan.problems else "plan"
    while (path := folder / f"{number:03d}-{stem}.toml").exists():
        number += 1
    write(path, plan)
    return path


def write(path: Path, plan: PlanReply) -> None:
    """Write ``plan`` as a tasks file, whole or not at all. Raises OSError."""
    durable.write(path, tasksfile.write(plan.tasks, HEAD).encode())
