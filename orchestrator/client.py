"""The command line's side of the daemon's socket: plain HTTP over a unix socket, and starting the daemon.

Kept to the standard library and plain data: ``orchestrator ls`` answers in a fifth of a second because of it.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator import door, home

PROTOCOL_HEADER = "X-Orchestrator-Protocol"
PROTOCOL = "1"
START_WITHIN_S = 15.0
LOOK_S, STARTS = 0.3, 5
DAEMON_SESSION = "orchestrator"
CALLERS = ("TMUX", "GIT_", "ORCHESTRATOR_EVENTS")
"""A daemon that an agent happens to start must not carry that agent's terminal, git call or voice along."""


class DaemonError(Exception):
    """The daemon cannot be reached or started. ``hint`` names the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = door.connect(self._path, self.timeout)


def request(
    method: str, path: str, body: dict[str, Any] | None = None, timeout: float | None = 30.0
) -> tuple[int, Any]:
    """One request; returns status and decoded JSON. Raises DaemonError when nobody answers."""
    socket_path = home.socket_path()
    with _connection_errors():
        connection = _Connection(socket_path, timeout)
        try:
            response = _send(connection, method, path, body)
            data = response.read()
            return response.status, json.loads(data) if data else None
        finally:
            connection.close()
    raise AssertionError("unreachable")


def stream(path: str, until: float | None = None) -> Iterator[dict[str, Any]]:
    """Decoded lines of an endless answer; ends at ``until`` (``time.monotonic``). DaemonError when the daemon goes."""
    socket_path = home.socket_path()
    with _connection_errors():
        connection = _Connection(socket_path, None)
        try:
            response = _send(connection, "GET", path, None)
            while True:
                if until is not None and connection.sock is not None:
                    connection.sock.settimeout(max(0.001, until - time.monotonic()))
                try:
                    line = response.readline()
                except TimeoutError:
                    return
                if not line:
                    raise DaemonError("the daemon closed the stream", "any command starts it again")
                if line.strip():
                    yield json.loads(line)
        finally:
            connection.close()


class _connection_errors:  # noqa: N801 - reads as a verb at its uses
    """Turns the many ways a socket can fail into DaemonError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, door.DoorUnsafe):
            raise DaemonError("the daemon's socket is not used", str(error)) from error
        if isinstance(error, TimeoutError):
            raise DaemonError("the daemon did not answer in time", "look at it: orchestrator doctor") from error
        if isinstance(error, (OSError, http.client.HTTPException, ValueError)):
            raise DaemonError(
                "the daemon is not running (any more)", "any command starts it again; or: orchestrator serve"
            ) from error


def _send(connection: _Connection, method: str, path: str, body: dict[str, Any] | None) -> http.client.HTTPResponse:
    headers = {PROTOCOL_HEADER: PROTOCOL}
    payload = None
    if body is not None:
        payload = json.dumps(body).encode("utf-8", "surrogateescape")
        headers["Content-Type"] = "application/json"
    connection.request(method, path, payload, headers)
    return connection.getresponse()


def alive() -> bool:
    """Somebody accepts on the socket. Raises DoorUnsafe when its folder is not ours alone."""
    path = home.socket_path()
    try:
        door.connect(path, 2).close()
    except door.DoorUnsafe:
        raise
    except OSError:
        return False
    return True


def ensure_daemon() -> None:
    """Start the daemon in a window of our own tmux server when it is absent, and wait until it answers.

    Safe to call from many processes at once: one of them starts it, the others wait for that.
    """
    try:
        if alive():
            return
    except door.DoorUnsafe as error:
        raise DaemonError("the daemon's socket is not used", str(error)) from error
    with (home.home() / "start.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not alive():
            _start(time.monotonic() + START_WITHIN_S)


def _start(deadline: float) -> None:
    """Start it, and again when the tmux server goes away under it: a daemon that ends may end that as its last act."""
    from sessions.errors import TmuxGone
    from sessions.tmux import Server, check_tmux

    check_tmux()
    server = Server(home.tmux_socket())
    program = (sys.executable, "-m", "orchestrator", "serve")
    env = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
    look, starts = 0.0, 0
    while not alive():
        now = time.monotonic()
        if now > deadline:
            log = home.home() / "daemon.log"
            raise DaemonError(f"the daemon did not start within {START_WITHIN_S:.0f} s", f"see {log}")
        if now > look and starts < STARTS and not _locked() and not server.runs(DAEMON_SESSION):
            with suppress(TmuxGone):
                server.start(DAEMON_SESSION, program, str(home.home()), env)
            look, starts = now + LOOK_S, starts + 1
        time.sleep(0.02)


def wait_gone(within_s: float = 10.0) -> bool:
    """Wait until the daemon has ended: nobody accepts on its socket and nobody holds its lock."""
    deadline = time.monotonic() + within_s
    while alive() or _locked():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _locked() -> bool:
    with home.lock_path().open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
