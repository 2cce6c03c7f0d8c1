"""How many more agents this machine takes now: by count, by memory, by disk. Asked before each launch and resume.

Pure but for the turn that launches wait for: two commands at the same moment must not both take the last place. What
does not fit is named and not begun; nothing waits here for a place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass

MIB, GIB = 1 << 20, 1 << 30
EACH = 200 * MIB
"""Memory that a fresh agent is expected to take: node-based CLIs were seen at 150 to 350 MiB after their start."""
_SHARE = 512 * MIB  # of all memory, for each session that may run
_LEAST, _MOST = 8, 64


@dataclass(frozen=True)
class Machine:
    """What was measured, in bytes; None where this platform does not tell."""

    memory: int | None
    free_memory: int | None  # could be given to a new program without swapping
    free_disk: int | None  # where worktrees live


@dataclass(frozen=True)
class Limits:
    """``[run] max_running``, ``min_free_memory``, ``min_free_disk`` (bytes)."""

    max_running: int
    min_free_memory: int
    min_free_disk: int


@dataclass(frozen=True)
class Room:
    """``fits`` of the wanted sessions can start; for the others ``why`` not, and the next step."""

    fits: int
    why: str = ""
    hint: str = ""


def limits(machine: Machine, running: int | None, memory: int | None, disk: int | None) -> Limits:
    """The settings, with defaults from the machine: a session for each 512 MiB of memory, at least 8, at most 64;
    a twentieth of the memory stays free, between 256 MiB and 1 GiB; 512 MiB of the disk."""
    known = machine.memory or 8 * GIB
    return Limits(
        max_running=running if running is not None else max(_LEAST, min(_MOST, known // _SHARE)),
        min_free_memory=memory if memory is not None else max(256 * MIB, min(GIB, known // 20)),
        min_free_disk=disk if disk is not None else 512 * MIB,
    )


def room(wanted: int, running: int, launching: int, limits: Limits, machine: Machine, tree: int = 0) -> Room:
    """How many of ``wanted`` fit. ``launching`` of the ``running`` have not taken their memory yet; ``tree`` is the
    size of a worktree in bytes. What is not known does not hold anything back."""
    found = [_by_count(running, limits)]
    if machine.free_memory is not None:
        found.append(_by_memory(machine.free_memory, launching, limits))
    if machine.free_disk is not None:
        found.append(_by_disk(machine.free_disk, launching, tree, limits))
    least = min(found, key=lambda one: one.fits)
    return least if least.fits < wanted else Room(wanted)


def _by_count(running: int, limits: Limits) -> Room:
    return Room(
        max(0, limits.max_running - running),
        f"{running} sessions run, and [run] max_running is {limits.max_running}",
        "wait until one has ended, stop one (orchestrator stop NAME), or raise max_running in your settings",
    )


def _by_memory(free: int, launching: int, limits: Limits) -> Room:
    spare = free - limits.min_free_memory - launching * EACH
    return Room(
        max(0, spare // EACH),
        f"{size(free)} of memory are free; an agent takes about {size(EACH)}, "
        f"and {size(limits.min_free_memory)} stay free ([run] min_free_memory)",
        "stop a session (orchestrator stop NAME), or lower min_free_memory in your settings",
    )


def _by_disk(free: int, launching: int, tree: int, limits: Limits) -> Room:
    spare = free - limits.min_free_disk - launching * tree
    return Room(
        max(0, spare // max(tree, MIB)),
        f"{size(free)} of the disk are free; a worktree takes about {size(tree)}, "
        f"and {size(limits.min_free_disk)} stay free ([run] min_free_disk)",
        "make room (orchestrator rm NAME removes a session and keeps its work), or lower min_free_disk",
    )


def size(count: int) -> str:
    """Bytes for a human, in powers of 1024."""
    if count >= GIB:
        return f"{count / GIB:.1f} GiB"
    return f"{count / MIB:.0f} MiB" if count >= MIB else f"{count} bytes"


class Admission:
    """The supervisor's door for launches. ``running`` gives the sessions that run now, ``read`` the machine."""

    def __init__(self, running: Callable[[], AbstractSet[str]], read: Callable[[], Machine]) -> None:
        self.names: set[str] = set()
        self._running = running
        self._read = read
        self._launching: set[str] = set()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One command at a time finds names and room, and takes them by :meth:`launching` before the next looks."""
        async with self._turn:
            yield

    async def room(self, wanted: int, allowed: Callable[[Machine], Limits], tree: int = 0) -> Room:
        machine = await asyncio.to_thread(self._read)
        running = self._running() | self._launching
        return room(wanted, len(running), len(self._launching), allowed(machine), machine, tree)

    def take(self, sessions: Iterable[str], names: Iterable[str]) -> None:
        """These are being launched: their places and names are gone until :meth:`give`."""
        self._launching |= set(sessions)
        self.names |= set(names)

    def give(self, session: str, name: str) -> None:
        """The launch is over, well or not: the session runs and is counted as such, or its place is free."""
        self._launching.discard(session)
        self.names.discard(name)
