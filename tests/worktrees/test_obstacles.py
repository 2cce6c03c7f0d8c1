"""Ignored files are never written over: git's own checkout and merge do it without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import obstacles
from worktrees.errors import InTheWay
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Landing, Method
from worktrees.repository import Repository


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def track_env(root: Path, text: str) -> None:
    (root / ".env").write_text(text)
    run(root, "add", "-f", ".env")
    run(root, "commit", "-q", "-m", "Track it")


def test_a_landing_never_overwrites_an_ignored_file_of_the_user(repository: Repository, worktree: Path) -> None:
    before = repository.resolve("main")
    track_env(worktree, "KEY=theirs\n")

    def merge() -> Landing:
        return land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="x")

    (repository.root / ".env").write_text("KEY=the only copy\n")
    with pytest.raises(InTheWay, match=r"\.env in .* would be overwritten"):
        merge()
    assert (repository.root / ".env").read_text() == "KEY=the only copy\n"
    assert repository.resolve("main") == before
    (repository.root / ".env").write_text("KEY=theirs\n")  # the same content: nothing is lost
    merge()
    assert run(repository.root, "status", "--porcelain") == ""


def test_an_update_never_overwrites_an_ignored_file_of_the_agent(repository: Repository, worktree: Path) -> None:
    (worktree / ".env").write_text("KEY=the only copy\n")
    track_env(repository.root, "KEY=1\n")
    with pytest.raises(InTheWay):
        update_from_target(worktree, "s", "main")
    assert (worktree / ".env").read_text() == "KEY=the only copy\n"


def test_what_the_old_tree_holds_is_no_obstacle_and_links_are_not_followed(
    repository: Repository, tmp_path: Path
) -> None:
    root = repository.root
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    (root / "was").symlink_to(outside)
    (root / "folder").mkdir()
    (root / "folder" / "file").write_text("1")
    old = commit(root, "A link and a folder")
    (root / "was").unlink()
    (root / "was").mkdir()
    (root / "was" / "file").write_text("ours")
    (root / "folder" / "file").unlink()
    (root / "folder").rmdir()
    (root / "folder").write_text("a file now")
    new = commit(root, "The other way round")
    run(root, "reset", "-q", "--hard", old)
    obstacles.refuse(root, old, new)
    (root / "folder" / "ignored.log").write_text("x")
    with pytest.raises(InTheWay, match=r"folder/ignored\.log"):
        obstacles.refuse(root, old, new)
