"""Which sessions are sealed, and how: from the command and the settings to a clone and a box."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator import home
from orchestrator.commands import Isolation, Refused
from orchestrator.config import Settings, load_settings
from orchestrator.events import Created
from orchestrator.fleet import Row
from sessions import sealing
from sessions.errors import SessionError
from sessions.models import SessionId
from sessions.sealing import Seal
from sessions.tmux import Server
from worktrees import sealed
from worktrees.repository import open_repository

CLONE_ONLY = "the session's git is its own, but its program is not boxed in"
INSTALLED = f"to box it in: {sealing.INSTALL}"


def isolation(asked: Isolation | None, settings: Settings, agent: str) -> Isolation:
    """The command's word, else the agent's, else that of ``[run]``."""
    of_agent = settings.agents[agent].isolation if agent in settings.agents else None
    return asked or of_agent or settings.run.isolation


def why_not_boxed(isolation: Isolation, settings: Settings, env: Mapping[str, str]) -> str:
    """Why a sealed session gets no box; "" when it gets one, or is none. Refused when the settings want one."""
    if isolation is not Isolation.SEALED:
        return ""
    why = sealing.available(env) or ""
    if why and settings.sealed.require:
        raise Refused(
            f"no sealed session is started: {why}", f"install it: {sealing.INSTALL}, or take [sealed] require away"
        )
    return why


def ready(session: SessionId, about: Created | Row, env: Mapping[str, str]) -> Seal | None:
    """Seal the worktree of a session that was asked for sealed, unless it is; returns the box that it is started in.

    Raises SessionError when the box that it had cannot be had any more.
    """
    if about.isolation is not Isolation.SEALED:
        return None
    sealed.seal(Path(about.worktree), session)
    if not about.boxed:
        return None
    if why := sealing.available(env):
        raise SessionError(
            f"{about.name} was sealed, and would run without its box now: {why}", f"install it: {sealing.INSTALL}"
        )
    return _box(about, env)


def around_checks(row: Row, folder: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """What is put before a check of a boxed session's work: it runs code that the agent wrote."""
    return sealing.around(_box(row, env), folder, env) if row.boxed else ()


def _box(about: Created | Row, env: Mapping[str, str]) -> Seal:
    """What is shown, hidden and written to in the box."""
    repository = open_repository(Path(about.repository))
    chosen = load_settings(repository.root, env).sealed
    tmux = Path(Server(home.tmux_socket()).socket_path())
    return Seal(
        shown=(repository.root, repository.git_dir, *_borrowed(repository.git_dir)),
        hidden=(home.home(), home.socket_path().parent, tmux.parent),
        read=chosen.read,
        write=chosen.write,
        hide=chosen.hide,
        network=chosen.network,
    )


def _borrowed(git_dir: Path) -> tuple[Path, ...]:
    """Object stores that the repository itself borrows from: its clones need them too."""
    found: list[Path] = []
    waiting = [git_dir / "objects"]
    while waiting and len(found) < 8:
        objects = waiting.pop()
        try:
            lines = (objects / "info" / "alternates").read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            if line and not line.startswith(("#", '"')):
                waiting.append(Path(os.path.normpath(objects / line)))
                found.append(waiting[-1])
    return tuple(found)
