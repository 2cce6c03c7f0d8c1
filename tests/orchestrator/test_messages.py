"""The message of a landing: drafted, edited, and what becomes of the session afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine import Machine
from tests.modelserver import ModelServer
from tests.orchestrator.test_going_on import do, save, start

STEP = '[[steps:[{"say": "Add b\\n\\nBecause\\u001b[31m it was missing."}]]]'


def test_the_human_edits_the_message_and_an_empty_one_merges_nothing(machine: Machine) -> None:
    start(machine, "x")
    do(machine, "x", save("b.txt", "b\\n"))
    before = machine.git("rev-parse", "main")
    assert "the text is empty; nothing was merged" in machine.refused("merge", "x", "--edit", EDITOR="truncate -s 0")
    assert "failed (exit code 1); nothing was merged" in machine.refused("merge", "x", "--edit", EDITOR="false")
    assert "nope cannot be run" in machine.refused("merge", "x", "--edit", EDITOR="nope")
    assert machine.git("rev-parse", "main") == before
    machine.ok("merge", "x", "--edit", EDITOR="sed -i 1s/$/,edited/")
    assert machine.git("log", "-1", "--format=%B") == "b.txt,edited"


def test_the_others_of_a_branch_and_whom_the_settings_name_are_co_authors(machine: Machine) -> None:
    machine.settings('[merge]\nco_author = "Pair <pair@example.com>"\n')
    start(machine, "x")
    do(machine, "x", save("b.txt", "b\\n") + " --author 'Agent <agent@example.com>'")
    do(machine, "x", save("c.txt", "c\\n"))
    machine.ok("merge", "x")
    said = machine.git("log", "-1", "--format=%an|%(trailers:key=Co-authored-by,valueonly,separator=%x2C)")
    assert said == "Test|Agent <agent@example.com>,Pair <pair@example.com>"


def test_a_model_drafts_when_the_user_asked_for_it_and_the_rule_when_it_does_not_answer(machine: Machine) -> None:
    with ModelServer() as server:
        machine.settings(f'[merge]\ndraft = "model"\n[agents.coder]\nbase_url = "{server.url}"\n')
        worktree = start(machine, "x", "--prompt", STEP)
        do(machine, "x", save("b.txt", "secret content\\n"))
        assert "set ANTHROPIC_API_KEY or OPENAI_API_KEY" in machine.run("merge", "x", "--check", "false").stderr
        machine.ok("merge", "x", ANTHROPIC_API_KEY="k")
        (record,) = server.records()
        assert "secret content" not in str(record)
    said = machine.git("log", "-1", "--format=%B")
    assert said.startswith("Add b\n\nBecause")
    assert "\x1b" not in said
    (worktree / "c.txt").write_text("c\n")
    refused = machine.run("merge", "x", ANTHROPIC_API_KEY="k")
    assert (refused.returncode, "no model drafted it" in refused.stderr) == (0, True)


def test_a_repository_does_not_decide_over_sessions_and_keys(machine: Machine) -> None:
    start(machine, "x")
    machine.write(".orchestrator.toml", '[merge]\ndraft = "model"\nafter = "remove"\n')
    assert "sets [merge] after, draft, which a repository may not" in machine.refused("merge", "x", "--dry-run")


@pytest.mark.parametrize("how", ["option", "setting"])
def test_a_session_is_removed_once_it_landed_and_comes_back(machine: Machine, how: str) -> None:
    if how == "setting":
        machine.settings('[merge]\nafter = "remove"\n')
    worktree = start(machine, "x")
    do(machine, "x", save("b.txt", "b\\n"))
    tip = machine.git("rev-parse", "agent/x")
    done = machine.run("merge", "x", *(["--remove"] if how == "option" else []))
    assert done.returncode == 0
    assert "removed x; all of it comes back with: orchestrator undo" in done.stderr
    assert machine.json("ls") == []
    assert (worktree.exists(), machine.git("branch", "--list", "agent/x")) == (False, "")
    machine.ok("attic", "restore", "x")
    assert (machine.git("rev-parse", "agent/x"), Path(worktree / "b.txt").exists()) == (tip, True)


def test_a_session_goes_on_from_the_target_once_it_landed(machine: Machine) -> None:
    start(machine, "x")
    do(machine, "x", save("b.txt", "b\\n"))
    assert "x goes on from main" in machine.run("merge", "x", "--after", "continue").stderr
    assert machine.git("rev-parse", "agent/x") == machine.git("rev-parse", "main")
