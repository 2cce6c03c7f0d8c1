"""A session lands and goes on; one that is stacked on another follows it onto the target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.machine import Machine

AGENT = r"""
tell() { printf '%s\n' "$1" >> "$ORCHESTRATOR_EVENTS"; }
tell '{"type": "state", "state": "idle"}'
while read -r line; do
    tell '{"type": "state", "state": "working"}'
    sh -c "$line"
    tell '{"type": "state", "state": "done"}'
done
"""


def start(machine: Machine, name: str, *words: str) -> Path:
    """A session whose agent does what it is sent, as shell commands."""
    script = machine.folder / "agent.sh"
    script.write_text(AGENT)
    machine.ok("run", "--agent", "command", "--name", name, *words, "--", "sh", str(script))
    machine.ok("wait", name, "--for", "idle,done", "--timeout", "20")
    return Path(machine.session(name)["worktree"])


def do(machine: Machine, name: str, command: str) -> None:
    machine.ok("send", name, command)
    machine.ok("wait", name, "--for", "done", "--timeout", "20")


def save(name: str, text: str) -> str:
    return f"printf '{text}' > {name} && git add -A && git commit -q -m {name}"


def test_a_session_lands_twice_by_its_own_method_and_goes_on_from_the_target(machine: Machine) -> None:
    machine.write("a.txt", "1\n2\n3\n")
    machine.commit("a")
    worktree = start(machine, "x", "--method", "rebase")
    assert machine.session("x")["method"] == "rebase"
    do(machine, "x", save("a.txt", "1\\n2\\n3\\n4\\n"))
    machine.write("d.txt", "d\n")
    machine.commit("d")
    machine.ok("merge", "x")
    machine.write("a.txt", "1\n2\n3\n4\n5\n")
    machine.commit("five")
    do(machine, "x", save("b.txt", "b\\n"))
    seen = machine.json("merge", "x", "--dry-run")
    assert (seen["again"], seen["files"], seen["refusal"], seen["method"]) == (True, 1, None, "rebase")
    machine.ok("merge", "x", "--work", seen["work"])
    assert machine.git("log", "--format=%s").split("\n") == ["b.txt", "five", "a.txt", "d", "a", "first"]
    assert "holds all of agent/x already" in machine.refused("merge", "x", "--dry-run")
    machine.ok("update", "x")
    assert (worktree / "d.txt").exists()
    assert machine.git("rev-parse", "agent/x") == machine.git("rev-parse", "main")
    do(machine, "x", "echo c > c.txt")
    assert [change["path"] for change in machine.json("diff", "x")["changes"]] == ["c.txt"]
    machine.ok("merge", "x", "-m", "C")
    assert machine.git("log", "-1", "--format=%s") == "C"


def test_a_stacked_session_waits_for_the_lower_one_and_is_put_on_the_target_when_that_lands(machine: Machine) -> None:
    start(machine, "low")
    do(machine, "low", save("low.txt", "1\\n"))
    upper = start(machine, "up", "--base", "low")
    assert (upper / "low.txt").exists()
    do(machine, "up", save("low.txt", "1\\n2\\n"))
    (upper / "draft.txt").write_text("uncommitted\n")
    assert machine.session("up")["stacked_on"] == "low"
    assert "stacked on low" in machine.ok("ls")
    assert "on low, which has not landed" in machine.ok("show", "up")
    assert "up is stacked on low, which has not landed" in machine.refused("merge", "up")
    assert "stacked on low" in machine.run("merge", "up", "--dry-run").stdout
    before = machine.git("rev-parse", "agent/up")
    landed = machine.json("merge", "low")["after"]
    machine.ok("wait", "up", "--for", "done,idle", "--timeout", "20")
    assert _until_moved(machine, "agent/up", before)
    assert machine.git("log", "--format=%s", "main..agent/up") == "low.txt"
    assert machine.git("rev-parse", "agent/up^") == landed
    assert (upper / "draft.txt").read_text() == "uncommitted\n"
    machine.ok("merge", "up", "-m", "Up")
    assert machine.git("show", "main:low.txt") == "1\n2"
    assert machine.git("show", "main:draft.txt") == "uncommitted"
    assert "on low, which is on the target" in machine.ok("show", "up")


def _until_moved(machine: Machine, ref: str, before: str) -> bool:
    """The branch is moved beside the landing's answer; the ledger tells when."""
    argv = [sys.executable, "-u", "-m", "orchestrator", "log", "up", "--follow"]
    with subprocess.Popen(argv, env=machine.env, cwd=machine.repository, stdout=subprocess.PIPE, text=True) as told:
        assert told.stdout is not None
        found = any("goes on from" in line for line in told.stdout)
        told.kill()
    return found and machine.git("rev-parse", ref) != before
