"""How the machine tells that a file changed: inotify where there is one, else one joined poll for everything."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

Key = tuple[object, ...]
OnChange = Callable[[], None]
POLL_S = 0.1


class Watcher(Protocol):
    def once(self, key: Key, tty: Path, log: Path, on_change: OnChange) -> None:
        """Call ``on_change`` once, at the next write to ``tty``, all of which ends up in ``log``.

        A poll looks at the log: Linux moves the modification time of a tty only every eight seconds.
        """
        ...

    def folder(self, key: Key, folder: Path, name: str | None, on_change: OnChange) -> None:
        """Call ``on_change`` whenever ``name`` in ``folder`` (None: anything in it) is made, written or removed."""
        ...

    def forget(self, key: Key) -> None: ...

    def close(self) -> None: ...


def watcher(loop: asyncio.AbstractEventLoop, push: bool | None = None) -> Watcher:
    """The best this machine has. ``push`` False, or ``ORCHESTRATOR_NO_INOTIFY=1``, asks for the poll."""
    wanted = sys.platform == "linux" and not os.environ.get("ORCHESTRATOR_NO_INOTIFY") if push is None else push
    if wanted:
        try:
            return Inotify(loop)
        except (ImportError, OSError):
            return Poll(loop)
    return Poll(loop)


class Inotify:
    """One inotify handle. A path that the kernel will not watch any more (its limits) is polled instead."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        import inotify_simple

        self._flags = inotify_simple.flags
        self._inotify: Any = inotify_simple.INotify(nonblocking=True)
        self._loop = loop
        self._poll = Poll(loop)
        self._once: dict[int, dict[Key, OnChange]] = {}
        self._folders: dict[int, dict[Key, tuple[str | None, OnChange]]] = {}
        self._where: dict[Key, int] = {}
        loop.add_reader(self._inotify.fileno(), self._ready)

    def once(self, key: Key, tty: Path, log: Path, on_change: OnChange) -> None:
        flags = self._flags
        try:
            number = self._inotify.add_watch(tty, flags.MODIFY | flags.ONESHOT)
        except OSError:
            if tty.exists():
                self._poll.once(key, tty, log, on_change)
            return
        self._once[number] = {key: on_change}
        self._where[key] = number

    def folder(self, key: Key, folder: Path, name: str | None, on_change: OnChange) -> None:
        self.forget(key)
        flags = self._flags
        mask = (
            flags.MODIFY | flags.CREATE | flags.MOVED_TO | flags.DELETE | flags.MOVED_FROM | flags.DELETE_SELF
        ) | flags.ONLYDIR
        try:
            number = self._inotify.add_watch(folder, mask)
        except OSError:
            self._poll.folder(key, folder, name, on_change)
            return
        self._folders.setdefault(number, {})[key] = (name, on_change)
        self._where[key] = number

    def forget(self, key: Key) -> None:
        self._poll.forget(key)
        number = self._where.pop(key, None)
        if number is None:
            return
        for table in (self._once, self._folders):
            subscribers = table.get(number)
            if subscribers is not None and subscribers.pop(key, None) is not None and not subscribers:
                del table[number]
                self._remove(number)

    def close(self) -> None:
        self._loop.remove_reader(self._inotify.fileno())
        self._inotify.close()
        self._poll.close()

    def _remove(self, number: int) -> None:
        try:
            self._inotify.rm_watch(number)
        except OSError:
            return  # the kernel dropped it with its file

    def _ready(self) -> None:
        due: dict[Key, OnChange] = {}
        for event in self._inotify.read(timeout=0):
            if event.mask & self._flags.Q_OVERFLOW:
                for subscribers in self._folders.values():
                    due.update({key: on_change for key, (_, on_change) in subscribers.items()})
                continue
            if event.mask & self._flags.MODIFY and event.wd in self._once:
                for key, on_change in self._once.pop(event.wd).items():
                    self._where.pop(key, None)
                    due[key] = on_change
                continue
            name = event.name if isinstance(event.name, str) else os.fsdecode(event.name)
            for key, (wanted, on_change) in tuple(self._folders.get(event.wd, {}).items()):
                if wanted is None or wanted == name or event.mask & self._flags.DELETE_SELF:
                    due[key] = on_change
            if event.mask & self._flags.IGNORED:
                for key in self._folders.pop(event.wd, {}):
                    self._where.pop(key, None)
        for on_change in due.values():
            on_change()


class Poll:
    """One timer for everything that is watched; none while nothing is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[Key, tuple[Path, str | None, bool, OnChange, object]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def once(self, key: Key, tty: Path, log: Path, on_change: OnChange) -> None:
        self._watched[key] = (log, None, True, on_change, _stamp(log, None))
        self._start()

    def folder(self, key: Key, folder: Path, name: str | None, on_change: OnChange) -> None:
        self._watched[key] = (folder, name, False, on_change, _stamp(folder, name, deep=True))
        self._start()

    def forget(self, key: Key) -> None:
        self._watched.pop(key, None)

    def close(self) -> None:
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _start(self) -> None:
        if self._timer is None and self._watched:
            self._timer = self._loop.call_later(POLL_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for key, (path, name, once, on_change, before) in tuple(self._watched.items()):
            now = _stamp(path, name, deep=not once)
            if now == before:
                continue
            if once:
                self._watched.pop(key, None)
            else:
                self._watched[key] = (path, name, once, on_change, now)
            on_change()
        self._start()


def _stamp(path: Path, name: str | None, deep: bool = False) -> object:
    """What must differ when the file changed."""
    try:
        if name is None and deep:
            return tuple(
                sorted((entry.name, entry.stat().st_mtime_ns, entry.stat().st_size) for entry in os.scandir(path))
            )
        about = (path / name if name is not None else path).stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
