"""An isolated machine for the command line: own home, own state folder, own tmux server, one repository."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
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
        return next(item for item in self.json("ls") if item["name"] == name)

    def until(self, name: str, true: Callable[[], bool]) -> None:
        """Wait until ``true``; looks again when the ledger has something new about the session.

        And each second all the same: not all that is waited for is an event of this session (a radar
        that is through, say).
        """
        if true():
            return
        argv = [sys.executable, "-u", "-m", "orchestrator", "log", name, "--follow"]
        deadline = time.monotonic() + 40
        with subprocess.Popen(argv, cwd=self.repository, env=self.env, stdout=subprocess.PIPE) as following:
            assert following.stdout is not None
            try:
                while not true():
                    left = deadline - time.monotonic()
                    assert left > 0, f"never came; {self.run('log', name).stdout} {self.log()}"
                    ready, _, _ = select.select([following.stdout], [], [], min(1.0, left))
                    if ready:
                        os.read(following.stdout.fileno(), 1 << 16)
            finally:
                following.kill()

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

    def server(self) -> Server:
        before = os.environ.get("ORCHESTRATOR_HOME")
        os.environ["ORCHESTRATOR_HOME"] = str(self.state)
        try:
            from orchestrator import home

            return Server(home.tmux_socket())
        finally:
            if before is None:
                del os.environ["ORCHESTRATOR_HOME"]
            else:
                os.environ["ORCHESTRATOR_HOME"] = before

    def end(self) -> None:
        argv = ["tmux", "-L", self.server().socket, "kill-server"]
        plain = {name: value for name, value in self.env.items() if name != "TMUX_TMPDIR"}
        for env in (self.env, plain):  # the daemon's server is where tmux puts it without the variable
            subprocess.run(argv, env=env, capture_output=True, check=False)
