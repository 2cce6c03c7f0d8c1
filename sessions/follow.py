"""Reads growing files from where it stopped. Torn lines wait, shrunken or replaced files start again."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from sessions.agents.contract import Mode, Reading

LONGEST_LINE = 8 << 20
CHUNK = 4 << 20


class Follower:
    """One watched file. ``skipped`` counts lines that were too long to be kept."""

    def __init__(self, feed: str, path: Path, mode: Mode) -> None:
        self.feed = feed
        self.path = path
        self.mode = mode
        self.skipped = 0
        self._offset = 0
        self._file: tuple[int, int] | None = None  # device, inode
        self._rest = b""
        self._dropping = False
        self._first = True
        self._whole: bytes | None = None

    def read(self) -> Reading | None:
        """What came since the last call; None when nothing did. ``replay`` marks what stood there before."""
        if self.mode is Mode.WHOLE:
            return self._read_whole()
        if self.mode is Mode.STAMP:
            return self._read_stamp()
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            self._first = False  # it did not exist when we came: whatever appears is news
            return None
        try:
            about = os.fstat(descriptor)
            identity = (about.st_dev, about.st_ino)
            replay = self._first
            if self._file is not None and (identity != self._file or about.st_size < self._offset):
                self._offset, self._rest, self._dropping = 0, b"", False
                replay = self._file == identity or replay
            self._file = identity
            self._first = False
            os.lseek(descriptor, self._offset, os.SEEK_SET)
            pieces: list[bytes] = []
            while piece := os.read(descriptor, CHUNK):
                pieces.append(piece)
                self._offset += len(piece)
        finally:
            os.close(descriptor)
        data = b"".join(pieces)
        if not data:
            return None
        if self.mode is Mode.BYTES:
            return Reading(self.feed, self.path, datetime.now(UTC), data=data, replay=replay)
        lines = self._lines(data)
        return Reading(self.feed, self.path, datetime.now(UTC), lines=lines, replay=replay) if lines else None

    def _lines(self, data: bytes) -> tuple[bytes, ...]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._dropping and whole:
            whole = whole[1:]
            self._dropping = False
        if len(self._rest) > LONGEST_LINE:
            self.skipped += not self._dropping  # one line, however many reads it takes
            self._rest, self._dropping = b"", True
        kept = tuple(line for line in whole if line.strip() and len(line) <= LONGEST_LINE)
        self.skipped += sum(len(line) > LONGEST_LINE for line in whole)
        return kept

    def _read_whole(self) -> Reading | None:
        try:
            data: bytes | None = self.path.read_bytes()[: 1 << 20]
        except OSError:
            data = None
        replay, self._first = self._first, False
        if data == self._whole:
            return None
        self._whole = data
        return Reading(self.feed, self.path, datetime.now(UTC), data=data, replay=replay)

    def _read_stamp(self) -> Reading | None:
        try:
            about = self.path.stat()
            stamp = f"{about.st_ino} {about.st_size} {about.st_mtime_ns}".encode()
        except OSError:
            stamp = None
        replay, self._first = self._first, False
        if stamp == self._whole:
            return None
        self._whole = stamp
        return Reading(self.feed, self.path, datetime.now(UTC), data=stamp, replay=replay)
