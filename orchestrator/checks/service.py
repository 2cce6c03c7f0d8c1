"""What the supervisor knows of checks: which ones judge which work, run when an agent stops and before work lands.

When a session comes to rest with work, its branch is judged alone: then only what branches do to each other is left for
the landing. That waits a moment, gives way to what a human waits for, and ends when the session works again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, sealing, trust
from orchestrator.checks.definition import Check
from orchestrator.checks.engine import Engine, Job, Phase, Progress, Report, Reuse, Told
from orchestrator.config import checks as of_settings
from orchestrator.config import load_settings
from orchestrator.fleet import Row
from sessions import launching
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


class Checks:
    """One for the fleet."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """Made when it is first needed: the user's settings say how many slots it has."""
        if self._engine is None:
            self._engine = Engine(load_settings(None, os.environ).checks.slots)
        return self._engine

    async def judge(
        self,
        rows: Sequence[Row],
        commit: str,
        checks: tuple[Check, ...],
        *,
        base: str | None = None,
        reuse: Reuse = Reuse.GOOD,
        asked: bool = True,
        told: Told = lambda _progress: None,
    ) -> Report:
        """What ``checks`` say of a commit that holds the work of ``rows`` (of one repository, at least one).

        ``base``: for the path filters, usually what the target is now. The environment is that of the first row's
        agent, in a box when one of them has one. The caller has seen to it that a human approved the checks
        (:func:`approved`). Cancel it, and all of its processes end.
        """
        return await self.engine.run(
            await asyncio.to_thread(_job, tuple(rows), commit, checks, base, reuse, asked), told
        )

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.close()


def approved(root: Path, given: str | None = None) -> tuple[Check, ...]:
    """All checks of work on the repository at ``root``, as its main checkout and the user's settings say.

    Never an agent's branch. Refused, with what to approve, when its own were not approved; ``given`` is the digest
    that the human just approved.
    """
    seen = trust.wanted(root)
    trust.require(seen, given, seen.shown)
    return of_settings(root, os.environ)


def step(progress: Progress) -> str | None:
    """A line for who waits for a landing; None when there is nothing to say."""
    match progress.phase:
        case Phase.RUNS:
            return f"check: {progress.name}"
        case Phase.AGAIN:
            return f"check again: {progress.name}"
        case _:
            return None


def _job(
    rows: tuple[Row, ...], commit: str, checks: tuple[Check, ...], base: str | None, reuse: Reuse, asked: bool
) -> Job:
    first = rows[0]
    known = launching.recall(home.session_folder(first.id), Path(first.worktree))
    env = known[1].env if known else dict(os.environ)
    boxed = next((row for row in rows if row.boxed), None)
    return Job(
        repository=open_repository(Path(first.repository)),
        commit=commit,
        checks=checks,
        base=base,
        env=env,
        around=lambda folder: sealing.around_checks(boxed, folder, env) if boxed is not None else (),
        boxed=boxed is not None,
        reuse=reuse,
        asked=asked,
    )
