"""Killed at any point of a step, then reconciled: refs and files are those of before or after, never between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.test_undo import newest, state
from worktrees import attic, operations
from worktrees.faultpoints import ENV
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.operations import State
from worktrees.reconcile import reconcile
from worktrees.repository import Repository, open_repository
from worktrees.undo import undo

STEPS = ("land", "update", "remove", "undo")
HERE = Path(__file__).resolve().parents[2]


def step(name: str, root: Path, worktree: Path) -> None:
    """What the process that is killed does."""
    repository = open_repository(root)
    match name:
        case "land":
            land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="Land it\n")
        case "update":
            update_from_target(worktree, "s", "main")
        case "remove":
            attic.remove(repository, worktree, "agent/x", session="s", name="x")
        case "undo":
            undo(repository, operations.holding(operations.listed(repository))[0])


def killed(name: str, root: Path, worktree: Path, fault: str) -> None:
    """Run the step in a process of its own that dies at ``fault``."""
    program = "import sys; from pathlib import Path; from tests.worktrees.test_cut_off import step; "
    program += "step(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))"
    argv = [sys.executable, "-c", program, name, str(root), str(worktree)]
    done = subprocess.run(argv, cwd=HERE, env={**os.environ, ENV: fault}, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, f"{name} never reached {fault}: {done.stdout}{done.stderr}"


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    path = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (path / "b.txt").write_text("b\n")
    commit(path, "B")
    (path / "folder").mkdir()
    (path / "folder" / "c.txt").write_text("untracked\n")
    (path / ".env").write_text("KEY=1\n")
    (repository.root / "d.txt").write_text("d\n")
    commit(repository.root, "D")
    return path


def settled(repository: Repository, worktree: Path) -> tuple[object, ...]:
    """Reconcile twice (the second finds nothing to do), then refs and files."""
    reconcile(repository)
    assert reconcile(repository) == ()
    assert all(one.state in (State.DONE, State.VOID) for one in operations.listed(repository))
    return state(repository, *([worktree] if worktree.is_dir() else []))


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ("operation.planned:1", "nothing"),
        ("operation.moved:1", "committed"),
        ("operation.done:1", "committed"),
        ("operation.closed:1", "committed"),
        ("operation.planned:2", "committed"),
        ("operation.moved:2", "landed"),
        ("operation.done:2", "landed"),
        ("operation.closed:2", "landed"),
    ],
)
def test_a_landing_has_happened_or_has_not(repository: Repository, worktree: Path, fault: str, after: str) -> None:
    target = repository.resolve("main")
    tip = repository.resolve("agent/x")
    killed("land", repository.root, worktree, fault)
    assert repository.resolve("main") == target or after == "landed"
    settled(repository, worktree)
    assert (repository.resolve("main") != target) == (after == "landed")
    assert (repository.resolve("agent/x") != tip) == (after != "nothing")
    assert (repository.root / "b.txt").exists() == (after == "landed")
    assert run(repository.root, "status", "--porcelain") == ""
    assert (worktree / "folder" / "c.txt").read_text() == "untracked\n"
    left = run(worktree, "status", "--porcelain", "-uall").strip()
    assert left == ("?? folder/c.txt" if after == "nothing" else "")
    step("land", repository.root, worktree) if after != "landed" else step("undo", repository.root, worktree)
    assert (repository.root / "folder" / "c.txt").exists() == (after != "landed")


@pytest.mark.parametrize("fault", ["operation.planned", "operation.moved", "operation.done", "operation.closed"])
def test_an_update_has_happened_or_has_not(repository: Repository, worktree: Path, fault: str) -> None:
    before = state(repository, worktree)
    killed("update", repository.root, worktree, fault)
    found = settled(repository, worktree)
    if fault == "operation.planned":
        assert found == before
        step("update", repository.root, worktree)
    assert (worktree / "d.txt").read_text() == "d\n"
    assert run(worktree, "status", "--porcelain", "-uall").strip() == "?? folder/c.txt"
    undo(repository, newest(repository))
    assert state(repository, worktree) == before


@pytest.mark.parametrize("fault", ["operation.planned", "removal.gone", "operation.done", "operation.closed"])
def test_a_removal_has_happened_or_has_not(repository: Repository, worktree: Path, fault: str) -> None:
    before = state(repository, worktree)
    killed("remove", repository.root, worktree, fault)
    found = settled(repository, worktree)
    if fault == "operation.planned":
        assert found == before
        step("remove", repository.root, worktree)
    assert not worktree.exists()
    assert not repository.has_branch("agent/x")
    undo(repository, newest(repository))
    assert state(repository, worktree) == before


@pytest.mark.parametrize(
    "fault", ["operation.planned", "operation.moved", "return.added", "operation.done", "operation.closed"]
)
def test_a_return_has_happened_or_has_not(repository: Repository, worktree: Path, fault: str) -> None:
    before = state(repository, worktree)
    step("remove", repository.root, worktree)
    removed = state(repository)
    killed("undo", repository.root, worktree, fault)
    found = settled(repository, worktree)
    if fault == "operation.planned":
        assert found == removed
        step("undo", repository.root, worktree)
    assert state(repository, worktree) == before
    assert (worktree / ".env").read_text() == "KEY=1\n"


@pytest.mark.parametrize("fault", ["operation.planned", "operation.moved", "operation.done", "operation.closed"])
def test_an_undo_has_happened_or_has_not(repository: Repository, worktree: Path, fault: str) -> None:
    step("land", repository.root, worktree)
    landed = state(repository, worktree)
    killed("undo", repository.root, worktree, fault)
    found = settled(repository, worktree)
    if fault == "operation.planned":
        assert found == landed
        step("undo", repository.root, worktree)
    assert not (repository.root / "b.txt").exists()
    assert (repository.root / "d.txt").exists()
    step("undo", repository.root, worktree)
    assert state(repository, worktree) == landed


def test_a_folder_that_was_half_deleted_is_whole_again(repository: Repository, worktree: Path) -> None:
    before = state(repository, worktree)
    killed("remove", repository.root, worktree, "operation.planned")
    (worktree / "a.txt").unlink()
    (worktree / "folder" / "c.txt").unlink()
    (worktree / ".env").unlink()
    assert settled(repository, worktree) == before
    assert (worktree / ".env").read_text() == "KEY=1\n"


def test_a_checkout_that_was_half_brought_along_is_finished(repository: Repository, worktree: Path) -> None:
    (repository.root / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    commit(repository.root, "Four")
    (worktree / "e.txt").write_text("e\n")
    killed("land", repository.root, worktree, "operation.moved:2")
    (repository.root / "e.txt").write_text("e\n")  # as git had written it before the power went
    (repository.root / "untracked").write_text("the user's\n")
    settled(repository, worktree)
    assert run(repository.root, "status", "--porcelain").strip() == "?? untracked"
    assert (repository.root / "b.txt").exists()


def test_a_checkout_that_the_user_went_on_in_is_left_alone_and_the_target_goes_back(
    repository: Repository, worktree: Path
) -> None:
    target = repository.resolve("main")
    killed("land", repository.root, worktree, "operation.moved:2")
    (repository.root / "b.txt").write_text("the user's own\n")
    (operation,) = reconcile(repository)
    assert operation.state is State.VOID
    assert "b.txt" in operation.note
    assert repository.resolve("main") == target
    assert (repository.root / "b.txt").read_text() == "the user's own\n"
    assert run(repository.root, "status", "--porcelain").strip() == "?? b.txt"


def test_a_landing_that_others_built_upon_was_done(repository: Repository, worktree: Path) -> None:
    run(repository.root, "checkout", "-q", "--detach")
    killed("land", repository.root, worktree, "operation.moved:2")
    tree = run(repository.root, "rev-parse", "main^{tree}").strip()
    more = run(repository.root, "commit-tree", tree, "-p", "main", "-m", "More").strip()
    run(repository.root, "update-ref", "refs/heads/main", more)
    (operation,) = reconcile(repository)
    assert operation.state is State.DONE
    assert repository.resolve("main") == more
