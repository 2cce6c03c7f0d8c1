"""Files of our own that are whole or absent, whatever happens while they are written, and one writer at a time.

A user's own files (settings, ``.orchestrator.toml``) are read and never written by us.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PART = ".part"


def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace ``path`` by a file with ``content``, by rename. A link that stands there is replaced, not followed.

    After a kill or a power cut the old or the new content is there, never a part. The folder is made (0700) when it is
    missing. Text keeps bytes that are no UTF-8 (surrogateescape).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process or thread at a time reads, changes and writes ``path``. Waits for its turn."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sweep(folder: Path) -> int:
    """Remove what a kill left of unfinished writes in ``folder``; it may hold secrets. Only while nobody writes there.

    Returns how many there were. A link is removed, not followed.
    """
    parts = list(folder.glob(f".*{_PART}"))
    for part in parts:
        with suppress(OSError):
            part.unlink()
    return len(parts)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable. Some file systems cannot; the content is whole there too."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
