"""Knows that something changed without asking: kernel events for panes, files and processes.

Linux: inotify on each pane's tty (IN_MODIFY, one-shot, re-armed after a gap, so a spinner costs at most ten, soon four
wake-ups a second) and on folders of watched files, pidfd for ends of processes. Elsewhere, or where the kernel's limits
are reached, one joined poll does the same for everything, for panes by their logs. No timer exists for a session that
is quiet.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from sessions.agents.contract import Reading, Stream, Watch
from sessions.follow import Follower
from sessions.streams import Listener
from sessions.watching import Poll, Watcher, watcher

LEAD_S = 0.02
"""A burst is let finish before its screen is read."""
GAP_S = 0.1
"""At most ten looks a second and pane …"""
LONG_GAP_S = 0.25
STREAK = 10
"""… and four for one that has printed without a pause for a second: a spinner or a stream of text."""
SETTLED = timedelta(milliseconds=300)
QUIET = timedelta(seconds=3)

OnKey = Callable[[str], None]
OnQuiet = Callable[[str, timedelta], None]
OnReading = Callable[[Reading], None]


@dataclass
class _Pane:
    key: str
    tty: Path
    log: Path
    on_output: OnKey
    on_quiet: OnQuiet
    looked_at: float = 0.0
    streak: int = 0  # looks since it was last quiet
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


@dataclass
class _File:
    key: str
    number: int
    watch: Watch
    on_reading: OnReading
    followers: dict[Path, Follower] = field(default_factory=dict)
    folder: Path | None = None


class Sensor:
    """Push for everything that is watched, by one kernel handle."""

    def __init__(self, *, push: bool | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._watcher: Watcher = watcher(self._loop, push)
        self._panes: dict[str, _Pane] = {}
        self._files: dict[str, list[_File]] = {}
        self._streams: dict[str, dict[tuple[str, str], Listener]] = {}
        self._exits: dict[str, tuple[int, asyncio.TimerHandle | None]] = {}
        self._numbered = 0

    @property
    def polling(self) -> bool:
        return isinstance(self._watcher, Poll)

    def watch_pane(self, key: str, tty: Path, log: Path, on_output: OnKey, on_quiet: OnQuiet) -> None:
        """``on_output(key)`` after the program wrote, ``on_quiet(key, silence)`` 0.3 s and 3 s after it stopped."""
        pane = _Pane(key, tty, log, on_output, on_quiet)
        self._panes[key] = pane
        self._arm(pane)

    def wrote_before(self, key: str) -> None:
        """The program of ``key`` wrote before it was watched: take that for output of now, if there was none since."""
        pane = self._panes.get(key)
        if pane is not None and not pane.looked_at and not pane.timers:
            self._wrote(pane)

    def watch_exit(self, key: str, pid: int, on_exit: OnKey) -> None:
        """``on_exit(key)`` once, when the process ``pid`` has ended."""
        with suppress(AttributeError, OSError):
            descriptor = os.pidfd_open(pid)
            self._exits[key] = (descriptor, None)
            self._loop.add_reader(descriptor, self._exited, key, on_exit)
            return
        self._poll_exit(key, pid, on_exit)

    def watch_file(self, key: str, watch: Watch, on_reading: OnReading) -> None:
        """Read ``watch`` now and whenever it changes. It need not exist yet, nor its folder."""
        self._numbered += 1
        file = _File(key, self._numbered, watch, on_reading)
        self._files.setdefault(key, []).append(file)
        self._place(file)
        self._read(file)

    def unwatch_file(self, key: str, watch: Watch) -> None:
        """Read ``watch`` of ``key`` no more."""
        for file in [file for file in self._files.get(key, []) if file.watch == watch]:
            self._files[key].remove(file)
            self._watcher.forget(("file", key, file.number))

    def watch_stream(self, key: str, stream: Stream, on_reading: OnReading) -> None:
        """Listen to ``stream`` until ``key`` is forgotten. Again: it is asked for other things from now on."""
        streams = self._streams.setdefault(key, {})
        listener = streams.get((stream.feed, stream.path))
        if listener is None:
            streams[stream.feed, stream.path] = Listener(stream, on_reading)
        else:
            listener.update(stream)

    def unwatch(self, key: str) -> None:
        """Forget everything of ``key``. Twice is once."""
        pane = self._panes.pop(key, None)
        if pane is not None:
            _cancel(pane)
            self._watcher.forget(("pane", key))
        for file in self._files.pop(key, []):
            self._watcher.forget(("file", key, file.number))
        for listener in self._streams.pop(key, {}).values():
            listener.close()
        exit_ = self._exits.pop(key, None)
        if exit_ is not None:
            descriptor, timer = exit_
            if timer is not None:
                timer.cancel()
            if descriptor >= 0:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)

    def close(self) -> None:
        for key in {*self._panes, *self._files, *self._streams, *self._exits}:
            self.unwatch(key)
        self._watcher.close()

    def _arm(self, pane: _Pane) -> None:
        if self._panes.get(pane.key) is pane:
            self._watcher.once(("pane", pane.key), pane.tty, pane.log, lambda: self._wrote(pane))

    def _wrote(self, pane: _Pane) -> None:
        if self._panes.get(pane.key) is not pane:
            return
        _cancel(pane)
        gap = GAP_S if pane.streak < STREAK else LONG_GAP_S
        wait = max(LEAD_S, pane.looked_at + gap - self._loop.time())
        pane.timers = [self._loop.call_later(wait, self._look, pane)]

    def _look(self, pane: _Pane) -> None:
        pane.looked_at = self._loop.time()
        pane.streak += 1
        self._arm(pane)  # before the look: what is written from now on counts as new
        pane.timers = [
            self._loop.call_later(SETTLED.total_seconds(), self._quiet, pane, SETTLED),
            self._loop.call_later(QUIET.total_seconds(), self._quiet, pane, QUIET),
        ]
        pane.on_output(pane.key)

    def _quiet(self, pane: _Pane, silence: timedelta) -> None:
        if self._panes.get(pane.key) is pane:
            pane.streak = 0
            pane.on_quiet(pane.key, silence)

    def _place(self, file: _File) -> None:
        """Watch the file's folder, or the nearest one that exists until it does."""
        wanted = file.watch.path if file.watch.pattern else file.watch.path.parent
        folder = None
        while folder != (nearest := _nearest(wanted)):  # again when one was made before the watch was there
            folder = file.folder = nearest
            name = None if folder != wanted or file.watch.pattern else file.watch.path.name
            incomplete = folder != wanted
            self._watcher.folder(
                ("file", file.key, file.number), folder, name, partial(self._touched, file, incomplete)
            )

    def _touched(self, file: _File, incomplete: bool) -> None:
        if file not in self._files.get(file.key, []):
            return
        if incomplete:
            self._place(file)
        self._read(file)

    def _read(self, file: _File) -> None:
        watch = file.watch
        paths = [watch.path]
        if watch.pattern is not None:
            with suppress(OSError):
                found = {path for path in watch.path.glob(watch.pattern) if path.is_file()}
                paths = sorted(found | set(file.followers))
        for path in paths:
            follower = file.followers.get(path)
            if follower is None:
                follower = file.followers[path] = Follower(watch.feed, path, watch.mode)
            reading = follower.read()
            if reading is not None:
                file.on_reading(reading)
                if file not in self._files.get(file.key, []):
                    return

    def _exited(self, key: str, on_exit: OnKey) -> None:
        descriptor, _ = self._exits.pop(key)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        on_exit(key)

    def _poll_exit(self, key: str, pid: int, on_exit: OnKey) -> None:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            self._exits.pop(key, None)
            on_exit(key)
            return
        except PermissionError:
            pass
        self._exits[key] = (-1, self._loop.call_later(0.5, self._poll_exit, key, pid, on_exit))


def _nearest(folder: Path) -> Path:
    """``folder``, or the deepest of those above it that exists."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _cancel(pane: _Pane) -> None:
    for timer in pane.timers:
        timer.cancel()
    pane.timers = []
