"""Input that comes while the coder works: whole messages are queued, a half one becomes the next draft.

The terminal is read without echo by a thread; it stays in cbreak mode between two inputs, so that nothing typed in that
moment is taken by the line discipline. Bracketed pastes are one message however many lines they have. Escape
and Ctrl-C interrupt the turn.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sessions.coder import interrupts

_PASTE, _PASTED = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z~]|O[A-Za-z])")
_ALONE_S = 0.05
"""An escape byte after which nothing comes for so long is the key."""


@contextmanager
def cbreak() -> Iterator[None]:
    """The terminal without echo and line editing, signals kept; as it was afterwards."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)
    try:
        yield
    finally:
        sys.stdout.write("\x1b[?2004l")
        sys.stdout.flush()
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


class Typeahead:
    """A context: inside of it the terminal's input is collected. ``told`` shows that a message was queued."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self.queued: list[str] = []
        self._told = told
        self._draft = b""
        self._pasting = False
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] = (-1, -1)
        self.ended = False  # Ctrl-D was pressed

    def take_draft(self) -> str:
        draft, self._draft = self._draft, b""
        return draft.decode("utf-8", "replace")

    def __enter__(self) -> None:
        descriptor = sys.stdin.fileno()
        sys.stdout.write("\x1b[?2004h")
        sys.stdout.flush()
        try:
            with interrupts.deferred():
                self._wake = os.pipe()
                self._thread = threading.Thread(target=self._collect, args=(descriptor,), daemon=True)
                self._thread.start()
        except KeyboardInterrupt:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        # A thread that is left behind would take what is typed into the next input line.
        with interrupts.deferred():
            os.write(self._wake[1], b"x")
            if self._thread is not None:
                self._thread.join()
            for end in self._wake:
                os.close(end)

    def _collect(self, descriptor: int) -> None:
        rest = b""
        while True:
            ready, _, _ = select.select([descriptor, self._wake[0]], [], [], _ALONE_S if rest else None)
            if not ready:
                if rest == b"\x1b":
                    os.kill(os.getpid(), signal.SIGINT)
                rest = b""
                continue
            if self._wake[0] in ready:
                return
            data = os.read(descriptor, 4096)
            if not data:
                return
            rest = self.feed(rest + data)

    def feed(self, data: bytes) -> bytes:
        """Take ``data``; returns the beginning of a sequence that is not whole yet."""
        while data:
            if self._pasting:
                body, mark, after = data.partition(_PASTED)
                if not mark:
                    torn = next((n for n in range(len(_PASTED) - 1, 0, -1) if data.endswith(_PASTED[:n])), 0)
                    self._draft += data[: len(data) - torn].replace(b"\r", b"\n")
                    return data[len(data) - torn :]
                self._draft += body.replace(b"\r", b"\n")
                self._pasting, data = False, after
            elif data.startswith(_PASTE):
                self._pasting, data = True, data[len(_PASTE) :]
            elif data[0] == 0x1B:
                found = _SEQUENCE.match(data)
                if found is None:
                    return data if len(data) < 8 else data[1:]
                data = data[found.end() :]
            else:
                self._key(data[:1])
                data = data[1:]
        return b""

    def _key(self, key: bytes) -> None:
        if key in (b"\r", b"\n"):
            text = self.take_draft()
            if text.strip():
                self.queued.append(text)
                self._told("queued: " + " ".join(text.split())[:100])
        elif key in (b"\x7f", b"\x08"):
            self._draft = self._draft.decode("utf-8", "ignore")[:-1].encode()
        elif key == b"\x15":
            self._draft = b""
        elif key == b"\x03":  # typed while the input line had the terminal, where it is a key and no signal
            os.kill(os.getpid(), signal.SIGINT)
        elif key == b"\x04" and not self._draft:
            self.ended = True
        elif key >= b" " or key == b"\t":
            self._draft += key
