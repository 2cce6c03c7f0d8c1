"""SIGKILL at every write point of the daemon; afterwards every session is there once and its work is whole.

The daemon runs in the foreground of the test with a fault armed and its tmux server apart from it, as when it is killed
in its own window: agents run on. Whatever the next command finds must be what was asked for, done once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine
from tests.nightly import some

AGENT = r"""
echo "$$" >> starts
tell() { printf '%s\n' "$1" >> "$ORCHESTRATOR_EVENTS"; }
tell '{"type": "hello", "session": "conversation-1"}'
tell '{"type": "state", "state": "working"}'
[ -e work ] || { echo precious > work; echo precious > .env; }
tell '{"type": "message", "role": "agent", "text": "made it"}'
tell '{"type": "state", "state": "done"}'
while read -r line; do
    tell '{"type": "state", "state": "working"}'; echo "heard $line"; [ "$line" = die ] && exit 0
    tell '{"type": "state", "state": "done"}'
done
"""


class Faulty:
    """A machine whose daemon dies at a named point."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        script = machine.folder / "agent.sh"
        script.write_text(AGENT)
        self.agent = ("run", "--agent", "command", "--name", "a", "--", "sh", str(script))

    def serve(self, fault: str) -> subprocess.Popen[bytes]:
        """A daemon in which ``fault`` is armed, once it answers."""
        socket = self.machine.server().socket
        keeper = ["tmux", "-L", socket, "-f", os.devnull, "new-session", "-A", "-d", "-s", "keeper", "cat"]
        subprocess.run(keeper, env=self.machine.env, check=True)  # its environment knows of no fault
        argv = [sys.executable, "-m", "orchestrator", "serve"]
        daemon = subprocess.Popen(
            argv, env={**self.machine.env, "ORCHESTRATOR_FAULT": fault}, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return daemon

    def _answers(self) -> bool:
        words = "from orchestrator import client; raise SystemExit(not client.alive())"
        return subprocess.run([sys.executable, "-c", words], env=self.machine.env, check=False).returncode == 0

    def until_killed(self, daemon: subprocess.Popen[bytes], *words: str) -> bool:
        """Run a command at a daemon that is about to die; whether it died of its fault."""
        self.machine.run(*words)
        try:
            return daemon.wait(0.5 if words[0] == "ls" else 5) == -9
        except subprocess.TimeoutExpired:
            return False
        finally:
            daemon.kill()
            daemon.wait()

    def settled(self, *states: str) -> dict[str, Any]:
        self.machine.ok("wait", "a", "--for", ",".join(states), "--timeout", "20")
        return self.machine.session("a")

    def starts(self) -> int:
        path = Path(self.machine.session("a")["worktree"]) / "starts"
        return len(path.read_text().split()) if path.exists() else 0

    def panes(self) -> list[str]:
        argv = ["tmux", "-L", self.machine.server().socket, "list-panes", "-a", "-F", "#{session_name}"]
        said = subprocess.run(argv, env=self.machine.env, capture_output=True, text=True, check=False)
        return [name for name in said.stdout.split() if name.startswith("s")]

    def whole(self) -> None:
        """One session of that name, one pane of it at most, its files as the agent wrote them."""
        sessions = self.machine.json("ls")
        assert [item["name"] for item in sessions] == ["a"]
        assert len(self.panes()) <= 1
        worktree = Path(sessions[0]["worktree"])
        assert (worktree / "work").read_text() == "precious\n"
        assert (worktree / ".env").read_text() == "precious\n"
        lines = self.machine.json("log", "a")["lines"]
        assert sum("created on" in line for line in lines) == 1
        generations = [line for line in lines if "launched" in line or "resumed" in line]
        assert len(generations) == sessions[0]["generation"]


@pytest.fixture
def faulty(machine: Machine) -> Faulty:
    return Faulty(machine)


LAUNCH = ("planned", "worktree", "prepared", "scripted", "spawned", "launched")


@pytest.mark.parametrize(
    "fault", some([*(f"launch.{step}" for step in LAUNCH), "ledger.append:1", "ledger.appended:1"])
)
def test_a_launch_that_was_killed_anywhere_is_one_agent(faulty: Faulty, fault: str) -> None:
    assert faulty.until_killed(faulty.serve(fault), *faulty.agent)
    item = faulty.settled("done", "idle")
    assert item["generation"] == 1
    assert faulty.starts() == 1
    faulty.whole()
    faulty.machine.ok("send", "a", "hello")
    assert not list((faulty.machine.state / "sessions").glob("*/plan.json"))


@pytest.mark.parametrize("fault", some(["resume.intended", "launch.scripted", "launch.spawned", "resume.launched"]))
def test_a_resume_that_was_killed_anywhere_is_one_agent(faulty: Faulty, fault: str) -> None:
    faulty.machine.ok(*faulty.agent)
    faulty.settled("done")
    faulty.machine.run("send", "a", "die")
    faulty.settled("exited")
    faulty.machine.ok("down")
    assert faulty.until_killed(faulty.serve(fault), "resume", "a")
    if fault == "resume.intended":
        faulty.machine.ok("resume", "a")  # its program was never begun, and nothing begins it unasked
    assert faulty.settled("done", "idle")["generation"] == 2
    assert faulty.starts() == 2
    faulty.whole()


@pytest.mark.parametrize("fault", ["stop.intended", "stop.done"])
def test_a_stop_that_was_killed_is_carried_out(faulty: Faulty, fault: str) -> None:
    daemon = faulty.serve(fault)
    faulty.machine.ok(*faulty.agent)
    faulty.settled("done")
    assert faulty.until_killed(daemon, "stop", "a")
    item = faulty.settled("exited")
    assert item["stopped"] == "you"
    faulty.whole()
    assert faulty.machine.json("resume", "--all") == {"names": [], "failed": {}, "left": []}


@pytest.mark.parametrize("fault", some(["remove.intended", "remove.stopped", "remove.taken"]))
def test_a_removal_that_was_killed_is_carried_out_and_its_work_is_in_the_attic(faulty: Faulty, fault: str) -> None:
    machine = faulty.machine
    daemon = faulty.serve(fault)
    machine.ok(*faulty.agent)
    item = faulty.settled("done")
    assert faulty.until_killed(daemon, "rm", "a", "--yes")
    deadline = time.monotonic() + 20
    while machine.json("ls") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert machine.json("ls") == []
    assert faulty.panes() == []
    assert not Path(item["worktree"]).exists()
    assert machine.git("branch", "--list", "agent/*") == ""
    refs = machine.git("for-each-ref", "--format=%(refname)", f"refs/orchestrator/attic/{item['id']}").split()
    assert any(machine.git("ls-tree", "-r", "--name-only", ref).split().count("work") for ref in refs)
