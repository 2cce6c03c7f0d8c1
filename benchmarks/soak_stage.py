"""Where the soak is played: a home, a repository and a terminal of its own, in one temporary folder."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator import client, home
from sessions.tmux import Server

ROOT = Path(__file__).resolve().parents[1]


class Stage:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="orchestrator-soak-"))
        self.repository = self.folder / "repository"
        self.records = self.folder / "records"
        self.terminal = f"orchestrator-soak-{secrets.token_hex(4)}"
        self._screens = 0
        self._before = dict(os.environ)

    def __enter__(self) -> Stage:
        os.environ["HOME"] = str(self.folder)
        os.environ["ORCHESTRATOR_HOME"] = str(self.folder / "state")
        os.environ["PYTHONPATH"] = str(ROOT)
        for name in ("TMUX", "TMUX_PANE", "COLUMNS", "LINES"):
            os.environ.pop(name, None)
        (self.folder / ".gitconfig").write_text("[user]\nname = Soak\nemail = soak@localhost\n")
        self.repository.mkdir()
        self.records.mkdir()
        for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "Begin"]):
            subprocess.run(["git", *words], cwd=self.repository, check=True)
        settings = self.folder / ".config" / "orchestrator" / "config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text("[run]\nmax_running = 64\n")
        self._tmux("new-session", "-d", "-s", "keeper", "cat")
        client.ensure_daemon()
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")
        Server(home.tmux_socket()).kill()
        client.wait_gone()
        kept = os.environ.get("SOAK_KEEP")
        os.environ.clear()
        os.environ.update(self._before)
        if kept is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def daemon(self) -> int | None:
        """The pid of the daemon; None while there is none."""
        try:
            return int(client.request("GET", "/v1/about")[1]["pid"])
        except client.DaemonError:
            return None

    def dashboard(self) -> int:
        """Open the real dashboard in a terminal of its own; returns its pid."""
        self._screens += 1
        name = f"screen{self._screens}"
        words = shlex.join([sys.executable, "-m", "orchestrator"])
        where = ("-s", name, "-x", "120", "-y", "36", "-c", str(self.repository))
        self._tmux("new-session", "-d", *where, f"exec {words}")
        deadline = time.monotonic() + 30
        while "Fleet" not in self._tmux("capture-pane", "-p", "-t", f"={name}:"):
            if time.monotonic() > deadline:
                raise SystemExit("the dashboard did not come up")
            time.sleep(0.1)
        return int(self._tmux("list-panes", "-t", f"={name}:", "-F", "#{pane_pid}"))

    def _tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self.terminal, "-f", os.devnull, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
