"""Runs a command of the model in its own process group; what it started ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

_NOT_INHERITED = ("ORCHESTRATOR_EVENTS",)  # a program that the model runs must not speak for this session


def run_shell(command: str, cwd: Path, timeout_s: float, limit: int) -> tuple[int | None, str]:
    """Exit code (None: it ran into its timeout) and output, of which ``limit`` bytes are kept: beginning and end.

    The user's interrupt ends the command and goes on up.
    """
    env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = _Kept(process.stdout, limit)
    code: int | None = None
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return code, output.text()


class _Kept:
    """Reads a pipe to its end, however much comes, and keeps the beginning and the end."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._pipe = pipe
        self._half = limit // 2
        self._head = b""
        self._tail = b""
        self._count = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        self._thread.join(1.0)  # a process that left the group may hold the pipe for ever
        left_out = self._count - len(self._head) - len(self._tail)
        cut = f"\n… {left_out} bytes left out …\n".encode() if left_out > 0 else b""
        return (self._head + cut + self._tail).decode("utf-8", "replace")

    def _read(self) -> None:
        with self._pipe as pipe:
            while piece := os.read(pipe.fileno(), 1 << 16):
                self._count += len(piece)
                room = self._half - len(self._head)
                self._head += piece[: max(0, room)]
                self._tail = (self._tail + piece[max(0, room) :])[-self._half :]
