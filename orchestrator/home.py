"""Where the program keeps its state. Everything lies below one folder, so tests and users can isolate it."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from orchestrator import door
from worktrees.places import home, private

__all__ = ["home"]


def socket_path() -> Path:
    """The daemon's socket, in a 0700 folder; made when it is not there, checked by :mod:`orchestrator.door`.

    A home whose path is too long for a socket gets one under /tmp, the same for every caller whatever its environment.
    """
    path = home() / "run" / "daemon.sock"
    if len(os.fsencode(path)) > door.LONGEST:
        path = Path("/tmp") / f"orchestrator-{os.getuid()}-{_digest(str(home()), 8)}" / "daemon.sock"
    with suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    return path


def tmux_socket() -> str:
    """Name of our private tmux server (``tmux -L``). Every home has its own, so two never meet."""
    return "orchestrator-" + _digest(os.path.realpath(home()), 8)


def ledger_path() -> Path:
    return home() / "ledger.sqlite3"


def lock_path() -> Path:
    return home() / "daemon.lock"


def session_folder(session: str) -> Path:
    """Private folder of a session: hook spool, events, raw log of the pane."""
    return private(home() / "sessions") / session


def repository_key(root: Path) -> str:
    """A file name that stands for a repository: its name for people, a digest of its path for truth."""
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in root.name)[:40] or "repository"
    return f"{name}-{_digest(os.path.realpath(root), 6)}"


def worktree_folder(root: Path, name: str) -> Path:
    return home() / "worktrees" / repository_key(root) / name


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:length]
