"""Seals what we write into a repository that others can write to, so that only our own words are acted upon."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

from worktrees import places


def seal(git_dir: Path, name: str, text: str) -> str:
    """An HMAC of ``text`` by that name in that repository: copied elsewhere it does not fit."""
    said = "\0".join((os.path.realpath(git_dir), name, text)).encode("utf-8", "surrogateescape")
    return hmac.new(_key(places.home() / "operations.key"), said, "sha256").hexdigest()


@cache
def _key(path: Path) -> bytes:
    """Made once, readable by its owner alone."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)  # the first of two that meet wins
        fresh.unlink()
    return path.read_bytes()
