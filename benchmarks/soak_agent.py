"""An agent of the soak: it writes, commits, asks and ends turns by itself, and keeps its own record of all of it.

``python -m benchmarks.soak_agent RECORDS NAME``; it ends when the file ``RECORDS/stop`` is there. What it tells goes to
``$ORCHESTRATOR_EVENTS``, what it did to ``RECORDS/NAME.jsonl``, one line before the other, so that nothing that the
supervisor can have seen is missing in the record.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


class Agent:
    def __init__(self, records: Path, name: str) -> None:
        self.records = records
        self.name = name
        self.record = records / f"{name}.jsonl"
        self.events = Path(os.environ["ORCHESTRATOR_EVENTS"])
        self.chance = random.Random(f"{name} {os.getpid()}")
        self.number = sum(1 for _ in self.record.open()) if self.record.exists() else 0

    def note(self, what: str, **about: object) -> None:
        _append(self.record, {"what": what, "at": time.time(), **about})

    def tell(self, what: str, /, **about: object) -> None:
        _append(self.events, {"type": what, **about})

    def run(self) -> None:
        self.note("start", pid=os.getpid(), beside=self.another())
        self.tell("state", state="idle")
        while not (self.records / "stop").exists():
            self.turn()
            time.sleep(self.chance.uniform(1.0, 6.0))
        self.note("end")

    def another(self) -> int | None:
        """The pid of an earlier start of this very session that is still alive: it was launched twice."""
        if not self.record.exists():
            return None
        starts = [item["pid"] for item in map(json.loads, self.record.open()) if item["what"] == "start"]
        for pid in starts:
            with suppress(OSError):
                if self.name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return int(pid)
        return None

    def turn(self) -> None:
        self.tell("state", state="working")
        for _ in range(self.chance.randint(1, 3)):
            self.write()
        if self.chance.random() < 0.3:
            self.ask()
        if self.chance.random() < 0.4:
            self.commit()
        self.number += 1
        name = f"{self.name}-{os.getpid()}-{self.number}"
        self.note("usage", id=name)
        self.tell("usage", id=name, input=1, output=1)
        self.tell("message", role="agent", text=f"turn {self.number} is over")
        self.tell("state", state="done")

    def write(self) -> None:
        """A file that nobody ever writes again: its bytes must be found at the end."""
        self.number += 1
        path = Path("work") / f"{self.name}-{os.getpid()}-{self.number}.txt"
        path.parent.mkdir(exist_ok=True)
        content = f"{path} {self.chance.random()}\n" * self.chance.randint(1, 200)
        path.write_text(content)
        self.note("wrote", path=str(path), content=content)

    def ask(self) -> None:
        self.number += 1
        name = f"q-{self.name}-{os.getpid()}-{self.number}"
        self.note("asked", id=name)
        options = [{"key": "1", "label": "Yes"}, {"key": "2", "label": "No"}]
        self.tell("question", id=name, kind="permission", title=f"Go on with {name}?", options=options)
        given = input()
        self.note("answered", id=name, given=given)
        self.tell("answered", id=name)

    def commit(self) -> None:
        for words in (["add", "-A"], ["commit", "-q", "-m", f"Work of {self.name}"]):
            subprocess.run(["git", *words], capture_output=True, check=False)


def _append(path: Path, about: dict[str, Any]) -> None:
    line = json.dumps(about).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    Agent(Path(sys.argv[1]), sys.argv[2]).run()
