"""Trains of whole sessions: a real daemon, real branches, real checks, and the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine

CHECK = """
set -eu
for pair in bad-alone "left right" "one two three"; do
    missing=""
    for name in $pair; do test -e "$name" || missing=yes; done
    test -n "$missing" || { echo "found $pair"; exit 1; }
done
"""


LISTENS = """
import json, os, sys
def tell(state):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps({"type": "state", "state": state}) + "\\n")
open("bad-alone", "w").write("x")
tell("done")
for line in sys.stdin:
    tell("working")
    open(sys.argv[1], "a").write(line)
    tell("done")
"""


def agents(machine: Machine, **files: str) -> None:
    """A session for each name, whose program writes its file and ends; - stands for _ in it."""
    for name, file in files.items():
        words = f"printf '%s\\n' {name} > {file}"
        machine.ok("run", "--agent", "command", "--name", name, "--", "sh", "-c", words)
    for name in files:
        machine.ok("wait", name, "--for", "exited", "--timeout", "20")
        machine.until(name, lambda name=name: machine.session(name)["diff"]["files"] > 0)  # type: ignore[misc]


def checked(machine: Machine, command: str = "sh check.sh") -> None:
    machine.write("check.sh", CHECK)
    machine.write("shared", "same\n")
    machine.write(".orchestrator.toml", f'[checks.all]\ncommand = "{command}"\nafter_stop = false\n')
    machine.commit("rules")
    machine.ok("trust", "--yes")


def states(train: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["state"] for entry in train["entries"]}


def newest(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.json("train")[0]
    return found


def files(machine: Machine) -> set[str]:
    return set(machine.git("ls-tree", "--name-only", "main").split())


def test_what_passes_lands_and_who_is_to_blame_is_named(machine: Machine) -> None:
    checked(machine)
    agents(machine, a="left", b="b", c="bad-alone", d="right", e="shared", f="shared", g="g")
    said = machine.run("merge", "a", "b", "c", "d", "e", "f", "g", "--workers", "2")
    assert said.returncode == 1, said.stderr + machine.log()
    train = newest(machine)
    assert train["state"] == "done"
    assert states(train) == {
        **dict.fromkeys("abeg", "landed"),
        **dict.fromkeys("cdf", "rejected"),
    }
    entry = {one["name"]: one for one in train["entries"]}
    assert (entry["c"]["partners"], entry["c"]["exact"], entry["c"]["check"]) == ([], True, "all")
    assert "alone" in entry["c"]["why"]
    assert entry["d"]["partners"] == ["a"]
    assert entry["f"]["partners"] == ["e"]
    assert "shared" in entry["f"]["why"]
    assert {"left", "b", "shared", "g"} <= files(machine)
    assert not {"right", "bad-alone"} & files(machine)
    assert machine.git("show", "main:shared") == "e"
    assert not machine.git("status", "--porcelain", "--untracked-files=no").strip()
    # every landing is an operation of its own, and each can be taken back
    landed = [one for one in machine.json("ops") if one["kind"] == "land"]
    assert [one["name"] for one in landed] == ["g", "e", "b", "a"]
    machine.ok("undo", "--yes")
    assert "g" not in files(machine)


def test_without_checks_what_merges_lands_and_all_that_is_ready_is_taken(machine: Machine) -> None:
    machine.write("shared", "same\n")
    machine.commit("begin")
    agents(machine, a="shared", b="b", c="shared")
    seen = machine.json("merge", "--all-ready", "--dry-run")
    assert [(one["name"], one["behind"]) for one in seen["wagons"]] == [("a", []), ("b", []), ("c", ["a"])]
    train = machine.run("merge", "--all-ready", "--json")
    assert train.returncode == 1
    assert states(newest(machine)) == {"a": "landed", "b": "landed", "c": "rejected"}


def test_one_that_conflicts_with_a_rejected_one_lands(machine: Machine) -> None:
    checked(machine, "! grep -q bad shared")
    agents(machine, bad="shared", good="shared")
    assert machine.run("merge", "bad", "good").returncode == 1
    assert states(newest(machine)) == {"bad": "rejected", "good": "landed"}
    assert machine.git("show", "main:shared") == "good"


def test_a_train_is_paused_moved_and_cancelled_while_it_runs(machine: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    checked(machine, f"test -e {gate} || sleep 300")
    agents(machine, a="a", b="b", c="c")
    machine.ok("merge", "a", "b", "--detach")
    assert "is in the train already" in machine.refused("merge", "b", "a", "--detach")
    machine.ok("train", "pause")
    assert newest(machine)["state"] == "paused"
    assert "place 1 of 2" in machine.ok("train", "move", "b", "first")
    assert [one["name"] for one in newest(machine)["entries"]] == ["b", "a"]
    assert "does not wait" in machine.refused("train", "move", "c", "first")
    machine.ok("train", "out", "a")
    machine.ok("train", "cancel")
    train = newest(machine)
    assert train["state"] == "cancelled"
    assert states(train) == {"a": "left", "b": "left"}
    assert "no train is under way" in machine.refused("train", "pause")
    gate.touch()
    assert machine.run("merge", "c", "b").returncode == 0
    assert {"b", "c"} <= files(machine)


def test_what_failed_goes_back_to_its_agent_with_the_output(machine: Machine, tmp_path: Path) -> None:
    checked(machine)
    program, heard = tmp_path / "listens.py", tmp_path / "heard"
    program.write_text(LISTENS)
    heard.touch()
    machine.ok("run", "--agent", "command", "--name", "c", "--", sys.executable, "-u", str(program), str(heard))
    machine.ok("wait", "c", "--for", "done", "--timeout", "20")
    agents(machine, a="a")
    assert machine.run("merge", "a", "c", "--return-failures").returncode == 1
    machine.until("c", lambda: "found bad-alone" in heard.read_text())
    assert states(newest(machine)) == {"a": "landed", "c": "rejected"}


def test_a_commit_that_nobody_landed_stops_the_train(machine: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    checked(machine, f"test -e {gate} || sleep 300")
    agents(machine, a="a", b="b")
    machine.ok("run", "--agent", "command", "--name", "busy", "--", "sleep", "300")
    argv = [sys.executable, "-m", "orchestrator", "merge", "a", "b"]
    with subprocess.Popen(argv, cwd=machine.repository, env=machine.env, stderr=subprocess.PIPE) as merging:
        assert merging.stderr is not None
        assert any(b"test" in line for line in merging.stderr)
        machine.write("stray.txt", "by whom?\n")
        machine.commit("Stray")
        said = merging.stderr.read()
        assert merging.wait(60) == 1
    train = newest(machine)
    assert train["state"] == "paused", said
    assert "Stray was not landed on main by us" in train["trouble"]
    assert b"orchestrator train resume" in said
    gate.touch()
    machine.ok("train", "resume")
    machine.until("b", lambda: {"a", "b", "stray.txt"} <= files(machine))


@pytest.mark.parametrize("words", [["--method", "rebase"], ["-m", "x"], ["--check", "true"]])
def test_options_for_one_are_refused_for_several(machine: Machine, words: list[str]) -> None:
    assert "is for one session" in machine.refused("merge", "a", "b", *words, code=2)
