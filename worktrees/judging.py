"""Judges a commit by checks: each in a fresh worktree of it, the ones that belong together in one.

One that fails is run once more, in a fresh worktree again; passed then, it is flaky, which is recorded and blamed on
nobody. One that ran into its deadline, or is void, is not run again: it would cost the same and say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from worktrees.checks import How, attempt
from worktrees.models import CheckResult
from worktrees.repository import Repository
from worktrees.scratch import scratch

Told = Callable[[int, bool], None]
"""Called before a run with the number of the check, and whether it is run once more."""


@dataclass(frozen=True)
class Ask:
    """A command to judge by."""

    command: str
    how: How
    retries: int = 1


def judge(
    repository: Repository, commit: str, asked: Sequence[Ask], told: Told = lambda _number, _again: None
) -> tuple[CheckResult, ...]:
    """The results of commands that run one after the other in one worktree of ``commit``, up to the first that is bad.

    Raises Stopped, or what git has to say; no worktree and no process is left.
    """
    results: list[CheckResult] = []
    with ExitStack() as stack:
        tree = stack.enter_context(scratch(repository, commit))
        for number, ask in enumerate(asked):
            result = _judged(ask, tree, lambda: _fresh(stack, repository, commit, alone=len(asked) == 1), told, number)
            results.append(result)
            if not result.passed:
                break
    return tuple(results)


def _judged(ask: Ask, tree: Path, fresh: Callable[[], Path | None], told: Told, number: int) -> CheckResult:
    told(number, False)
    first = result = attempt(ask.command, tree, ask.how)
    seconds = first.seconds
    for _more in range(ask.retries):
        if result.passed or result.void or result.exit_code is None:
            break
        tree = fresh() or tree
        told(number, True)
        result = attempt(ask.command, tree, ask.how)
        seconds += result.seconds
    if result is first:
        return first
    update: dict[str, object] = {"seconds": round(seconds, 3)}
    if result.passed:
        update |= {"flaky": True, "output": first.output}
    return result.model_copy(update=update)


def _fresh(stack: ExitStack, repository: Repository, commit: str, *, alone: bool) -> Path | None:
    """Another worktree, for what runs alone: others of a row built on what the ones before them left."""
    return stack.enter_context(scratch(repository, commit)) if alone else None
