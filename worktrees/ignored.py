"""Which ignored files a snapshot keeps: small ones, edited or not, outside of ignored folders.

Git stores the same content once, so an untouched copy of the main checkout's ``.env`` costs nothing, and whether it was
edited need not be known. A whole ignored folder (dependencies, build output) is left out and named, except for what
``inside`` says. Links are kept as links.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from pydantic import Field

from worktrees.models import Model

FILE_LIMIT = 1 << 20
TOTAL_LIMIT = 20 << 20


class Limits(Model):
    """Up to which size ignored files are kept, in bytes; ``inside`` are patterns of files in ignored folders."""

    file_bytes: int = Field(FILE_LIMIT, ge=0)
    total_bytes: int = Field(TOTAL_LIMIT, ge=0)
    inside: tuple[str, ...] = ()


STATED = Limits()


def choose(worktree: Path, found: Iterable[str], limits: Limits) -> tuple[list[str], list[str]]:
    """Names to keep and names to leave out, of what ``git ls-files --others --ignored --directory`` found.

    The smallest come first when the total is too large. A folder's name ends with a slash.
    """
    folders: list[str] = []
    sizes: dict[str, int] = {}
    for name in found:
        if name.endswith("/"):
            folders.append(name)
        elif (size := _size(worktree / name)) is not None:
            sizes[name] = size
    for name in _inside(worktree, folders, limits.inside):
        if (size := _size(worktree / name)) is not None:
            sizes[name] = size
    kept: list[str] = []
    large: list[str] = []
    total = 0
    for name, size in sorted(sizes.items(), key=lambda item: (item[1], item[0])):
        if size > limits.file_bytes or total + size > limits.total_bytes:
            large.append(name)
        else:
            total += size
            kept.append(name)
    return sorted(kept), sorted(large) + sorted(folders)


def usable(pattern: str) -> bool:
    """A pattern of ``inside`` stays in the worktree."""
    path = PurePosixPath(pattern)
    return bool(path.parts) and not path.is_absolute() and not {"..", ".git"} & set(path.parts)


def _inside(worktree: Path, folders: list[str], patterns: tuple[str, ...]) -> Iterator[str]:
    root = Path(os.path.realpath(worktree))
    for pattern in filter(usable, patterns):
        for path in worktree.glob(pattern):
            name = path.relative_to(worktree).as_posix()
            if ".git" in path.relative_to(worktree).parts or not name.startswith(tuple(folders)):
                continue
            if Path(os.path.realpath(path.parent)) == (root / name).parent:  # no link on the way
                yield name


def _size(path: Path) -> int | None:
    """Bytes of a file or link; None for what git cannot hold, and for what is gone."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode) else None
