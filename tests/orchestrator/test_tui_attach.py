"""Handing the terminal over: a real dashboard in a real tmux, the pane in another real tmux server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = """
import sys
from datetime import UTC, datetime
from orchestrator.commands import AttachReply
from orchestrator.tui.app import Orchestrator
from tests.orchestrator.sample import SampleLink

socket, path = sys.argv[1:]
link = SampleLink(datetime.now(UTC))
argv = ("tmux", "-L", socket, "attach-session", "-t", "=agent")
link.answers["attach"] = AttachReply(argv=argv, socket=path, target="agent")
Orchestrator(lambda: link).run()
"""


class Tmux:
    """One private server, named for this test alone."""

    def __init__(self, folder: Path) -> None:
        self.socket = f"attach-{uuid.uuid4().hex[:12]}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        self.env = {name: value for name, value in kept.items() if name not in ("COLUMNS", "LINES")}
        self.env |= {"LANG": "C.UTF-8", "TMUX_TMPDIR": str(folder), "TERM": "xterm-256color"}
        self.path = str(folder / f"tmux-{os.getuid()}" / self.socket)

    def run(self, *words: str) -> str:
        argv = ["tmux", "-L", self.socket, "-f", os.devnull, *words]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout

    def start(self, session: str, *argv: str) -> None:
        self.run("new-session", "-d", "-s", session, "-x", "120", "-y", "36", *argv)

    def sees(self, words: str, session: str) -> None:
        """Wait until the session's screen shows ``words``."""
        deadline = time.monotonic() + 20
        while words not in (screen := self.run("capture-pane", "-p", "-t", f"={session}:")):
            assert time.monotonic() < deadline, f"{words!r} never came:\n{screen}"
            time.sleep(0.02)


@pytest.fixture
def servers() -> Iterator[tuple[Tmux, Tmux]]:
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:  # short: the path of a socket has about 100 bytes
        made = Tmux(Path(folder)), Tmux(Path(folder))
        yield made
        for tmux in made:
            subprocess.run(["tmux", "-L", tmux.socket, "kill-server"], env=tmux.env, capture_output=True, check=False)


def start_agent(tmux: Tmux) -> None:
    tmux.start("agent", "sh", "-c", "echo this is the agent; cat")
    tmux.sees("this is the agent", "agent")


def dashboard(where: Tmux, agents: Tmux) -> None:
    """The dashboard on a sample fleet, in the session ``human``; its ``o`` goes to the session ``agent``."""
    root = str(Path(__file__).parents[2])
    where.start("human", "-c", root, sys.executable, "-c", SCRIPT, agents.socket, agents.path)
    where.sees("▲ 2 need you", "human")


def test_in_another_tmux_the_dashboard_steps_aside_and_comes_back(servers: tuple[Tmux, Tmux]) -> None:
    human, agents = servers
    start_agent(agents)
    dashboard(human, agents)
    human.run("send-keys", "-t", "=human:", "o")
    human.sees("this is the agent", "human")
    human.sees("ctrl+b ctrl+b d: back to the dashboard", "human")
    human.run("send-keys", "-t", "=human:", "C-b", "d")
    human.sees("▲ 2 need you", "human")
    human.run("send-keys", "-t", "=human:", "j")
    human.sees("2 db-migrate — live", "human")


def test_a_pane_that_is_gone_is_said_on_the_dashboard(servers: tuple[Tmux, Tmux]) -> None:
    human, agents = servers
    dashboard(human, agents)
    human.run("send-keys", "-t", "=human:", "o")
    human.sees("in another terminal: orchestrator attach login-form", "human")
    human.sees("▲ 2 need you", "human")


def test_in_the_same_server_the_client_is_switched(servers: tuple[Tmux, Tmux]) -> None:
    outer, both = servers
    start_agent(both)
    dashboard(both, both)
    attach = f"TMUX= exec tmux -L {both.socket} attach-session -t =human"
    outer.start("terminal", "sh", "-c", attach)
    outer.sees("▲ 2 need you", "terminal")
    outer.run("send-keys", "-t", "=terminal:", "o")
    outer.sees("this is the agent", "terminal")
    outer.run("send-keys", "-t", "=terminal:", "C-b", "L")
    outer.sees("▲ 2 need you", "terminal")
