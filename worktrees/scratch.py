"""Worktrees for one use: of exactly one commit, ours alone, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worktrees import cleanroom
from worktrees.errors import GitFailed
from worktrees.git import run as plain
from worktrees.repository import Repository


@contextmanager
def scratch(repository: Repository, commit: str) -> Iterator[Path]:
    """A worktree of ``commit`` that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=repository.own))
    path = folder / repository.name
    (folder / "pid").write_text(f"{os.getpid()} {_began(os.getpid())}")
    try:
        with repository.registration():
            plain(repository.root, "worktree", "add", "--no-checkout", "--detach", "--", str(path), commit)
        repository.fill(path)
        yield path
    finally:
        _drop(repository, folder, path)


def clear(repository: Repository) -> int:
    """Take away the scratch worktrees of processes that were killed; returns how many there were."""
    count = 0
    for folder in repository.own.glob("scratch-*"):
        try:
            pid, _, began = (folder / "pid").read_text().partition(" ")
            os.kill(int(pid), 0)
            alive = not began or began == _began(int(pid))
        except (OSError, ValueError):
            alive = False
        if not alive:
            count += 1
            _drop(repository, folder, folder / repository.name)
    return count


def _began(pid: int) -> str:
    """When a process began, so that a number that was given anew is not taken for it; "" where that is not known."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    return ""


def _drop(repository: Repository, folder: Path, path: Path) -> None:
    if folder.is_symlink():
        return  # not ours: we make folders
    with repository.registration():
        with suppress(GitFailed):
            # Ours: nobody works there. But an agent can write here, and git follows a link to the user's worktrees.
            if not path.is_symlink():
                plain(repository.root, "worktree", "remove", "--force", "--force", "--", str(path))
        cleanroom.forget(path)
        shutil.rmtree(folder, ignore_errors=True)
