"""The time machine on a real daemon: when snapshots are taken, and what comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine

TURNS = """
import json, os, subprocess, sys, time
def tell(**what):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(what) + "\\n")
tell(type="state", state="done")
for line in sys.stdin:
    tell(type="state", state="working")
    time.sleep(0.5)
    subprocess.run(line, shell=True)
    tell(type="state", state="done")
"""
"""An agent: every line that it reads is a turn, carried out by the shell after it thought for half a second."""


class Session:
    def __init__(self, machine: Machine, name: str = "one") -> None:
        self.machine, self.name = machine, name
        program = machine.folder / "turns.py"
        program.write_text(TURNS)
        machine.ok("run", "--agent", "command", "--name", name, "--", sys.executable, "-u", str(program))
        self.worktree = Path(machine.session(name)["worktree"])
        self.until(lambda: self.reasons() == ["begins"])

    def turn(self, command: str) -> None:
        """One turn, until its snapshot is there."""
        before = len(self.moments())
        self.machine.ok("send", self.name, command)
        self.until(lambda: "turn over" in self.reasons()[before:])

    def moments(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = self.machine.json("snapshots", self.name)
        return found[::-1]

    def reasons(self) -> list[str]:
        return [moment["snapshot"]["reason"] for moment in self.moments()]

    def until(self, true: Callable[[], bool]) -> None:
        """Looks again whenever the ledger has something new about the session."""
        self.machine.until(self.name, true)

    def strayed(self) -> str:
        return str(self.machine.session(self.name)["strayed"])

    def git(self, *words: str) -> str:
        return self.machine.git("-C", str(self.worktree), *words)


@pytest.fixture
def one(machine: Machine) -> Session:
    machine.write(".gitignore", ".env\nbuild/\n")
    machine.commit("ignore")
    return Session(machine)


def test_every_turn_is_kept_with_its_ignored_files_and_told_apart_from_the_humans_edits(
    machine: Machine, one: Session
) -> None:
    one.turn("echo one > a.txt; echo KEY=1 > .env; mkdir build; echo x > build/out")
    (one.worktree / "mine.txt").write_text("by hand\n")
    one.turn("echo two >> a.txt")
    assert one.reasons() == ["begins", "turn over", "turn begins", "turn over"]
    assert one.moments()[-1]["snapshot"]["left_out"] == ["build/"]
    turn = machine.ok("diff", "one", "--turn")
    assert "+two" in turn
    assert "mine.txt" not in turn
    assert "+KEY=1" in machine.ok("diff", "one", "--from", "1", "--to", "2")
    since = machine.ok("diff", "one", "--from", "2", "--stat").split()
    assert since[3:] == [
        "M",
        "1",
        "0",
        "a.txt",
        "A",
        "1",
        "0",
        "mine.txt",
    ]
    assert "build/" in machine.run("snapshots", "one").stderr


def test_a_restore_brings_back_says_what_and_is_undone(machine: Machine, one: Session) -> None:
    one.turn("echo one > a.txt; echo KEY=1 > .env")
    one.turn("rm -rf .env a.txt; echo late > late.txt")
    said = machine.ok("restore", "one", "2", "--dry-run")
    assert "would come back" in said
    assert "comes back  .env" in said
    assert "goes  late.txt" in said
    assert not (one.worktree / ".env").exists()
    machine.ok("restore", "one", "2")
    assert (one.worktree / ".env").read_text() == "KEY=1\n"
    assert not (one.worktree / "late.txt").exists()
    assert one.reasons()[-2:] == ["turn over", "restored 2"]
    assert "restored snapshot 2" in machine.ok("log", "one")
    machine.ok("restore", "one")
    assert (one.worktree / "late.txt").exists()
    machine.ok("undo", "--yes")
    assert not (one.worktree / "late.txt").exists()
    assert (one.worktree / ".env").read_text() == "KEY=1\n"
    machine.ok("undo", "--yes")
    assert (one.worktree / "late.txt").exists()
    assert (one.worktree / ".env").exists()  # ignored, and not in the snapshot that came back: left alone
    machine.ok("restore", "one", "2", "--path", "a.txt")
    assert (one.worktree / "a.txt").exists()
    assert (one.worktree / "late.txt").exists()


def test_snapshots_by_hand_are_found_by_their_words(machine: Machine, one: Session) -> None:
    (one.worktree / "a.txt").write_text("then\n")
    machine.ok("snapshot", "one", "-m", "before the rename")
    (one.worktree / "a.txt").write_text("now\n")
    machine.ok("restore", "one", "the rename")
    assert (one.worktree / "a.txt").read_text() == "then\n"
    assert "no snapshot is meant by 'nonsense'" in machine.refused("restore", "one", "nonsense")


def test_a_working_agent_is_not_written_under_unless_it_is_held(machine: Machine, one: Session) -> None:
    one.turn("echo one > a.txt")
    machine.ok("send", "one", "echo two > a.txt; exec sleep 1000")
    machine.ok("wait", "one", "--for", "working", "--timeout", "20")
    assert "orchestrator pause one" in machine.refused("restore", "one", "2")
    machine.ok("pause", "one")
    machine.ok("restore", "one", "2")
    assert (one.worktree / "a.txt").read_text() == "one\n"


def test_after_a_hard_reset_the_branch_comes_back_with_head(machine: Machine, one: Session) -> None:
    one.turn("echo one > a.txt; git add -A; git -c user.name=A -c user.email=a@a commit -qm work; echo two > b.txt")
    tip = one.git("rev-parse", "HEAD")
    one.turn("git reset -q --hard main; git clean -fdq")
    assert "with --head agent/one goes back too" in machine.run("restore", "one", "--dry-run").stderr
    machine.ok("restore", "one", "--head")
    assert one.git("rev-parse", "agent/one") == tip
    assert (one.worktree / "b.txt").read_text() == "two\n"


def test_a_removed_worktree_and_a_deleted_branch_are_said_and_come_back(machine: Machine, one: Session) -> None:
    one.turn("echo one > a.txt")
    shutil.rmtree(one.worktree)
    one.until(lambda: one.strayed() == "its worktree was removed")
    assert "its worktree was removed" in machine.ok("show", "one")
    machine.ok("restore", "one")
    assert (one.worktree / "a.txt").read_text() == "one\n"
    one.until(lambda: one.strayed() == "")


def test_a_look_that_failed_is_made_again_and_keeps_what_the_turn_did(machine: Machine, one: Session) -> None:
    head = Path(one.git("rev-parse", "--path-format=absolute", "--git-dir").strip()) / "HEAD"
    was = head.read_bytes()
    machine.ok("send", "one", f"echo kept > a.txt; echo broken > {head}")
    with subprocess.Popen(["tail", "-n", "+1", "-F", machine.state / "daemon.log"], stdout=subprocess.PIPE) as told:
        assert told.stdout is not None
        assert any(b"git look at one" in line for line in told.stdout)
        told.kill()
    head.write_bytes(was)
    one.until(lambda: one.reasons()[-1:] == ["turn over"])
    assert one.git("show", f"{one.moments()[-1]['snapshot']['commit']}:a.txt") == "kept"


def test_a_switched_branch_is_followed_and_flagged(machine: Machine, one: Session) -> None:
    one.turn("git checkout -q -b other; echo one > a.txt")
    one.until(lambda: one.strayed() == "other is checked out instead of agent/one")
    one.turn("git checkout -q agent/one; git update-ref -d refs/heads/agent/one")
    one.until(lambda: one.strayed() == "its branch agent/one was deleted")
    machine.ok("restore", "one")
    assert one.git("rev-parse", "agent/one") == machine.git("rev-parse", "main")
    one.until(lambda: one.strayed() == "")


def test_old_snapshots_are_thinned_out_at_a_start_and_written_down(machine: Machine, one: Session) -> None:
    for number in range(3):
        one.turn(f"echo {number} > a.txt")
    refs = machine.git("for-each-ref", "--format=%(refname) %(tree) %(parent)", "refs/orchestrator/snap").splitlines()
    for line in refs[:-1]:  # as if they were taken 40 days ago
        ref, tree, parent = line.split(" ")
        old = subprocess.run(
            ["git", "commit-tree", tree, "-p", parent, "-m", "orchestrator: turn over"],
            cwd=machine.repository,
            env={**machine.env, "GIT_COMMITTER_DATE": "@1600000000 +0000"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        machine.git("update-ref", ref, old)
    os.kill(machine.daemon_pid(), signal.SIGTERM)
    machine.wait_for_no_daemon()
    machine.ok("ls")
    one.until(lambda: len(one.moments()) == 1)
    assert machine.ok("log", "one").count("old snapshots dropped") == 1
