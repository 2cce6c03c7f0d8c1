"""Conflicts on a real daemon: shown, decided on the command line, remembered, proposed by an agent, landed, undone."""

from __future__ import annotations

from pathlib import Path

from tests.machine import Machine
from tests.orchestrator.test_going_on import do, save, start

MERGIRAF = """#!/bin/sh
# merge BASE LEFT RIGHT -p PATH -o OUTPUT
[ "$1" = merge ] && [ "$5" = -p ] && [ "$7" = -o ] || exit 2
cat "$3" > "$8"; echo "by syntax" >> "$8"
"""


def collide(machine: Machine, name: str = "x") -> Path:
    """A session whose one line the target changed too, with a file that no commit holds."""
    machine.write("a.txt", "1\n2\n3\n")
    machine.commit("a")
    worktree = start(machine, name)
    do(machine, name, save("a.txt", "1\\nsession\\n3\\n"))
    do(machine, name, "echo loose > loose.txt")
    machine.write("a.txt", "1\ntarget\n3\n")
    machine.commit("target")
    return worktree


def test_a_conflict_is_decided_kept_accepted_landed_and_undone(machine: Machine) -> None:
    worktree = collide(machine)
    assert "conflicts with main" in machine.refused("merge", "x", "--no-check")
    shown = machine.ok("conflicts", "x")
    assert "a.txt content: both changed the same lines" in shown
    assert "    < target\n    | 2\n    > session\n" in shown
    assert "1 decisions are open, in a.txt" in machine.refused("resolve", "x", "--yes")
    assert "b.txt is not in conflict" in machine.refused("resolve", "x", "--take", "ours", "b.txt")
    assert "kept" in machine.ok("resolve", "x", "--take", "both", "--keep")
    assert "hunk 1, decided: ours, theirs" in machine.ok("conflicts", "x")
    assert (worktree / "a.txt").read_text() == "1\nsession\n3\n"  # nothing is touched before it is accepted
    before = machine.git("rev-parse", "main", "agent/x")
    assert machine.json("resolve", "x")["tip"] == machine.git("rev-parse", "agent/x")
    assert (worktree / "a.txt").read_text() == "1\ntarget\nsession\n3\n"
    assert (worktree / "loose.txt").read_text() == "loose\n"
    assert "merge cleanly" in machine.refused("conflicts", "x")
    assert "1 decisions" not in machine.ok("merge", "x", "--check", "grep -q target a.txt", "-m", "X")
    assert machine.git("show", "main:a.txt") == "1\ntarget\nsession\n3"
    for operation in [operation["id"] for operation in machine.json("ops")][:2]:
        machine.ok("undo", operation, "--yes")
    assert machine.git("rev-parse", "main", "agent/x") == before
    assert (worktree / "a.txt").read_text() == "1\nsession\n3\n"
    reply = machine.json("conflicts", "x")
    assert [(offer["by"], offer["resolution"]["picks"][0]["text"]) for offer in reply["offers"]] == [
        ("remembered", "target\nsession\n")
    ]
    machine.ok("resolve", "x", "--offer", "remembered", "--yes")
    assert (worktree / "a.txt").read_text() == "1\ntarget\nsession\n3\n"


def test_mergiraf_is_asked_where_it_is_and_only_offers(machine: Machine) -> None:
    tools = machine.folder / "bin"
    tools.mkdir()
    (tools / "mergiraf").write_text(MERGIRAF)
    (tools / "mergiraf").chmod(0o755)
    machine.env["PATH"] = f"{tools}:{machine.env['PATH']}"
    worktree = collide(machine)
    (offer,) = machine.json("conflicts", "x")["offers"]
    assert (offer["by"], offer["resolution"]["text"]) == ("mergiraf", "1\ntarget\n3\nby syntax\n")
    assert (worktree / "a.txt").read_text() == "1\nsession\n3\n"
    machine.ok("resolve", "x", "--offer", "mergiraf", "--yes")
    assert (worktree / "a.txt").read_text() == "1\ntarget\n3\nby syntax\n"


RESOLVER = r"""
tell() { printf '%s\n' "$1" >> "$ORCHESTRATOR_EVENTS"; }
tell '{"type": "state", "state": "working"}'
printf '%s' "$1" > "$HOME/task"
grep -q '<<<<<<<' a.txt && printf '1\nboth\n3\n' > a.txt && echo helper > helper.txt
tell '{"type": "state", "state": "done"}'
cat > /dev/null
"""


def test_an_agent_proposes_in_a_worktree_of_its_own_and_a_human_takes_it(machine: Machine) -> None:
    script = machine.folder / "resolver.sh"
    script.write_text(RESOLVER)
    machine.settings(f'[agents.command]\ncommand = ["sh", "{script}", "{{prompt}}"]\n')
    worktree = collide(machine)
    assert machine.json("resolve", "x", "--agent", "command")["names"] == ["resolve-x"]
    machine.ok("wait", "resolve-x", "--for", "done", "--timeout", "20")
    told = (machine.home / "task").read_text()
    for words in ("a.txt: content", "What came into main meanwhile:\ntarget", "+session", "+target"):
        assert words in told
    assert "only proposes how conflicts are resolved" in machine.refused("merge", "resolve-x", "--no-check")
    assert (worktree / "a.txt").read_text() == "1\nsession\n3\n"
    reply = machine.json("conflicts", "x")
    (proposal,) = reply["proposals"]
    assert (proposal["session"], proposal["state"], proposal["also"]) == ("resolve-x", "ready", ["helper.txt"])
    (offer,) = reply["offers"]
    assert (offer["by"], offer["resolution"]["picks"]) == ("resolve-x", [{"take": "edit", "text": "both\n"}])
    machine.ok("resolve", "x", "--offer", "resolve-x", "--yes")
    assert (worktree / "a.txt").read_text() == "1\nboth\n3\n"
    assert (worktree / "helper.txt").read_text() == "helper\n"
    assert [item["name"] for item in machine.json("ls")] == ["x"]
    assert "resolve-x" in machine.ok("attic")
    machine.ok("merge", "x", "--no-check")
    assert machine.git("show", "main:a.txt") == "1\nboth\n3"


def test_a_proposal_for_work_that_moved_on_cannot_be_taken(machine: Machine) -> None:
    script = machine.folder / "resolver.sh"
    script.write_text(RESOLVER)
    machine.settings(f'[agents.command]\ncommand = ["sh", "{script}", "{{prompt}}"]\n')
    collide(machine)
    machine.ok("resolve", "x", "--agent", "command")
    machine.ok("wait", "resolve-x", "--for", "done", "--timeout", "20")
    do(machine, "x", save("a.txt", "1\\nsession again\\n3\\n"))
    assert "of another merge" in machine.refused("resolve", "x", "--offer", "resolve-x", "--yes")
