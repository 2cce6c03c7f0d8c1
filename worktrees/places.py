"""Where this program keeps what is its own, outside of every repository."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$ORCHESTRATOR_HOME``, else the platform's state folder; made with mode 0700."""
    named = os.environ.get("ORCHESTRATOR_HOME")
    if named:
        path = Path(named).expanduser().absolute()
    else:
        from platformdirs import user_state_path

        path = user_state_path("orchestrator")
    return private(path)


def private(path: Path) -> Path:
    """``path``, made with mode 0700 when it is not there. PermissionError when others could write into it."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to another user (uid {found.st_uid})")
    if found.st_mode & 0o022:
        raise PermissionError(f"{path} can be written by other users; close it: chmod go-w {path}")
    return path
