"""An isolated machine for the command line: own home, own state folder, own tmux server, one repository."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from sessions.tmux import Server


class Machine:
    """Runs ``orchestrator`` as a user would, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder / "home"
        self.state = folder / "state"
        self.repository = folder / "project"
        self.home.mkdir()
        self.env = {
            "HOME": str(self.home),
            "ORCHESTRATOR_HOME": str(self.state),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        self.repository.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@localhost")
        self.write("README.md", "hello\n")
        self.commit("first")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.repository, env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, name: str, content: str) -> Path:
        path = self.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def settings(self, text: str) -> None:
        path = self.home / ".config" / "orchestrator" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestrator", *words],
            cwd=self.repository,
            env={**self.env, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, *words: str, stdin: str = "", **env: str) -> str:
        done = self.run(*words, stdin=stdin, **env)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.log()}"
        return done.stdout

    def refused(self, *words: str, code: int = 1, stdin: str = "", **env: str) -> str:
        """What it said on stderr; a traceback is never an answer."""
        done = self.run(*words, stdin=stdin, **env)
        assert done.returncode == code, f"{words}: {done.returncode} {done.stdout}{done.stderr}{self.log()}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def session(self, name: str) -> dict[str, Any]:
        """As ``ls --json`` tells it, asked at the daemon's socket where one listens: a process each time costs more."""
        try:
            found = self._get("/v1/fleet?json=ls", 30)["sessions"]
        except (OSError, http.client.HTTPException):
            found = self.json("ls")
        return next(item for item in found if item["name"] == name)

    def until(self, name: str, true: Callable[[], bool]) -> None:
        """Wait until ``true``; looks again when the ledger has something new.

        And each second all the same: not all that is waited for is an event (a radar that is through, say).
        """
        deadline = time.monotonic() + 40
        while True:
            seq = self._seq()
            if true():
                return
            left = deadline - time.monotonic()
            assert left > 0, f"never came; {self.run('log', name).stdout} {self.log()}"
            with suppress(OSError, http.client.HTTPException):
                self._get(f"/v1/events?after={seq}", min(1.0, left), first=True)

    def _seq(self) -> int:
        """How far the ledger is; starts the daemon where none is."""
        try:
            return int(self._get("/v1/about", 30)["seq"])
        except (OSError, http.client.HTTPException):
            self.ok("ls")
            return 0

    def _get(self, path: str, timeout: float, *, first: bool = False) -> Any:
        """What the daemon answers; ``first``: only the first line of it. OSError when nobody does in time."""
        with self._home() as home:
            listener = str(home.socket_path())
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(timeout)
            connection.sock.connect(listener)
            connection.request("GET", path, headers={"X-Orchestrator-Protocol": "1"})
            answer = connection.getresponse()
            return json.loads(answer.readline() if first else answer.read())
        finally:
            connection.close()

    def log(self) -> str:
        path = self.state / "daemon.log"
        return path.read_text() if path.exists() else ""

    def daemon_pid(self) -> int:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from orchestrator import client; print(client.request('GET', '/v1/about')[1]['pid'])",
            ],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    def wait_for_no_daemon(self) -> None:
        """Until the daemon that runs has ended by itself."""
        words = "from orchestrator import client; raise SystemExit(not client.wait_gone())"
        subprocess.run([sys.executable, "-c", words], env=self.env, check=True)

    @contextmanager
    def _home(self) -> Iterator[ModuleType]:
        """``orchestrator.home`` as a program of this machine sees it."""
        before = os.environ.get("ORCHESTRATOR_HOME")
        os.environ["ORCHESTRATOR_HOME"] = str(self.state)
        try:
            from orchestrator import home

            yield home
        finally:
            if before is None:
                del os.environ["ORCHESTRATOR_HOME"]
            else:
                os.environ["ORCHESTRATOR_HOME"] = before

    def server(self) -> Server:
        with self._home() as home:
            return Server(home.tmux_socket())

    def end(self) -> None:
        argv = ["tmux", "-L", self.server().socket, "kill-server"]
        plain = {name: value for name, value in self.env.items() if name != "TMUX_TMPDIR"}
        for env in (self.env, plain):  # the daemon's server is where tmux puts it without the variable
            subprocess.run(argv, env=env, capture_output=True, check=False)
