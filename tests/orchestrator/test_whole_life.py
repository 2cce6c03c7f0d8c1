"""A session's whole life with a daemon that is killed at its Nth event: run, work, merge, stop, resume, remove.

Whoever asked asks again when told that nobody answered, and no more: afterwards everything was done once.
``NIGHTLY=1`` goes through every event, before and after it is written; otherwise through one in seventeen.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine
from tests.nightly import some
from tests.orchestrator.test_kills import AGENT, Faulty

EVENTS = range(1, 25)
KILLS = [(point, number) for number in EVENTS for point in ("append", "appended")]


@pytest.fixture
def faulty(machine: Machine) -> Faulty:
    return Faulty(machine)


class Life:
    def __init__(self, faulty: Faulty) -> None:
        self.faulty = faulty
        self.machine = faulty.machine

    def item(self) -> dict[str, Any] | None:
        """The session as it is; another daemon may have to be started for that."""
        for _ in range(3):
            listed = self.machine.run("ls", "--json")
            if listed.returncode == 0:
                found: list[dict[str, Any]] = json.loads(listed.stdout)
                assert len(found) <= 1
                return found[0] if found else None
        raise AssertionError(listed.stderr)

    def do(self, words: tuple[str, ...], done: Callable[[dict[str, Any] | None], object]) -> None:
        """Ask until it is so. It is not asked again while it is on its way."""
        deadline = time.monotonic() + 40
        asked = False
        while not done(self.item()):
            assert time.monotonic() < deadline, (words, self.item(), self.machine.log())
            item = self.item()
            under_way = item is not None and (item["state"] == "starting" or item["merging"])
            if not asked or not under_way:
                asked = self.machine.run(*words).returncode == 0 or asked
            time.sleep(0.05)

    def live(self) -> dict[str, Any]:
        def rests(item: dict[str, Any] | None) -> bool:
            return item is not None and item["state"] in ("done", "idle")

        self.do(self.faulty.agent, lambda item: item is not None)
        self.do(("ls",), rests)
        item = self.item()
        assert item is not None
        self.do(("merge", "a"), lambda now: now is not None and now["landed"])
        self.do(("stop", "a"), lambda now: now is not None and now["state"] == "exited")
        self.do(("resume", "a"), lambda now: rests(now) and now is not None and now["generation"] == 2)
        self.do(("rm", "a", "--yes"), lambda now: now is None)
        return item


def _once(life: Life, item: dict[str, Any]) -> None:
    machine = life.machine
    assert life.faulty.panes() == []
    assert not Path(item["worktree"]).exists()
    assert machine.git("branch", "--list", "agent/*") == ""
    assert machine.git("status", "--porcelain") == ""
    assert machine.git("show", "main:work") == "precious"
    assert machine.git("rev-list", "--count", "main") == "2"
    attic = machine.git("for-each-ref", "--format=%(refname)", f"refs/orchestrator/attic/{item['id']}").split()
    kept = [machine.git("ls-tree", "-r", "--name-only", ref).split() for ref in attic]
    assert any("starts" in names for names in kept)
    starts = [
        machine.git("show", f"{ref}:starts").split()
        for ref, names in zip(attic, kept, strict=True)
        if "starts" in names
    ]
    assert max(len(pids) for pids in starts) == 2
    machine.git("fsck", "--no-dangling")
    with sqlite3.connect(f"file:{machine.state / 'ledger.sqlite3'}?mode=ro", uri=True) as ledger:
        rows = ledger.execute("SELECT seq, json_extract(event, '$.event') FROM events ORDER BY seq").fetchall()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    count = Counter(event for _, event in rows)
    assert (count["created"], count["launched"], count["merged"], count["removed"]) == (1, 2, 1, 1)


@pytest.mark.parametrize(("point", "number"), some(KILLS, each=17))
def test_a_daemon_killed_at_any_event_does_everything_once(faulty: Faulty, point: str, number: int) -> None:
    daemon = faulty.serve(f"ledger.{point}:{number}")
    life = Life(faulty)
    try:
        item = life.live()
        if number < 15:
            assert daemon.wait(5) == -signal.SIGKILL
    finally:
        daemon.kill()
        daemon.wait()
    _once(life, item)


def test_tmux_killed_hard_loses_no_work_and_everything_comes_back(machine: Machine) -> None:
    script = machine.folder / "agent.sh"
    script.write_text(AGENT)
    for name in ("a", "b"):
        machine.ok("run", "--agent", "command", "--name", name, "--", "sh", str(script))
        machine.ok("wait", name, "--for", "done", "--timeout", "20")
    said = subprocess.run(
        ["tmux", "-L", machine.server().socket, "display-message", "-p", "#{pid}"],
        env=machine.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    os.kill(int(said.stdout), signal.SIGKILL)
    machine.wait_for_no_daemon()
    assert [item["state"] for item in machine.json("ls")] == ["lost", "lost"]
    assert machine.json("resume", "--all") == {"names": ["a", "b"], "failed": {}, "left": []}
    for item in machine.json("ls"):
        assert (Path(item["worktree"]) / "work").read_text() == "precious\n"
        assert item["generation"] == 2
