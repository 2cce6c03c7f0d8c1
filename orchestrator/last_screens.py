"""What each session's pane showed last, kept on the disk: after the death of tmux or a reboot it is all that is left.

Nothing is asked for: whoever looked at a pane says what it saw. The newest picture wins, is written at most every
:data:`GAP_S` seconds and at the end of a turn, and is at most a screen long.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from orchestrator import home
from sessions.agents.contract import Screen
from sessions.models import Model, SessionId

FILE = "last-screen.json"
GAP_S = 3.0
LINES, WIDTH = 200, 500


class LastScreen(Model):
    """Plain text, one string a row, without the empty rows at the end."""

    at: datetime
    lines: tuple[str, ...]
    width: int = 0
    height: int = 0


class LastScreens:
    """One picture a session. A picture without any text never replaces one that has some."""

    def __init__(self) -> None:
        self._newest: dict[SessionId, LastScreen] = {}
        self._written: dict[SessionId, tuple[str, ...]] = {}
        self._timers: dict[SessionId, asyncio.TimerHandle] = {}

    def seen(self, session: SessionId, screen: Screen) -> None:
        """The pane of ``session`` showed this."""
        lines = tuple(line[:WIDTH] for line in screen.lines[-LINES:])
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        if not lines or lines == self._written.get(session):
            return
        self._newest[session] = LastScreen(at=screen.at, lines=lines, width=screen.width, height=screen.height)
        if session not in self._timers:
            first = session not in self._written
            loop = asyncio.get_running_loop()
            self._timers[session] = loop.call_later(GAP_S, self._due, session)
            if first:
                self.keep(session)

    def keep(self, session: SessionId) -> None:
        """Write the newest picture now: a turn ended, or the program did."""
        newest = self._newest.pop(session, None)
        if newest is None:
            return
        folder = home.session_folder(session)
        temporary = folder / (FILE + ".new")
        with suppress(OSError):  # a full disk: the older picture stays
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(newest.model_dump_json())
            temporary.replace(folder / FILE)
            self._written[session] = newest.lines

    def forget(self, session: SessionId) -> None:
        """The session is no more."""
        self._newest.pop(session, None)
        self._written.pop(session, None)
        if (timer := self._timers.pop(session, None)) is not None:
            timer.cancel()

    def close(self) -> None:
        for session in tuple(self._newest):
            self.keep(session)
        for timer in self._timers.values():
            timer.cancel()

    def _due(self, session: SessionId) -> None:
        self._timers.pop(session, None)
        self.keep(session)


def read(session: str) -> LastScreen | None:
    """The last picture of ``session``; None when none was kept."""
    path: Path = home.session_folder(session) / FILE
    try:
        return LastScreen.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
