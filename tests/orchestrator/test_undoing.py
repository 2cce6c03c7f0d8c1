"""ops, undo and attic on a real daemon, tmux and git; and what the ledger says after a kill in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine import Machine
from tests.nightly import some
from tests.orchestrator.test_kills import Faulty


@pytest.fixture
def done(machine: Machine) -> Faulty:
    """A session whose agent has made `work` and an ignored `.env`, and is done."""
    machine.write(".gitignore", ".env\nstarts\n")
    machine.commit("ignore")
    faulty = Faulty(machine)
    machine.ok(*faulty.agent)
    faulty.settled("done")
    return faulty


def tree(machine: Machine) -> list[str]:
    return machine.git("ls-tree", "-r", "--name-only", "main").split()


def test_a_merge_is_taken_back_and_brought_again(done: Faulty) -> None:
    machine = done.machine
    before = machine.git("rev-parse", "main")
    said = machine.run("merge", "a", "--no-check")
    assert said.returncode == 0
    landed = machine.git("rev-parse", "main")
    newest = machine.json("ops")[0]
    assert f"go back: orchestrator undo {newest['id']}" in said.stderr
    assert newest["moves"] == [{"ref": "refs/heads/main", "before": before, "after": landed}]
    assert machine.session("a")["landed"] == landed
    seen = machine.run("undo", "--dry-run")
    assert "main goes back by 1 commit" in seen.stderr
    assert machine.git("rev-parse", "main") == landed
    assert "nothing was undone" in machine.refused("undo"), "without a terminal and without a name nobody said yes"
    machine.ok("undo", newest["id"][:5])
    assert machine.git("rev-parse", "main") == before
    assert not (machine.repository / "work").exists()
    assert machine.session("a")["landed"] is None
    assert "undid" in machine.ok("log", "a")
    assert "(undone by" in machine.ok("ops")
    machine.ok("undo", "--yes")
    assert machine.git("rev-parse", "main") == landed
    assert (machine.repository / "work").read_text() == "precious\n"
    assert machine.session("a")["landed"] == landed


def test_a_removed_session_comes_back_with_everything_and_goes_on(done: Faulty) -> None:
    machine = done.machine
    before = machine.session("a")
    worktree = Path(before["worktree"])
    machine.ok("rm", "a", "--yes")
    assert machine.json("ls") == []
    assert not worktree.exists()
    (entry,) = machine.json("attic")
    assert (entry["name"], entry["agent"], entry["worktree"]) == ("a", "command", str(worktree))
    assert "a" in machine.ok("attic")
    assert f"is back in {worktree}" in machine.ok("attic", "restore", "a")
    after = machine.session("a")
    for same in ("id", "name", "branch", "base", "target", "worktree", "prompt", "agent", "generation"):
        assert after[same] == before[same]
    assert after["state"] == "exited"
    assert (worktree / "work").read_text() == "precious\n"
    assert (worktree / ".env").read_text() == "precious\n"
    assert machine.json("attic") == []
    machine.ok("resume", "a")
    done.settled("done", "idle")
    assert done.starts() == 2
    done.whole()
    machine.ok("undo", "--yes")  # what came back is removed again, though it runs
    assert machine.json("ls") == []
    assert done.panes() == []
    assert not worktree.exists()
    machine.ok("attic", "restore", before["id"])
    assert (worktree / "work").read_text() == "precious\n"


def test_what_cannot_be_undone_says_why(done: Faulty) -> None:
    machine = done.machine
    assert "there is nothing to undo" in machine.refused("undo")
    assert "no operation 'zzz'" in machine.refused("undo", "zzz")
    assert "there is no 'b' in the attic" in machine.refused("attic", "restore", "b")
    assert "which one?" in machine.refused("attic", "restore", code=2)
    machine.ok("rm", "a", "--yes")
    machine.ok(*done.agent)
    done.settled("done")
    said = machine.refused("attic", "restore", "a")
    assert "there is a session a again" in said
    assert "orchestrator rm a" in said


@pytest.mark.parametrize(
    ("fault", "lands"),
    some(
        [
            ("operation.closed:1", False),
            ("operation.planned:2", False),
            ("operation.moved:2", True),
            ("operation.done:2", True),
            ("operation.closed:2", True),
        ]
    ),
)
def test_a_merge_that_was_killed_is_told_by_the_truth_of_the_refs(done: Faulty, fault: str, lands: bool) -> None:
    machine = done.machine
    before = machine.git("rev-parse", "main")
    machine.ok("down")
    assert done.until_killed(done.serve(fault), "merge", "a", "--no-check")
    item = machine.session("a")
    lines = "\n".join(machine.json("log", "a")["lines"])
    after = machine.git("rev-parse", "main")
    assert ("merged into main" in lines) == lands
    assert ("merge failed" in lines) != lands
    assert (item["landed"] == after) == lands
    assert (after != before) == lands
    assert ("work" in tree(machine)) == lands
    assert machine.git("status", "--porcelain") == ""
    machine.ok(*(("undo", "--yes") if lands else ("merge", "a", "--no-check")))
    assert ("work" in tree(machine)) != lands


@pytest.mark.parametrize("fault", some(["operation.planned", "removal.gone", "operation.done", "operation.closed"]))
def test_a_removal_that_was_killed_in_git_is_carried_out_once(done: Faulty, fault: str) -> None:
    machine = done.machine
    worktree = Path(machine.session("a")["worktree"])
    machine.ok("down")
    assert done.until_killed(done.serve(fault), "rm", "a", "--yes")
    for _look in range(200):
        if not machine.json("ls"):
            break
    assert machine.json("ls") == []
    assert not worktree.exists()
    assert [entry["name"] for entry in machine.json("attic")] == ["a"]
    machine.ok("attic", "restore", "a")
    assert (worktree / ".env").read_text() == "precious\n"
    assert machine.session("a")["worktree"] == str(worktree)


@pytest.mark.parametrize(
    "fault", some(["operation.planned", "operation.moved", "return.added", "operation.done", "operation.closed"])
)
def test_a_return_that_was_killed_is_there_once_or_not_at_all(done: Faulty, fault: str) -> None:
    machine = done.machine
    worktree = Path(machine.session("a")["worktree"])
    machine.ok("rm", "a", "--yes")
    machine.ok("down")
    assert done.until_killed(done.serve(fault), "attic", "restore", "a")
    assert len(machine.json("ls")) == (0 if fault == "operation.planned" else 1)
    if fault == "operation.planned":
        machine.ok("attic", "restore", "a")
    assert (worktree / "work").read_text() == "precious\n"
    assert (worktree / ".env").read_text() == "precious\n"
    assert machine.json("attic") == []
    machine.ok("resume", "a")
    done.settled("done", "idle")
    done.whole()
