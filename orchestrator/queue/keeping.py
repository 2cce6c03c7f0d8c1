"""The environments of queued tasks: a private file each, outside of the ledger, gone with the task.

An environment holds secrets (keys, tokens). The files are their owner's alone, in a folder that is too.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from orchestrator import home
from worktrees import durable
from worktrees.places import private


def _folder() -> Path:
    return private(home.home() / "queue")


def write(task: str, env: dict[str, str], trust: str | None) -> None:
    """Keep the caller's environment, and what was approved of the repository, for good before this returns."""
    durable.write(_folder() / f"{task}.json", json.dumps({"env": env, "trust": trust}))


def read(task: str) -> tuple[dict[str, str], str | None] | None:
    """What :func:`write` kept; None when it is gone or cannot be read."""
    try:
        found = json.loads((_folder() / f"{task}.json").read_bytes())
        env = {str(name): str(value) for name, value in found["env"].items()}
        return env, str(found["trust"]) if found["trust"] is not None else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def forget(task: str) -> None:
    (_folder() / f"{task}.json").unlink(missing_ok=True)


def sweep(tasks: Collection[str]) -> None:
    """Remove what no task has: a kill came between two steps."""
    durable.sweep(_folder())
    for path in _folder().glob("*.json"):
        if path.stem not in tasks:
            with suppress(OSError):
                path.unlink()
