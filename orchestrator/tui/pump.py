"""Keeps the dashboard's fleet true: a snapshot, then every event; when the daemon goes, it comes back by itself.

The last fleet stays on the screen meanwhile. A new connection begins with a snapshot, not with the events missed:
another daemon, or a ledger that was pruned, cannot make the picture wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from orchestrator.fleet import Fleet, apply
from orchestrator.link import Link, LinkDown

TOGETHER_S = 0.05
"""Events within this time are shown at once: a burst costs one picture."""
LONGEST_WAIT_S = 3.0


class Pump:
    """``show(fleet)`` after changes, ``lost(attempt, why)`` while nobody answers; ``why`` is mostly empty."""

    def __init__(
        self,
        link: Link,
        show: Callable[[Fleet], None],
        lost: Callable[[int, str], None],
        revive: Callable[[], None] | None,
    ) -> None:
        self._link = link
        self._show = show
        self._lost = lost
        self._revive = revive
        self._fleet = Fleet()
        self._due: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Never ends by itself."""
        attempt = 0
        while True:
            try:
                self._fleet = await self._link.snapshot()
                attempt = 0
                self._publish()
                async for envelope in self._link.events(self._fleet.seq):
                    self._fleet = apply(self._fleet, envelope)
                    if self._due is None:
                        self._due = asyncio.get_running_loop().call_later(TOGETHER_S, self._publish)
            except LinkDown:
                attempt += 1
                self._lost(attempt, "")
            except Exception as error:  # noqa: BLE001 - an edge: a daemon that speaks otherwise must not end the dashboard
                attempt += 1
                self._lost(attempt, type(error).__name__)
            await asyncio.sleep(min(0.3 * attempt, LONGEST_WAIT_S))
            if self._revive is not None and attempt > 1:
                with suppress(Exception):  # whatever hinders it: the next attempt tells
                    await asyncio.to_thread(self._revive)

    def _publish(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._show(self._fleet)
