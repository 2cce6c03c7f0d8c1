"""Sets the demo up in one temporary folder, and takes all of it away again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from orchestrator import client, home
from orchestrator.cli.output import CommandError, call, note, say
from orchestrator.demo.material import FILES, TASKS
from sessions.tmux import Server


class Stage:
    """A context. Inside of it the environment of this process points at the demo's folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="orchestrator-demo-"))
        self.repository = self.folder / "shop"
        self._before = dict(os.environ)
        self.keep = False

    def __enter__(self) -> Stage:
        for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal must not leave agents behind
            signal.signal(number, lambda *_: sys.exit(1))
        for name in ("ORCHESTRATOR_EVENTS", "TMUX", "TMUX_PANE"):
            os.environ.pop(name, None)
        os.environ["ORCHESTRATOR_HOME"] = str(self.folder / "state")
        os.environ["ORCHESTRATOR_CONFIG"] = str(self.folder / "config.toml")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if client.alive():
                call("down", agents=True)
                client.wait_gone()
            Server(home.tmux_socket()).kill()
        except (CommandError, OSError, subprocess.SubprocessError) as failure:
            note(f"the demo's tmux server may still run: {failure}")
        os.environ.clear()
        os.environ.update(self._before)
        if self.keep:
            note(f"the demo's folder is kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Make the repository and launch the five agents."""
        self.make_repository()
        self._settings()
        self._approve()
        self.launch()

    def make_repository(self) -> None:
        for name, content in FILES.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("init", "-q", "-b", "main")
        for key, value in (("user.name", "Demo"), ("user.email", "demo@localhost"), ("commit.gpgsign", "false")):
            self.git("config", key, value)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "A small shop")

    def _approve(self) -> None:
        """The repository is made here, its checks too: nobody needs to read them before they run."""
        seen = call("trust", repository=str(self.repository))
        call("trust", repository=str(self.repository), digest=seen["digest"])

    def launch(self) -> None:
        for task in TASKS:
            call(
                "run",
                timeout=None,
                repository=str(self.repository),
                agent="coder",
                name=task.name,
                prompt=task.prompt,
                permission_mode=task.permission_mode,
                env=dict(os.environ),
            )

    def dashboard(self) -> int:
        """The real dashboard on the demo's daemon."""
        from orchestrator.links import RemoteLink
        from orchestrator.tui import run

        code = run(lambda: RemoteLink(home.socket_path()), self.repository)
        say("The demo is over; its agents, its worktrees and its repository are gone.")
        say('For your own work: cd into a repository, then: orchestrator run "your task"')
        return code

    def git(self, *words: str) -> str:
        """Git in the demo's repository; returns what it printed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *words],
            cwd=self.repository,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise CommandError(f"git {words[0]} failed in the demo's repository: {done.stderr.strip()}")
        return done.stdout

    def _settings(self) -> None:
        script = self.folder / "script.json"
        scripts: dict[str, Any] = {task.prompt: {"steps": task.steps} for task in TASKS}
        script.write_text(json.dumps({"delay": 0.06, "scripts": scripts}))
        args = json.dumps(["--provider", "scripted", "--script", str(script)])
        Path(os.environ["ORCHESTRATOR_CONFIG"]).write_text(f"[agents.coder]\nargs = {args}\n")


def tests_pass(folder: Path) -> bool:
    """The shop's own test suite passes in ``folder``."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-q"], cwd=folder, env=env, capture_output=True, timeout=60, check=False
    )
    return done.returncode == 0
