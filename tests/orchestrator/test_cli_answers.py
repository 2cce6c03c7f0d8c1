"""Questions on the command line: their risk, several answers to one, and one answer for all that ask the same."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine import Machine

ASKS = """\
import json, os, sys
def tell(**event):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
question = json.loads(sys.argv[1])
print("which?", flush=True)
tell(type="question", **question)
said = input()
tell(type="answered", id=question["id"])
tell(type="message", role="agent", text="it was " + said)
tell(type="state", state="done")
input()
"""
CLEAN = {
    "id": "q1",
    "kind": "permission",
    "title": "Run: rm -rf build/",
    "text": "The old bundle is stale.\nrm -rf build/",
    "command": "rm -rf build/",
    "options": [{"key": "1", "label": "Yes"}, {"key": "2", "label": "No"}],
}
CHECKS = {
    "id": "q1",
    "title": "Which checks?",
    "multiple": True,
    "options": [{"key": str(n), "label": label} for n, label in enumerate(("types", "style", "tests"), 1)],
}


@pytest.fixture
def program(machine: Machine) -> Path:
    path = machine.folder / "asks.py"
    path.write_text(ASKS)
    return path


def _asking(machine: Machine, program: Path, name: str, question: dict[str, object]) -> None:
    words = ("--", sys.executable, str(program), json.dumps(question))
    machine.ok("run", "--agent", "command", "--name", name, *words)
    machine.ok("wait", name, "--for", "blocked", "--timeout", "20")


def _said(machine: Machine, name: str) -> str:
    machine.ok("wait", name, "--for", "done", "--timeout", "20")
    return str(machine.session(name)["said"])


def test_the_risk_is_told(machine: Machine, program: Path) -> None:
    _asking(machine, program, "a", CLEAN)
    asked = machine.session("a")["question"]
    assert (asked["risk"], asked["risk_because"]) == ("deletes", "rm inside the worktree")
    assert machine.json("show", "a")["question"]["risk"] == "deletes"
    assert "risk  deletes files — rm inside the worktree" in machine.ok("show", "a")


def test_several_answers_are_given_with_commas(machine: Machine, program: Path) -> None:
    _asking(machine, program, "a", CHECKS)
    assert machine.session("a")["question"]["multiple"] is True
    assert machine.session("a")["question"]["risk"] is None
    assert "none of the options" in machine.refused("answer", "a", "1,4")
    machine.ok("answer", "a", "1,3")
    assert _said(machine, "a") == "it was 1,3"


def test_one_answer_goes_to_all_that_ask_the_same(machine: Machine, program: Path) -> None:
    for name in ("a", "b"):
        _asking(machine, program, name, CLEAN)
    _asking(machine, program, "other", {**CLEAN, "command": "rm -rf dist/"})
    known = {item["name"]: item for item in machine.json("ls")}
    assert known["a"]["question"]["same"] == [known["b"]["id"]]
    assert known["other"]["question"]["same"] == []
    said = machine.refused("answer", "--same", "a", "y")
    assert "nothing was answered" in said
    assert f"a  in {known['a']['worktree']}" in said
    assert f"b  in {known['b']['worktree']}" in said
    assert "deletes files" in said
    assert machine.session("a")["state"] == machine.session("b")["state"] == "blocked"
    assert machine.ok("answer", "--same", "--yes", "b", "y") == "answered b\nanswered a\n"
    assert (_said(machine, "a"), _said(machine, "b")) == ("it was 1", "it was 1")
    assert machine.session("other")["state"] == "blocked"
    assert "asks nothing now" in machine.refused("answer", "--same", "--yes", "a", "y")


def test_a_human_is_asked_and_one_that_fails_is_named(machine: Machine, program: Path) -> None:
    for name in ("a", "b"):
        _asking(machine, program, name, CLEAN)
    master, slave = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "answer", "--same", "a", "y"],
        cwd=machine.repository,
        env=machine.env,
        stdin=slave,
        stderr=slave,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(slave)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(master, 4096)
    assert b"Answer a, b with 'y'?" in shown
    machine.ok("answer", "b", "n")  # somebody else is faster
    os.write(master, b"y\n")
    assert asking.communicate(timeout=60)[0] == "answered a\n"
    os.set_blocking(master, False)
    shown = os.read(master, 65536)
    os.close(master)
    assert asking.returncode == 1
    assert b"b was not answered" in shown
    assert (_said(machine, "a"), _said(machine, "b")) == ("it was 1", "it was 2")
