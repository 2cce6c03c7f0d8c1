"""Reads and writes below a folder that somebody else may rearrange at any moment: no symbolic link is ever followed.

For a clone that an agent owns. Every step of a path is opened by itself, relative to the one before, so that a link
which is planted between a look and a write leads nowhere. What is no regular file (a pipe would block) does not exist.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worktrees.errors import WorktreeError

LIMIT = 16 << 20
INDEX_LIMIT = 256 << 20
"""Bytes of a file that is read whole: a list of refs, an index."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENXIO)


class Locked(WorktreeError):
    """A lock file of git's is there: somebody works in the clone."""


@contextmanager
def folder(root: Path, name: str = "", *, make: bool = False) -> Iterator[int | None]:
    """A descriptor of the folder ``name`` below ``root``; None when it is no folder. ``make``: with what is missing."""
    descriptor: int | None = None
    try:
        descriptor = os.open(root, _FOLDER)
        for part in _parts(name):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=descriptor)
            deeper = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        if error.errno not in _GONE:
            raise
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(root: Path, name: str, limit: int = LIMIT) -> bytes | None:
    """The file's content; None when there is no regular file of that name, or one above ``limit`` bytes."""
    above, _, last = name.rpartition("/")
    with folder(root, above) as holder:
        return None if holder is None else read_at(holder, last, limit)


def read_at(holder: int, name: str, limit: int = LIMIT) -> bytes | None:
    """Like :func:`read`, of a file right in the folder ``holder``."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=holder)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
            return None
        return file.read(limit + 1)[:limit]


def names(root: Path, name: str) -> tuple[tuple[str, bool], ...]:
    """What is in a folder, each with whether it is a folder; nothing when there is none."""
    with folder(root, name) as holder:
        if holder is None:
            return ()
        with os.scandir(holder) as entries:
            return tuple((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)


def write(root: Path, name: str, content: bytes, *, lock: bool = False, time_ns: int | None = None) -> None:
    """Replace a file whole. ``lock``: under git's own lock of that file; raises Locked when somebody holds it.

    ``time_ns``: when it is to have been changed.

    Raises WorktreeError when what should be a folder on the way is none.
    """
    above, _, last = name.rpartition("/")
    with folder(root, above, make=True) as holder:
        if holder is None:
            raise WorktreeError(f"{root / above} is no folder", "somebody rearranged it; look at what runs there")
        new = f"{last}.lock" if lock else f".{last}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=holder)
        except FileExistsError as error:
            raise Locked(f"{root / name}.lock is there", "wait until git there is done, then try again") from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
                if time_ns is not None:
                    os.utime(descriptor, ns=(time_ns, time_ns))
            os.rename(new, last, src_dir_fd=holder, dst_dir_fd=holder)
        except OSError as error:
            with suppress(OSError):
                os.unlink(new, dir_fd=holder)
            if isinstance(error, IsADirectoryError):
                raise WorktreeError(f"{root / name} is a folder", "somebody rearranged it") from error
            raise


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise WorktreeError(f"{name!r} leads elsewhere", "")
    return parts
