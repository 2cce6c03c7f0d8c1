"""Whether a human types in a session's pane right now: what we put in would end up in the middle of their words.

tmux tells for each attached terminal when a key came from it last, in whole seconds. Our own control client is none.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sessions.errors import HumanTypes, SessionError

if TYPE_CHECKING:
    from sessions.session import Session

QUIET_S = 2.0
"""So long after a key somebody counts as typing. Not below tmux's grain of one second."""
HOLD_S = 10.0
"""How long a message or an answer is held back while somebody types."""


class Hands:
    """The human's hands on one session's pane."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._at = 0

    async def rest(self) -> None:
        """Return once nobody has typed for a moment; HumanTypes, with nothing put in, when they go on and on."""
        deadline = time.monotonic() + HOLD_S
        while True:
            self._at = await self._last_key()
            left = self._at + QUIET_S - time.time()
            if not 0 < left <= QUIET_S:  # a clock that was set back must not hold anything
                return
            if time.monotonic() + left > deadline:
                raise HumanTypes(
                    f"somebody is typing in {self._session.spec.name}; nothing was put in",
                    "try again when they have finished",
                )
            await asyncio.sleep(left)

    async def check(self) -> None:
        """Raise HumanTypes when a key has come since :meth:`rest`: an Enter now would send their words too."""
        if await self._last_key() != self._at:
            name = self._session.spec.name
            raise HumanTypes(
                f"somebody typed in {name} while the message was put in; it stands in the input line, not sent",
                f"look at it: orchestrator attach {name}",
            )

    async def _last_key(self) -> int:
        """The second in which a key last came from an attached terminal; 0 when none is attached."""
        words = ("list-clients", "-t", f"={self._session.id}", "-F", "#{client_control_mode} #{client_activity}")
        with suppress(SessionError):
            said = [line.split() for line in await self._session.control.command(*words)]
            return max((int(at) for control, at in said if control == "0"), default=0)
        return 0
