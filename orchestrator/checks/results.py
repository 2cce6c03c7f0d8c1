"""What checks said, on the disk: a result and its output for each key, which stands for tree, definition, environment.

A result is written once its check has ended, whole or not at all; an output without one is of a check that runs, or of
one that was killed.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from orchestrator import home
from worktrees import durable
from worktrees.checks import printed
from worktrees.models import CheckResult
from worktrees.places import private

DAYS = 14
"""Kept so long after it was last used."""
_KEY = re.compile(r"[0-9a-f]{64}\Z")


def key(repository: Path, tree: str, definition: str, environment: str) -> str:
    """What a result is bound to. It holds for every branch and every landing with the same tree."""
    return hashlib.sha256(
        "\0".join((str(repository), tree, definition, environment)).encode(errors="surrogatepass")
    ).hexdigest()


def output(key: str) -> Path:
    """The file that a check's output goes to; its folder is made."""
    if not _KEY.match(key):
        raise ValueError(f"{key!r} is not the key of a result")
    return private(private(private(home.home() / "checks") / key[:2])) / f"{key}.log"


def write(result: CheckResult) -> None:
    durable.write(output(result.key).with_suffix(".json"), result.model_copy(update={"output": ""}).model_dump_json())


def read(key: str) -> CheckResult | None:
    """The result with its output; None when there is none, or it cannot be read."""
    path = output(key).with_suffix(".json")
    try:
        found = CheckResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if found.key != key:
        return None
    with suppress(OSError):
        path.touch()  # used
    return found.model_copy(update={"output": printed(output(key))})


def prune(days: float = DAYS) -> int:
    """Drop what was not used for so long; returns how many files that were."""
    folder, count = home.home() / "checks", 0
    for path in folder.glob("??/*") if folder.is_dir() else ():
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - days * 86400:
                path.unlink()
                count += 1
    return count
