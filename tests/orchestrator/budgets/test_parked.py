"""Rate limits on a real daemon: parked, gone on with once and apart from others, never against the human."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.machine import Machine

PROGRAM = """
import json, os, sys, time
from datetime import datetime, timedelta, timezone

def tell(**event):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")

def limited(seconds):
    until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    tell(type="state", state="rate_limited", text="the limit is reached", until=until.isoformat())

task = sys.argv[-1] if "--" in sys.argv else ""
tell(type="hello", agent="coder", session="conversation")
tell(type="state", state="working" if task else "idle")
if "exits" in task:
    limited(2)
    sys.exit(1)
if task:
    limited(3600 if "far" in task else 3)
print("ready >", flush=True)
for line in sys.stdin:
    with open("heard", "a") as file:
        file.write(json.dumps([line.strip(), time.time()]) + "\\n")
    tell(type="state", state="working")
    print("heard", line, flush=True)
    if line.strip() == "continue" and "twice" in task:
        limited(0)
    else:
        tell(type="state", state="done")
"""


def heard(machine: Machine, name: str) -> list[tuple[str, float]]:
    path = Path(machine.session(name)["worktree"]) / "heard"
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def words(machine: Machine, name: str) -> list[str]:
    return [said for said, _ in heard(machine, name)]


def limited(machine: Machine, name: str, task: str) -> None:
    machine.ok("run", "--agent", "coder", "--name", name, task)
    machine.ok("wait", name, "--for", "rate_limited,crashed", "--timeout", "40")


def test_a_limit_parks_and_each_goes_on_once_apart_and_never_against_the_human(machine: Machine) -> None:
    program = machine.folder / "limited.py"
    program.write_text(PROGRAM)
    machine.settings(f"[agents.coder]\ncommand = {json.dumps([sys.executable, '-u', str(program)])}\n")
    for name, task in (("a", "soon"), ("b", "twice soon"), ("ended", "exits"), ("mine", "soon"), ("held", "soon")):
        limited(machine, name, task)
    limited(machine, "stopped", "soon")
    machine.ok("pause", "held")
    machine.ok("stop", "stopped")
    machine.ok("send", "mine", "my own words")
    assert "parked until" in machine.ok("ls")
    os.kill(machine.daemon_pid(), signal.SIGKILL)

    for name in ("a", "b", "ended"):
        machine.until(name, lambda name=name: "continue" in words(machine, name))  # type: ignore[misc]
        machine.until(name, lambda name=name: machine.session(name)["state"] != "working")  # type: ignore[misc]
    times = sorted(at for name in ("a", "b", "ended") for said, at in heard(machine, name) if said == "continue")
    assert all(later - sooner >= 1 for sooner, later in pairwise(times))
    assert machine.session("ended")["generation"] == 2
    again = machine.session("b")
    assert again["state"] == "rate_limited"
    wait = datetime.fromisoformat(again["parked_until"]) - datetime.now(UTC)
    assert timedelta(seconds=40) < wait < timedelta(seconds=70)
    machine.ok("send", "b", "go on now")
    assert machine.session("b")["parked_until"] is None
    machine.ok("unpause", "held")
    machine.until("held", lambda: "continue" in words(machine, "held"))
    assert words(machine, "a") == ["continue"]
    assert words(machine, "b") == ["continue", "go on now"]
    assert words(machine, "ended") == ["continue"]
    assert words(machine, "mine") == ["my own words"]
    assert words(machine, "held") == ["continue"]
    assert words(machine, "stopped") == []
    assert machine.session("stopped")["state"] == "exited"

    limited(machine, "far", "far")
    said = machine.refused("run", "--agent", "coder", "--name", "late", "soon")
    assert "coder is rate limited until" in said
    assert "--now" in said
    assert "coder is rate limited until" in machine.ok("budget")
    machine.ok("run", "--agent", "coder", "--now", "--name", "late", "soon")
