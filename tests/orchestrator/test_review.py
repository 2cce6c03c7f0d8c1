"""A review on a real daemon: what was looked at is known by content, comments reach the agent, and part of it lands."""

from __future__ import annotations

from pathlib import Path

from tests.machine import Machine
from tests.orchestrator.test_going_on import do, start

LINES = "".join(f"line {n}\n" for n in range(1, 61))
ECHO = r"""
tell() { printf '%s\n' "$1" >> "$ORCHESTRATOR_EVENTS"; }
tell '{"type": "state", "state": "idle"}'
while read -r line; do
    printf '%s\n' "$line" >> "$HOME/heard"
    tell '{"type": "state", "state": "working"}'
    tell '{"type": "state", "state": "done"}'
done
"""
"""An agent that writes down what it is told."""


def edited(*numbers: int) -> str:
    return "".join(f"LINE {n}\n" if n in numbers else f"line {n}\n" for n in range(1, 61))


def test_part_of_a_work_lands_as_it_was_shown_and_the_rest_stays(machine: Machine) -> None:
    machine.write("a.txt", LINES)
    machine.write("gone.txt", "gone\n")
    machine.commit("a")
    worktree = start(machine, "x")
    (worktree / "a.txt").write_text(edited(5, 50))
    (worktree / "b").mkdir()
    (worktree / "b" / "new.txt").write_text("new\n")
    (worktree / "gone.txt").unlink()
    before = machine.git("rev-parse", "agent/x")
    seen = machine.json("merge", "x", "--dry-run", "--only", "b", "--only", "gone.txt")
    assert (seen["partial"], seen["files"], seen["added"], seen["removed"]) == (True, 2, 1, 1)
    landed = machine.json("merge", "x", "--only", "b/", "--only", "gone.txt", "-m", "Two of three")
    assert landed["partial"]
    assert machine.git("log", "-1", "--format=%s", "main") == "Two of three"
    assert machine.git("diff", "--name-status", "main~1", "main").split() == ["A", "b/new.txt", "D", "gone.txt"]
    assert (machine.repository / "b" / "new.txt").read_text() == "new\n"
    assert machine.git("rev-parse", "agent/x") == before
    assert (worktree / "a.txt").read_text() == edited(5, 50)
    assert machine.session("x")["state"] != "landed"
    assert "nothing of c.txt was changed" in machine.refused("merge", "x", "--only", "c.txt", code=2)
    machine.ok("undo", "--yes")
    assert (machine.repository / "gone.txt").exists()
    machine.ok("undo", "--yes")
    machine.ok("merge", "x", "-m", "The rest")
    assert machine.git("diff", "--name-only", "main~1", "main") == "a.txt"
    assert (machine.repository / "a.txt").read_text() == edited(5, 50)
    assert "part of it merged into main" in machine.ok("log", "x")


def test_comments_are_kept_and_reach_the_agent_as_one_message(machine: Machine) -> None:
    machine.write("a.txt", LINES)
    machine.commit("a")
    (machine.folder / "agent.sh").write_text(ECHO)
    machine.ok("run", "--agent", "command", "--name", "x", "--", "sh", str(machine.folder / "agent.sh"))
    machine.ok("wait", "x", "--for", "idle,done", "--timeout", "20")
    worktree = Path(machine.session("x")["worktree"])
    (worktree / "a.txt").write_text(edited(5))
    machine.ok("comment", "x", "a.txt:5", "Why", "capitals?")
    machine.ok("comment", "--before", "x", "a.txt:5-6", "This was good.")
    machine.ok("comment", "x", "a.txt:9", "Never mind")
    machine.ok("comment", "x", "--delete", "3")
    machine.ok("comment", "--edit", "1", "x", "-", stdin="Why in capitals?\n")
    assert "a.txt has no line 99" in machine.refused("comment", "x", "a.txt:99", "Where?")
    assert "there is no file no.txt" in machine.refused("comment", "x", "no.txt:1", "Where?")
    assert "no place in a file" in machine.refused("comment", "x", "a.txt", "Where?", code=2)
    machine.ok("down")
    machine.wait_for_no_daemon()
    one, two = machine.json("comments", "x")
    assert (one["quote"], one["text"], one["sent"]) == (["LINE 5"], "Why in capitals?", False)
    assert (two["quote"], two["side"], two["last"]) == (["line 5", "line 6"], "old", 6)
    assert "sent 2 comments to x" in machine.ok("comments", "x", "--send")
    heard = machine.home / "heard"
    machine.until("x", lambda: heard.exists() and "This was good." in heard.read_text())
    assert heard.read_text().split("\n")[2:10] == [
        *("1. a.txt:5", "> LINE 5", "Why in capitals?", "", "2. a.txt:5-6 (as it was before)"),
        *("> line 5", "> line 6", "This was good."),
    ]
    assert all(remark["sent"] for remark in machine.json("comments", "x"))
    assert "no comment to send" in machine.refused("comments", "x", "--send")
    machine.ok("comment", "--edit", "2", "x", "It was better.")
    assert [remark["sent"] for remark in machine.json("review", "x")["remarks"]] == [True, False]
    assert "you looked at" not in machine.ok("log", "x")


def test_a_session_without_a_pane_keeps_its_comments_unsent(machine: Machine) -> None:
    worktree = start(machine, "x")
    (worktree / "a.txt").write_text("one\n")
    machine.ok("comment", "x", "a.txt:1", "Two?")
    do(machine, "x", "true")
    machine.ok("stop", "x")
    assert "orchestrator resume x" in machine.refused("comments", "x", "--send")
    assert [remark["sent"] for remark in machine.json("comments", "x")] == [False]
