"""A worktree whose making was cut off at any step is finished, and nothing of anybody else is taken for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import changes, unfinished
from worktrees.errors import BranchExists, WorktreeExists
from worktrees.git import run
from worktrees.repository import MADE, Repository

BRANCH = "agent/x"


def _add(repository: Repository, path: Path) -> None:
    run(repository.root, "worktree", "add", "-q", "--no-checkout", "-b", BRANCH, "--no-track", "--", str(path), "main")


def _nothing(repository: Repository, path: Path) -> None:
    return


def _branch_alone(repository: Repository, path: Path) -> None:
    run(repository.root, "branch", "--no-track", BRANCH, "main")


def _registered(repository: Repository, path: Path) -> None:
    _add(repository, path)


def _while_git_worked(repository: Repository, path: Path) -> None:
    _add(repository, path)
    run(repository.root, "worktree", "lock", "--reason", "initializing", str(path))


def _folder_gone(repository: Repository, path: Path) -> None:
    _add(repository, path)
    (path / ".git").unlink()
    path.rmdir()


def _half_filled(repository: Repository, path: Path) -> None:
    _add(repository, path)
    run(path, "reset", "-q", "--hard")
    (path / "a.txt").unlink()
    (path / "copied.log").write_text("by the set-up")


def _all(repository: Repository, path: Path) -> None:
    repository.create(path, BRANCH, repository.resolve("main"), session="s")


@pytest.mark.parametrize(
    "before", [_nothing, _branch_alone, _registered, _while_git_worked, _folder_gone, _half_filled, _all]
)
def test_it_is_the_worktree_that_was_wanted(
    repository: Repository, tmp_path: Path, before: Callable[[Repository, Path], None]
) -> None:
    path, base = tmp_path / "w" / "x", repository.resolve("main")
    path.parent.mkdir()
    before(repository, path)
    for _ in range(2):
        made = unfinished.finish(repository, path, BRANCH, base)
        assert (made.path, made.head, made.branch) == (path, base, BRANCH)
        assert (path / "a.txt").read_text() == "one\ntwo\nthree\n"
        assert changes.totals(path, base).uncommitted == 0
        assert repository.resolve(MADE + BRANCH) == base
        assert [w.path for w in repository.worktrees()] == [repository.root, path]


def test_a_branch_of_the_users_that_took_the_name_is_left_alone(repository: Repository, tmp_path: Path) -> None:
    base = repository.resolve("main")
    (repository.root / "b.txt").write_text("theirs\n")
    run(repository.root, "checkout", "-q", "-b", BRANCH)
    theirs = commit(repository.root, "Theirs")
    with pytest.raises(BranchExists):
        unfinished.finish(repository, tmp_path / "x", BRANCH, base)
    assert repository.resolve(BRANCH) == theirs
    assert not (tmp_path / "x").exists()


def test_a_folder_with_files_that_is_no_worktree_is_left_alone(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.mkdir()
    (path / "mine").write_text("mine")
    with pytest.raises(WorktreeExists):
        unfinished.finish(repository, path, BRANCH, repository.resolve("main"))
    assert [entry.name for entry in path.iterdir()] == ["mine"]
