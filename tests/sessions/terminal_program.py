"""A program on a real terminal of its own (a pty), and a scripted coder on it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07]*\x07|\x08")


class Program:
    """Typed to and read like a human would; everything that it printed is in ``raw``."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: dict[str, str]) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(argv, cwd=cwd, env=env, preexec_fn=lambda: os.login_tty(slave))
        os.close(slave)
        self.raw = b""
        self._seen = 0

    @property
    def text(self) -> str:
        """What was printed, without what moves the cursor or colours."""
        return _ESCAPES.sub("", self.raw.decode("utf-8", "replace"))

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until ``pattern`` is printed after what was waited for before."""
        found: list[re.Match[str]] = []

        def there() -> bool:
            match = re.compile(pattern).search(self.text, self._seen)
            found.extend([match] if match else [])
            return match is not None

        self.read_until(there, f"{pattern!r} is not printed")
        self._seen = found[0].end()
        return found[0]

    def read_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read what is printed until ``condition`` holds; it is looked at after every piece."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            ready, _, _ = select.select([self._master], [], [], 0.05)
            try:
                data = os.read(self._master, 65536) if ready else None
            except OSError:
                data = b""
            if data == b"" and not condition():
                raise AssertionError(f"{what}; it ended after:\n{self.text[-3000:]}")
            self.raw += data or b""
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}; the end of what is:\n{self.text[-3000:]}")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def paste(self, text: str) -> None:
        """As a terminal brings a paste in: bracketed, line ends as carriage returns."""
        self.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        while select.select([self._master], [], [], PATIENCE_S)[0]:
            try:
                self.raw += os.read(self._master, 65536)
            except OSError:  # nobody has the other side open any more
                break
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


class Coder(Program):
    """The coder with a script as its model. Its folder, state and events lie below ``folder``."""

    def __init__(self, folder: Path, steps: Sequence[dict[str, Any]], *options: str, task: str = "") -> None:
        self._asked = ""
        self.work = folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.events_path = folder / "events.jsonl"
        self.transcript = folder / "t.jsonl"
        script = folder / "script.json"
        script.write_text(json.dumps({"delay": 0, "steps": list(steps)}))
        argv = [sys.executable, "-m", "sessions.coder", "--provider", "scripted", "--script", str(script)]
        argv += ["--transcript", str(self.transcript), *options]
        env = environment(folder) | {"ORCHESTRATOR_EVENTS": str(self.events_path)}
        super().__init__([*argv, "--", task] if task else argv, self.work, env)

    def prompt(self) -> None:
        """Wait until it can take a message."""
        self.until(r"[\r\n]>\s*\Z")

    def question(self) -> str:
        """Wait until it can take an answer to a question that was not asked before; returns its id."""
        other = f"(?!{self._asked})" if self._asked else ""
        self._asked = self.until(rf"answer \[q:{other}([0-9a-f]+)\] >")[1]
        return self._asked

    def events(self, type_: str = "") -> list[dict[str, Any]]:
        return [event for event in lines(self.events_path) if type_ in ("", event["type"])]

    def until_state(self, state: str) -> None:
        """Wait until the last event says so."""
        self.read_until(lambda: (self.events() or [{}])[-1].get("state") == state, f"no state {state}")

    def records(self, role: str) -> list[dict[str, Any]]:
        return [record for record in lines(self.transcript) if record["role"] == role]


def environment(folder: Path) -> dict[str, str]:
    """Of a machine without keys and settings."""
    return {
        "HOME": str(folder),
        "ORCHESTRATOR_HOME": str(folder / "state"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


def lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file that another process may be writing; torn ones are left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.endswith(b"}")]


def call(name: str, **given: Any) -> dict[str, Any]:
    """A tool call of a script."""
    return {"name": name, "input": given}
