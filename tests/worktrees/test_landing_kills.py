"""Killed at every point that a landing reaches, in turn: the target is before or after, and nothing is lost.

What is reached is found by killing: the Nth time that a point is passed, until the step ends by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nightly import NIGHTLY
from tests.worktrees.conftest import commit
from worktrees import attic, operations
from worktrees.ancestry import is_ancestor
from worktrees.faultpoints import ENV, POINTS
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method, Settled
from worktrees.operations import Kind, State
from worktrees.pushing import push
from worktrees.reconcile import reconcile
from worktrees.repository import Repository, open_repository

HERE = Path(__file__).resolve().parents[2]
OURS = [name for name in POINTS if name.startswith(("operation.", "removal.", "push."))]


def story(root: Path, worktree: Path) -> None:
    """A whole landing, as the process that is killed does it: land, push, go on, land again by rebase, remove."""
    repository = open_repository(root)
    done = [one for one in operations.listed(repository) if one.state is State.DONE]
    landed = [one.landing for one in done if one.kind is Kind.LAND and one.landing is not None]  # newest first
    if not landed:
        landed = [_land(repository, worktree, Method.SQUASH, None)]
    if not any(one.kind is Kind.PUSH for one in done):
        push(repository, "main", session="s", name="x")
    first = landed[-1]
    if len(landed) == 1:
        settled = Settled(tip=first.tip, after=first.after)
        if not any(one.kind is Kind.UPDATE for one in done):
            update_from_target(worktree, "s", "main", settled=settled)
        if not (worktree / "more.txt").exists():
            (worktree / "more.txt").write_text("more\n")
        _land(repository, worktree, Method.REBASE, settled)
    if worktree.is_dir() or repository.has_branch("agent/x"):
        attic.remove(repository, worktree, "agent/x", session="s", name="x")


def _land(repository: Repository, worktree: Path, method: Method, settled: Settled | None):  # type: ignore[no-untyped-def]
    return land(
        repository, worktree=worktree, session="s", target="main", method=method, message="Land\n", settled=settled
    )


def cut(root: Path, worktree: Path, fault: str) -> bool:
    """Whether the story was killed at ``fault``; it fails in no other way."""
    program = "import sys; from pathlib import Path; from tests.worktrees.test_landing_kills import story; "
    program += "story(Path(sys.argv[1]), Path(sys.argv[2]))"
    argv = [sys.executable, "-c", program, str(root), str(worktree)]
    done = subprocess.run(argv, cwd=HERE, env={**os.environ, ENV: fault}, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


TIMES = 1000 if NIGHTLY else 2
"""How often each point is killed at; by night until it is reached no more."""


@pytest.mark.parametrize("name", OURS)
def test_a_landing_that_is_killed_anywhere_goes_on_to_the_same_end(tmp_path: Path, name: str) -> None:
    number = 1
    while True:
        folder = tmp_path / str(number)
        repository, origin, worktree = _made(folder)
        if not cut(repository.root, worktree, f"{name}:{number}"):
            break
        reached = [
            repository.resolve("main"),
            run(origin, "for-each-ref", "--format=%(objectname)", "refs/heads/main").strip(),
        ]
        reconcile(repository)
        assert reconcile(repository) == ()
        assert all(one.state in (State.DONE, State.VOID) for one in operations.listed(repository))
        assert repository.resolve("main") == reached[0], "a kill leaves the target where it was moved to, or not"
        assert not reached[1] or is_ancestor(repository.root, reached[1], reached[0]), (
            "the remote never has what the target lacks"
        )
        assert run(repository.root, "status", "--porcelain") == "", "the checkout is the target's"
        story(repository.root, worktree)
        _whole(repository, origin, worktree)
        number += 1
        if number > TIMES:
            break
    assert number > 1 or name == "operation.pruned", f"{name} was never reached"


def _made(folder: Path) -> tuple[Repository, Path, Path]:
    root, origin = folder / "shop", folder / "origin.git"
    root.mkdir(parents=True)
    run(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n")
    commit(root, "Begin")
    run(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    run(root, "remote", "add", "origin", str(origin))
    repository = open_repository(root)
    worktree = repository.create(folder / "wt", "agent/x", "HEAD", session="s").path
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "B")
    (worktree / "c.txt").write_text("uncommitted\n")
    (root / "d.txt").write_text("d\n")
    commit(root, "D")
    return repository, origin, worktree


def _whole(repository: Repository, origin: Path, worktree: Path) -> None:
    """All of it landed once and was pushed; the session is in the attic."""
    assert sorted(path.name for path in repository.root.iterdir() if path.suffix == ".txt") == [
        *("a.txt", "b.txt", "c.txt", "d.txt", "more.txt")
    ]
    assert run(repository.root, "log", "--format=%s", "main").split("\n")[:-1] == ["Land", "Land", "D", "Begin"]
    assert is_ancestor(repository.root, run(origin, "rev-parse", "main").strip(), "main")
    assert (worktree.exists(), repository.has_branch("agent/x")) == (False, False)
    assert [one.session for one in attic.listed(repository)] == ["s"]
    assert run(repository.root, "status", "--porcelain") == ""
