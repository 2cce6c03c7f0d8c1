"""Bounds the raw log of a pane: a spinner writes ten megabytes an hour."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 4 << 20
KEPT = 1 << 20


def rotate(path: Path, limit: int = LIMIT) -> bool:
    """When ``path`` is above ``limit`` bytes, keep its last megabyte as ``path.1`` and empty it in place.

    The writer (``cat >>``) appends, so it goes on at the new end; what it writes in this very moment may be lost from
    the log, never from the pane. Returns whether it was rotated.
    """
    try:
        if path.stat().st_size <= limit:
            return False
        with path.open("rb") as file:
            file.seek(-min(KEPT, file.seek(0, os.SEEK_END)), os.SEEK_END)
            tail = file.read()
        old = path.with_name(path.name + ".1")
        old.write_bytes(tail)
        os.truncate(path, 0)
    except OSError:
        return False
    return True
