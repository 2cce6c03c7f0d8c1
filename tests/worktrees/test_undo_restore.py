"""A restore is an operation: undo gives back the files of before it, and the branch where that moved too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.test_snapshots import files_of
from tests.worktrees.test_undo import newest, state
from worktrees import operations, snapshots
from worktrees.errors import CannotUndo
from worktrees.git import run
from worktrees.operations import Operation, State
from worktrees.reconcile import reconcile
from worktrees.repository import Repository
from worktrees.restoring import Wish, restore
from worktrees.undo import plan, tells, undo


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def wish(worktree: Path, **more: object) -> Wish:
    taken = snapshots.take(worktree, "s", "then", ignored=True)
    return Wish(session="s", name="x", branch="agent/x", to=taken, **more)  # type: ignore[arg-type]


def change(worktree: Path) -> None:
    (worktree / "a.txt").write_text("later\n")
    (worktree / "new").mkdir()
    (worktree / "new" / "file").write_text("new\n")
    (worktree / ".env").write_text("KEY=2\n")
    (worktree / ".env").chmod(0o600)


def test_the_files_of_before_a_restore_come_back(repository: Repository, worktree: Path) -> None:
    (worktree / ".env").write_text("KEY=1\n")
    then = wish(worktree)
    before_that = files_of(worktree)
    change(worktree)
    before = state(repository, worktree)
    restore(repository, worktree, then)
    assert files_of(worktree) == before_that
    done = newest(repository)
    assert "3 files change" in "\n".join(tells(repository, plan(repository, done)))
    back = undo(repository, done)
    assert state(repository, worktree) == before
    assert (worktree / ".env").stat().st_mode & 0o777 == 0o600, "a secret stays as private as it was"
    undo(repository, back)
    assert files_of(worktree) == before_that


def test_a_branch_that_was_moved_goes_back_too(repository: Repository, worktree: Path) -> None:
    then = wish(worktree, head=True)
    change(worktree)
    commit(worktree, "Later")
    (worktree / "a.txt").write_text("and more\n")
    before = state(repository, worktree)
    restore(repository, worktree, then)
    assert repository.resolve("agent/x") == then.to.parent
    undo(repository, newest(repository))
    assert state(repository, worktree) == before


def test_what_was_written_since_is_never_overwritten(repository: Repository, worktree: Path) -> None:
    then = wish(worktree)
    change(worktree)
    restore(repository, worktree, then)
    (worktree / "elsewhere.txt").write_text("the agent went on\n")
    undo(repository, newest(repository))
    assert (worktree / "elsewhere.txt").read_text() == "the agent went on\n"
    assert (worktree / "a.txt").read_text() == "later\n"
    restore(repository, worktree, then)
    (worktree / "a.txt").write_text("the agent went on here\n")
    before = state(repository, worktree)
    with pytest.raises(CannotUndo, match="changed since"):
        undo(repository, newest(repository))
    assert state(repository, worktree) == before


def test_a_worktree_that_was_made_again_is_not_taken_away(repository: Repository, worktree: Path) -> None:
    then = wish(worktree)
    run(repository.root, "worktree", "remove", "--force", str(worktree))
    restore(repository, worktree, then)
    with pytest.raises(CannotUndo, match="was made again"):
        undo(repository, newest(repository))
    assert (worktree / "a.txt").exists()


WRITES = 3


def leave_between(worktree: Path, files: int) -> None:
    """Write the first ``files`` of the three that the restore changes, as a power cut would have left them."""
    steps = (
        lambda: (worktree / "a.txt").write_text("one\ntwo\nthree\n"),
        lambda: (worktree / "new" / "file").unlink(),
        lambda: (worktree / ".env").write_text("KEY=1\n"),
    )
    for step in steps[:files]:
        step()


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("files", range(WRITES + 1))
def test_a_restore_that_was_cut_off_is_finished_or_never_was(
    repository: Repository, worktree: Path, head: bool, files: int
) -> None:
    (worktree / ".env").write_text("KEY=1\n")
    then = wish(worktree, head=head)
    change(worktree)
    if head:
        commit(worktree, "Later")
    before = state(repository, worktree)
    restore(repository, worktree, then)
    after = state(repository, worktree)
    done = newest(repository)
    undo(repository, done)
    assert state(repository, worktree) == before
    again = operations.planned(done.kind, done.what, session="s", name="x", moves=done.moves, files=done.files)
    with pytest.raises(KeyboardInterrupt):
        cut_off(repository, worktree, again, files)
    reconcile(repository)
    settled = newest(repository, again.id)
    assert settled.state is (State.DONE if files else State.VOID)
    assert state(repository, worktree) == (after if files else before)
    assert reconcile(repository) == ()


def cut_off(repository: Repository, worktree: Path, operation: Operation, files: int) -> None:
    with operations.recorded(repository, operation):
        leave_between(worktree, files)
        raise KeyboardInterrupt


def test_a_restore_that_was_cut_off_and_worked_upon_is_left_alone(repository: Repository, worktree: Path) -> None:
    then = wish(worktree)
    change(worktree)
    restore(repository, worktree, then)
    done = newest(repository)
    undo(repository, done)
    again = operations.planned(done.kind, done.what, session="s", name="x", files=done.files)
    with pytest.raises(KeyboardInterrupt):
        cut_off(repository, worktree, again, 1)
    (worktree / "a.txt").write_text("the agent went on\n")
    before = files_of(worktree)
    (settled,) = reconcile(repository)
    assert settled.state is State.HALF
    assert "compare" in settled.note
    assert files_of(worktree) == before
