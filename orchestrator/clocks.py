"""Notices that the machine slept or that its clock was set, by three clocks that disagree about it.

The wall clock goes on through sleep and can be set; one clock of the kernel goes on through sleep and cannot be set; a
third one stands while the machine sleeps (``clock_gettime(2)``; on macOS the names differ).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from orchestrator.events import Unobserved

NOTABLE = timedelta(seconds=2)
"""Less is the jitter of the clocks, or of a time server that turns the clock slowly."""

_THROUGH = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_AWAKE = getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC)


def read() -> tuple[datetime, float, float]:
    """The time of the wall, of the kernel, and of the kernel without sleep (seconds)."""
    return datetime.now(UTC), time.clock_gettime(_THROUGH), time.clock_gettime(_AWAKE)


class Clocks:
    """Asked before each event is stamped, so that what is found lies before it, and now and then in between."""

    def __init__(self, read: Callable[[], tuple[datetime, float, float]] = read) -> None:
        self._read = read
        self._last = read()

    def look(self) -> tuple[datetime, list[Unobserved]]:
        """The time, and what happened to it since the last look. A step back is nothing: later times are held."""
        wall, through, awake = self._last
        now = self._last = self._read()
        passed = now[1] - through
        slept = timedelta(seconds=max(0.0, passed - (now[2] - awake)))
        jumped = now[0] - wall - timedelta(seconds=passed)
        found = []
        if slept >= NOTABLE:
            found.append(Unobserved(why="suspend", began=wall, ended=wall + slept))
            wall += slept
        if jumped >= NOTABLE:
            found.append(Unobserved(why="clock", began=wall, ended=wall + jumped))
        return now[0], found
