"""Many scripted agents in real panes under the real daemon, and what processes use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from orchestrator import client, home
from sessions.tmux import Server

TICK = os.sysconf("SC_CLK_TCK")
IDLE = "\x1b[2J\x1b[H\x1b[38;1H❯ \r\n  ? for shortcuts"
DIALOG = (
    "\x1b[2J\x1b[H Bash command\r\n   touch file\r\n\r\n Do you want to proceed?\r\n ❯ 1. Yes\r\n   2. No\r\n\r\n"
    " Esc to cancel · Tab to amend"
)
SPINNER = ("✢", "✳", "✶", "✻", "✽")


@dataclass(frozen=True)
class Agent:
    """A pane whose program only waits; what it "prints" is written to its tty by us, at a moment that we know."""

    session: str
    pane: str
    tty: str

    def write(self, text: str) -> float:
        """Write as the program would; returns the moment."""
        with Path(self.tty).open("wb", buffering=0) as tty:
            at = time.time()
            tty.write(text.encode())
        return at


class Stage:
    """``count`` agents under a daemon of their own; everything lies in one temporary folder."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.folder = Path(tempfile.mkdtemp(prefix="orchestrator-bench-"))
        self.agents: list[Agent] = []
        self._before = dict(os.environ)

    def __enter__(self) -> Stage:
        os.environ["HOME"] = str(self.folder)
        os.environ["ORCHESTRATOR_HOME"] = str(self.folder / "state")
        os.environ["ORCHESTRATOR_CONFIG"] = str(self.folder / "config.toml")
        os.environ.pop("TMUX", None)
        # The screen rules of a real agent, with a program that does nothing: only our sensing is measured.
        command = json.dumps(["/bin/sh", "-c", "stty -echo; exec cat >/dev/null", "agent"])
        Path(os.environ["ORCHESTRATOR_CONFIG"]).write_text(
            f"[run]\nmax_running = 1000\n[agents.claude]\ncommand = {command}\n"  # all of them, on any machine
        )
        repository = self.folder / "repository"
        repository.mkdir()
        for words in (
            ["init", "-q", "-b", "main"],
            ["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-q", "--allow-empty", "-m", "b"],
        ):
            subprocess.run(["git", *words], cwd=repository, check=True)
        client.ensure_daemon()
        status, said = client.request(
            "POST",
            "/v1/call",
            {
                "verb": "run",
                "repository": str(repository),
                "prompt": "",
                "agent": "claude",
                "name": "a",
                "count": self.count,
                "env": dict(os.environ),
            },
            None,
        )
        if status != 200:
            raise SystemExit(f"the agents did not start: {said}")
        ids = set(said["sessions"])
        self.agents = [Agent(session, pane, tty) for session, pane, tty, _ in self._panes() if session in ids]
        for agent in self.agents:
            agent.write(IDLE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        Server(home.tmux_socket()).kill()
        client.wait_gone()
        os.environ.clear()
        os.environ.update(self._before)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def socket(self) -> str:
        return home.tmux_socket()

    @property
    def daemon(self) -> int:
        return int(client.request("GET", "/v1/about")[1]["pid"])

    @property
    def tmux(self) -> int:
        return int(self._ask("display-message", "-p", "#{pid}").strip())

    def pipes(self) -> list[int]:
        """The processes that write the panes' logs."""
        programs = {int(pid) for _, _, _, pid in self._panes()}
        return [pid for pid in _children(self.tmux) if pid not in programs and pid != self._daemon_or_none()]

    def end_daemon(self) -> None:
        """From here on tmux and its panes are alone, without their logs."""
        # A holder keeps the server when the daemon's window goes.
        self._ask("new-session", "-d", "-s", "holder", "cat")
        client.request("POST", "/v1/call", {"verb": "down"}, 30)
        client.wait_gone()
        for agent in self.agents:
            self._ask("pipe-pane", "-t", agent.pane)

    @contextmanager
    def printing(self, count: int) -> Iterator[None]:
        """The first ``count`` agents draw a spinner ten times a second."""
        ending = threading.Event()

        def spin() -> None:
            turn = 0
            while not ending.wait(0.1):
                turn += 1
                for agent in self.agents[:count]:
                    agent.write(f"\x1b[36;1H{SPINNER[turn % 5]} Working… ({turn // 10}s · esc to interrupt)")

        thread = threading.Thread(target=spin)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def _panes(self) -> list[tuple[str, str, str, str]]:
        said = self._ask("list-panes", "-a", "-F", "#{session_name} #{pane_id} #{pane_tty} #{pane_pid}")
        return [tuple(line.split(" ")) for line in said.splitlines()]  # type: ignore[misc]

    def _ask(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def _daemon_or_none(self) -> int | None:
        return self.daemon if client.alive() else None


def cpu(*pids: int) -> float:
    """Seconds of CPU that these processes and their waited-for children have used."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def memory_mb(pid: int) -> float:
    """Resident megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def events(after: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Envelopes of the ledger as they come, for at most ``seconds``."""
    yield from client.stream(f"/v1/events?after={after}", time.monotonic() + seconds)


if sys.platform != "linux":
    raise SystemExit("the benchmark reads /proc: it runs on Linux")
