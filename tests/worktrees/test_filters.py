"""Files that are stored through a filter: by git-lfs, by one that the user allowed, and by one that may not run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import changes, landing, snapshots
from worktrees.errors import FilterRefused
from worktrees.git import run
from worktrees.models import Method
from worktrees.repository import Repository

LFS = """#!/bin/sh
case "$1" in
clean) body=$(cat); case "$body" in "pointer "*) echo "$body" ;; *) echo "pointer $body" ;; esac ;;
smudge) sed 's/^pointer //' ;;
esac
"""


def _filtered(repository: Repository, name: str) -> None:
    (repository.root / ".gitattributes").write_text(f"*.bin filter={name}\n")
    (repository.root / "big.bin").write_text("big\n")
    commit(repository.root, "Big")


@pytest.fixture
def lfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program by the name of git-lfs that the user's own configuration names."""
    program = tmp_path / "bin" / "git-lfs"
    program.parent.mkdir()
    program.write_text(LFS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    run(tmp_path, "config", "--global", "filter.lfs.clean", "git-lfs clean -- %f")
    run(tmp_path, "config", "--global", "filter.lfs.smudge", "git-lfs smudge -- %f")
    return program


def test_large_files_of_git_lfs_stay_pointers_in_git_and_content_in_worktrees(
    tmp_path: Path, repository: Repository, lfs: Path
) -> None:
    _filtered(repository, "lfs")
    assert run(repository.root, "show", "HEAD:big.bin") == "pointer big\n"
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    assert (worktree / "big.bin").read_text() == "big\n"
    assert changes.totals(worktree, "main").files == 0
    (worktree / "big.bin").write_text("bigger\n")
    kept = snapshots.take(worktree, "s", "turn over")
    assert run(repository.root, "show", f"{kept.ref}:big.bin") == "pointer bigger\n"
    landing.land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="Bigger\n")
    assert run(repository.root, "show", "main:big.bin") == "pointer bigger\n"
    assert (repository.root / "big.bin").read_text() == "bigger\n"


def test_a_filter_of_the_repository_does_not_run_and_its_files_do_not_land_mangled(
    tmp_path: Path, repository: Repository
) -> None:
    run(repository.root, "config", "filter.up.clean", "tr a-z A-Z")
    _filtered(repository, "up")
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (worktree / "big.bin").write_text("bigger\n")
    before = repository.resolve("main")

    def land() -> None:
        landing.land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="B\n")

    with pytest.raises(FilterRefused, match=r"big\.bin .* filter up") as caught:
        land()
    assert "orchestrator.allowFilter up" in caught.value.hint
    assert repository.resolve("main") == before
    run(tmp_path, "config", "--global", "filter.up.clean", "tr a-z A-Z")
    run(tmp_path, "config", "--global", "--add", "orchestrator.allowFilter", "up")
    land()
    assert run(repository.root, "show", "main:big.bin") == "BIGGER\n"
