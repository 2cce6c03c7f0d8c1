"""A new ref of ours, written as git writes one, without a process.

Only refs that are not there yet, one file each: git's lock is taken and given back by a rename, so that another git
sees the ref whole or not at all. Repositories whose refs are no files (reftable) are refused by the clean room.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from worktrees.cleanroom import view
from worktrees.errors import WorktreeError


def create(worktree: Path, ref: str, commit: str) -> bool:
    """Let the new ``ref`` name ``commit``. False when it is taken, or another is just taking it."""
    git_dir = view(worktree).room.git_dir
    path = git_dir / ref
    lock = path.with_name(path.name + ".lock")
    handle = _opened(lock)
    if handle is None:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            if os.path.lexists(path) or _packed(git_dir, ref):
                return False
            file.write(f"{commit}\n".encode())
        lock.replace(path)
    finally:
        lock.unlink(missing_ok=True)
    return True


def _opened(lock: Path) -> int | None:
    for _attempt in range(10):
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        except FileExistsError:
            return None
        except FileNotFoundError:
            pass  # git takes empty folders away
        except OSError as error:
            raise WorktreeError(
                f"{lock} cannot be made: {error.strerror}", "look at the folder and the disk"
            ) from error
    raise WorktreeError(f"{lock.parent} is taken away again and again", "try again")


def _packed(git_dir: Path, ref: str) -> bool:
    with suppress(FileNotFoundError):
        return f" {ref}\n".encode() in (git_dir / "packed-refs").read_bytes()
    return False
