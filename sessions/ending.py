"""How a session's program ends: asked to, by itself, right after its start, or with its pane."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sessions import launching
from sessions.control import Pane
from sessions.errors import SessionError
from sessions.events import FailedToStart
from sessions.models import ENDED

if TYPE_CHECKING:
    from sessions.session import Session

STARTED_S = 3.0
"""A program that ends by itself within this time did not start: a wrong option, no login, a missing library."""
_KILLED = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM})
"""Somebody ended it: that says nothing of its start."""


class Ending:
    """Watches over the end of one session's program, launch after launch."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.asked = False  # its end is wanted, so that no way of ending is a crash
        self._spawned_at: float | None = None  # by the loop's clock; None: before this supervisor's time

    def begin(self) -> None:
        """A program was started just now."""
        self.asked = False
        self._spawned_at = asyncio.get_running_loop().time()

    async def stop(self, within_s: float) -> None:
        """Ask the program to end, and close its pane when it does not in time."""
        session = self._session
        if not session.running:
            return
        self.asked = True
        if not await session.talk.quit(within_s):
            await session.control.kill(session.id)
            await session.news.until(lambda: not session.running, 2.0)

    def on_exit(self, _key: str) -> None:
        self._session.run(self.exited())

    async def exited(self) -> None:
        """Ask tmux how the program ended. tmux 3.3a may miss a child's end; that of another makes it look again."""
        session = self._session
        for attempt in range(5):
            try:
                if attempt == 2:
                    await session.control.command("run-shell", "-b", "true")
                panes = await session.control.panes()
            except SessionError:
                return
            pane = next((pane for pane in panes if pane.session == session.id), None)
            if pane is None and self.asked:
                self._gone()
                return
            if pane is None:
                session.lost("its pane was closed")
                return
            told = pane.dead and (pane.exit_status is not None or pane.exit_signal is not None)
            if told or attempt == 4:
                await self._ended(pane)
                return
            await asyncio.sleep(0.05)

    async def _ended(self, pane: Pane) -> None:
        session = self._session
        lines = await self._last_look(pane)
        session.pane = pane
        code, number = pane.exit_status, pane.exit_signal
        if code is None and number is None:
            code = launching.exit_code(session.place.folder)
        if number is None and code is not None and code > 128:
            number = code - 128  # as a shell tells it
        how = f"ended by signal {number}" if number is not None else f"exited with code {code}"
        session.unwatch()
        status = session.status
        if status is None or status.state not in ENDED:
            ended = session.perception.ended(code, how, datetime.now(UTC), asked=self.asked)
            after_s = self._ended_at_once(code) if number not in _KILLED else None
            if after_s is not None:
                session.emit([FailedToStart(how=f"failed to start: {how} after {after_s:.1f} s", screen=lines)])
            session.emit(ended)
        session.news.tell()

    async def _last_look(self, pane: Pane) -> tuple[str, ...]:
        """What the program left on the screen, without the empty lines around it and tmux's own about its end."""
        session = self._session
        try:
            # tmux scrolls by one line to say that the pane is dead.
            screen = await session.control.capture(pane.id, above=1)
        except SessionError:
            return ()
        lines = "\n".join(line for line in screen.lines if not line.startswith("Pane is dead")).strip("\n")
        screen = replace(screen, lines=tuple(lines.split("\n")) if lines else ())
        if session.on_screen is not None:
            session.on_screen(session.id, screen)
        return screen.lines

    def _ended_at_once(self, code: int | None) -> float | None:
        """Seconds that the program ran, if that was no start. A program of the user's own may be done that soon."""
        if self._spawned_at is None or self.asked or (code == 0 and self._session.agent.name == "command"):
            return None
        ran_s = asyncio.get_running_loop().time() - self._spawned_at
        return ran_s if ran_s < STARTED_S else None

    def _gone(self) -> None:
        """Its pane was closed because it did not end by itself when it was asked to."""
        session = self._session
        session.unwatch()
        session.pane = None
        session.emit(session.perception.ended(None, "stopped by you", datetime.now(UTC), asked=True))
        session.news.tell()
