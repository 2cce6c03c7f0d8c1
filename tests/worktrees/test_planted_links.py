"""Links that an agent puts into our own folder of the shared ``.git``: never followed to what is the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import commands
from worktrees import snapshots
from worktrees.errors import NotOurs
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.repository import Repository
from worktrees.restoring import Wish, restore


@pytest.fixture
def theirs(tmp_path: Path, repository: Repository) -> Path:
    """A worktree of the user's with work that nobody committed; its folder is called like the repository."""
    path = tmp_path / "elsewhere" / repository.name
    run(repository.root, "worktree", "add", "-q", "-b", "mine", str(path))
    (path / "precious").write_text("mine\n")
    return path


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    path = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (path / "b.txt").write_text("b\n")
    return path


def lands(repository: Repository, worktree: Path) -> None:
    verify = commands(repository, "true")
    land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="x", verify=verify)


def test_a_scratch_folder_that_leads_to_a_worktree_of_the_users(
    repository: Repository, worktree: Path, theirs: Path
) -> None:
    (repository.own / "scratch-planted").symlink_to(theirs.parent)
    lands(repository, worktree)
    assert (theirs / "precious").read_text() == "mine\n"
    assert str(theirs) in run(repository.root, "worktree", "list")


def test_a_scratch_worktree_that_is_a_link_to_one_of_the_users(
    repository: Repository, worktree: Path, theirs: Path
) -> None:
    planted = repository.own / "scratch-planted"
    planted.mkdir()
    (planted / repository.name).symlink_to(theirs)
    lands(repository, worktree)
    assert (theirs / "precious").read_text() == "mine\n"
    assert str(theirs) in run(repository.root, "worktree", "list")
    assert not planted.exists()


def test_our_folder_is_a_link_to_one_of_the_users(repository: Repository, worktree: Path, tmp_path: Path) -> None:
    away = tmp_path / "precious"
    away.mkdir()
    own = repository.own
    own.rename(tmp_path / "moved")
    own.symlink_to(away)
    with pytest.raises(NotOurs, match="is a link"):
        lands(repository, worktree)
    assert list(away.iterdir()) == []


def test_a_session_whose_worktree_became_a_link_to_one_of_the_users(
    repository: Repository, worktree: Path, theirs: Path, tmp_path: Path
) -> None:
    kept = snapshots.take(worktree, "s", "turn over")
    (worktree / "b.txt").write_text("later\n")
    snapshots.take(worktree, "s", "turn over")
    worktree.rename(tmp_path / "moved")
    worktree.symlink_to(theirs)
    before = set(run(repository.root, "for-each-ref").splitlines())
    for step in (
        lambda: repository.remove(worktree, "agent/x", session="s"),
        lambda: snapshots.take(worktree, "s", "turn over"),
        lambda: update_from_target(worktree, "s", "main"),
        lambda: restore(repository, worktree, Wish(session="s", name="t", to=kept, branch="agent/x")),
        lambda: lands(repository, worktree),
    ):
        with pytest.raises(NotOurs, match=r"is a link now|is not the folder that we made"):
            step()
    assert before <= set(run(repository.root, "for-each-ref").splitlines())
    assert (theirs / "precious").read_text() == "mine\n"
    assert str(theirs) in run(repository.root, "worktree", "list")
    assert (tmp_path / "moved" / "b.txt").read_text() == "later\n"
