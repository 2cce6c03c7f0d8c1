"""Checks for a landing without a fleet around it."""

from __future__ import annotations

from worktrees import judging
from worktrees.checks import How
from worktrees.judging import Ask
from worktrees.landing import Verify
from worktrees.models import CheckResult
from worktrees.repository import Repository


def commands(repository: Repository, *words: str, deadline_s: float = 60.0) -> Verify:
    """What :func:`worktrees.landing.land` asks: these commands, one after the other."""

    def verify(_before: str, commit: str) -> tuple[CheckResult, ...]:
        return judging.judge(repository, commit, [Ask(word, How(deadline_s)) for word in words])

    return verify
