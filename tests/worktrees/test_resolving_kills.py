"""Killed at every point that an acceptance reaches: the branch has the merge or has it not, and no file is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import operations
from worktrees.faultpoints import ENV, POINTS
from worktrees.git import run
from worktrees.operations import Kind, State
from worktrees.problems import Take, take
from worktrees.reconcile import reconcile
from worktrees.repository import Repository
from worktrees.resolving import Work, accept, resolved_tree
from worktrees.three_way import Names

HERE = Path(__file__).resolve().parents[2]
NAMES = Names("main", "x")
BOTH = "one\nours\ntheirs\nthree\n"


def story(worktree: Path) -> None:
    """All that is open is taken from both, as the process that is killed does it."""
    work = Work(worktree, "main")

    def resolve(now: Work) -> str:
        found = now.look(NAMES)
        return resolved_tree(worktree, found, [take(problem, Take.OURS_THEIRS) for problem in found.problems])

    accept(worktree, "s", "main", work.id, resolve)


def cut(worktree: Path, fault: str) -> bool:
    """Whether it was killed at ``fault``; it fails in no other way."""
    program = "import sys; from pathlib import Path; from tests.worktrees.test_resolving_kills import story; "
    program += "story(Path(sys.argv[1]))"
    argv = [sys.executable, "-c", program, str(worktree)]
    done = subprocess.run(argv, cwd=HERE, env={**os.environ, ENV: fault}, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("number", [1, 2], ids=["commit", "merge"])
@pytest.mark.parametrize("name", ["operation.planned", "operation.moved", "operation.done", "operation.closed"])
def test_an_acceptance_that_is_killed_anywhere_is_done_or_not(repository: Repository, name: str, number: int) -> None:
    """First what was loose is committed, then the merge is made: each is an operation."""
    assert name in POINTS
    root = repository.root
    worktree = root.parent / "wt"
    run(root, "worktree", "add", "-q", "-b", "agent/x", str(worktree))
    (worktree / "a.txt").write_text("one\ntheirs\nthree\n")
    (worktree / "loose.txt").write_text("loose\n")
    (root / "a.txt").write_text("one\nours\nthree\n")
    target = commit(root, "Ours")
    assert cut(worktree, f"{name}:{number}")
    reconcile(repository)
    log = operations.listed(repository)
    assert [one.kind for one in reversed(log)] == [Kind.COMMIT, Kind.UPDATE][:number]
    assert all(one.state in (State.DONE, State.VOID) for one in log)
    assert (worktree / "a.txt").read_text() in ("one\ntheirs\nthree\n", BOTH)
    assert (worktree / "loose.txt").read_text() == "loose\n"
    assert run(root, "rev-parse", "main").strip() == target
    assert run(root, "status", "--porcelain") == ""
    merged = run(worktree, "rev-list", "--merges", "main..agent/x").split()
    assert bool(merged) == ((worktree / "a.txt").read_text() == BOTH)
    if not merged:
        story(worktree)
    assert (worktree / "a.txt").read_text() == BOTH
    assert run(worktree, "status", "--porcelain") == ""
    merges = [one for one in operations.listed(repository) if one.kind is Kind.UPDATE and one.state is State.DONE]
    assert len(merges) == 1
