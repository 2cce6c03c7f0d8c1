"""The daemon: the supervisor in a window of our own tmux server, behind a unix socket.

It shares the agents' fate, its log is a pane and ``daemon.log``. Ended or killed, agents run on and the next one takes
them up. A file lock, not a pid file, says whether one runs, so nothing can be stale.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import uvicorn

from orchestrator import allocator, door, home
from orchestrator.client import CALLERS, DAEMON_SESSION
from orchestrator.config import own_screens
from orchestrator.fleet import Fleet
from orchestrator.rebuild import open_ledger, rebuild
from orchestrator.store import LedgerError
from orchestrator.supervisor import Supervisor
from orchestrator.wire import application
from sessions import agents, screen_rules
from sessions.control import Control
from sessions.errors import SessionError
from sessions.sensing import Sensor
from sessions.tmux import Server, check_tmux
from worktrees import inert

log = logging.getLogger("orchestrator")
KEEPER_SESSION = "keeper"
"""Holds our tmux server when the daemon itself runs outside of it."""
FAREWELL_S = 1


def serve() -> int:
    """Run until told to end; returns the exit code. Says so and returns 0 when one runs already."""
    try:
        door.check(home.socket_path().parent, mend=True)
    except OSError as error:
        print(inert.line(f"the state folder cannot be used: {error}"), file=sys.stderr)  # noqa: T201
        return 1
    with _only_one() as first:
        if not first:
            print("a daemon runs already for this ORCHESTRATOR_HOME", file=sys.stderr)  # noqa: T201
            return 0
        with door.private_files():
            _log_to(home.home() / "daemon.log")
        allocator.share_one_heap()
        try:
            return asyncio.run(_serve())
        except (SessionError, LedgerError) as error:
            log.error("%s; %s", error.message, error.hint)
            return 1


async def _serve() -> int:
    check_tmux()
    with door.private_files():
        store = open_ledger(home.ledger_path())
    server = Server(home.tmux_socket())
    control = await Control.connect(home.tmux_socket(), await asyncio.to_thread(_tmux_session, server))
    supervisor = Supervisor(store, control, Sensor())
    _take_rules(supervisor)
    await supervisor.start()
    listener = door.listen(home.socket_path())
    web = uvicorn.Server(
        uvicorn.Config(
            application(supervisor),
            log_level="warning",
            access_log=False,
            lifespan="off",
            log_config=None,
            ws="none",
            timeout_graceful_shutdown=FAREWELL_S,
        )
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, supervisor.ending.set)
    log.info("serving %s sessions, pid %s", len(supervisor.fleet.rows), supervisor.pid)
    ending = asyncio.ensure_future(_end_with(supervisor, web))
    try:
        await web.serve(sockets=[listener])
    finally:
        ending.cancel()
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        home.socket_path().unlink(missing_ok=True)
        alive = any(session.running for session in supervisor.live.values())
        farewell = supervisor.ending.is_set() and not control.closed.is_set() and not alive
        await supervisor.close()
        log.info("ended")
        if farewell:
            # Nothing of ours runs any more. It may end this very process, so it is the last thing.
            with suppress(SessionError):
                await asyncio.to_thread(server.kill)
    return 0


def _take_rules(supervisor: Supervisor) -> None:
    """The user's own screen rules; a file that cannot be used is said and all of them are left out."""
    screen_rules.use(own_screens())
    try:
        for name in agents.names():
            screen_rules.load(name)
    except SessionError as error:
        screen_rules.use(None)
        supervisor.notice("warning", "Your screen rules are not used", f"{error.message}; {error.hint}")


async def _end_with(supervisor: Supervisor, web: uvicorn.Server) -> None:
    await supervisor.ending.wait()
    await asyncio.sleep(0.05)  # the reply to `down` is on its way
    web.should_exit = True


def _tmux_session(server: Server) -> str:
    """The tmux session to attach the control client to: the daemon's own, or a keeper when it runs elsewhere."""
    inside = os.environ.get("TMUX", "").split(",")[0]
    if inside and Path(inside).name == server.socket:
        return DAEMON_SESSION
    env = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
    if not server.has(KEEPER_SESSION):
        server.start(KEEPER_SESSION, ("cat",), str(home.home()), env)
    return KEEPER_SESSION


def rebuild_ledger() -> tuple[Fleet, Path] | None:
    """Write a new ledger from what is found while no daemon runs; None when one does. Raises LedgerError."""
    home.home()
    with _only_one() as alone:
        if not alone:
            return None
        with door.private_files():
            return rebuild(home.ledger_path())


@contextmanager
def _only_one() -> Iterator[bool]:
    """The folder is locked too: a lock file that somebody deleted lets the next one lock another."""
    folder = os.open(home.home(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with home.lock_path().open("w") as file:
            for lock in (file.fileno(), folder):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield False
                    return
            yield True
    finally:
        os.close(folder)


class InertFormatter(logging.Formatter):
    """One line a record, inert: a log is read in terminals, and what an error quotes may be an agent's."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's word
        record.message = inert.line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return inert.block(super().format(record))


def _log_to(path: Path) -> None:
    handlers: list[logging.Handler] = [RotatingFileHandler(path, maxBytes=1 << 20, backupCount=2)]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(InertFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
