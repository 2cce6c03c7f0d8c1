"""``orchestrator plan`` against a real daemon and a scripted model: shown, written, launched, stopped, counted."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.machine import Machine
from tests.modelserver import ModelServer
from tests.orchestrator.planner.test_calling import GOOD, plan

TWO = (
    {**GOOD, "prompt": "do a\x1b]0;owned\x07\nand more", "area": ["README.md"]},
    {"name": "b", "prompt": "do b", "area": ["docs", "README.md"], "after": []},
)


def goal(*steps: dict[str, Any]) -> str:
    return f"[[steps:{json.dumps(steps)}]]"


def test_a_plan_is_shown_written_edited_and_launched_and_its_cost_is_in_the_statistics(machine: Machine) -> None:
    said = machine.refused("plan", "Add b")
    assert "a plan needs a model: no key is set; set ANTHROPIC_API_KEY or OPENAI_API_KEY" in said
    assert "examples/tasks.toml" in said
    assert "there is no goal" in machine.refused("plan", code=2)
    with ModelServer() as server:
        machine.settings(f'[agents.coder]\nbase_url = "{server.url}"\nmodel = "mock-model"\n')
        out = machine.folder / "tasks.toml"
        shown = machine.ok("plan", "--out", str(out), goal(plan(*TWO)), ANTHROPIC_API_KEY="k")
        assert "first, one task\n  a" in shown
        assert "then, one task\n  b                             after a" in shown
        assert "in docs (new), README.md" in shown
        assert "· b waits for a: both may change README.md" in shown
        assert "mock-model: 958 tokens in, 36 out, no price known" in shown
        assert "\x1b" not in shown
        assert machine.json("ls") == []
        assert "is there already" in machine.refused("plan", "--out", str(out), "again", code=2)
        refused = machine.refused("plan", goal({"fail": {"status": 401}}), ANTHROPIC_API_KEY="k")
        assert "does not take the key" in refused
        assert "\n" not in refused.split("→")[0].strip().split("\n", 1)[1]
        (record,) = server.records()
        account = f'[agents.coder]\nbase_url = "{server.url}"\n[budget]\nday = "30 tokens"\n'
        machine.settings(account)  # 36 tokens were put out
        spent = machine.refused("plan", goal(plan(*TWO)), ANTHROPIC_API_KEY="k")
        assert "no model was asked: " in spent
        assert "are spent" in spent
        assert len(server.records()) == 1
        machine.settings("")
    (group,) = machine.json("stats", "--by", "agent")["groups"]
    assert (group["key"], group["spending"]["responses"]) == ("planner", 1)
    assert group["spending"].items() >= record["usage"].items()
    text = out.read_text()
    out.write_text(text.replace('name = "b"', 'name = "a"'))
    assert "✗ two tasks are called 'a'" in machine.ok("plan", "--file", str(out))
    assert "cannot be launched: two tasks are called 'a'" in machine.refused("plan", "--yes", "--file", str(out))
    out.write_text(text.replace("[[task]]", '[[task]]\nagent = "coder"\nmethod = "never"'))
    assert "method of 'a': Input should be" in machine.ok("plan", "--file", str(out))
    out.write_text(text.replace("[[task]]", '[[task]]\nagent = "coder"\npriority = 3'))
    machine.ok("queue", "hold")
    said = machine.run("plan", "--yes", "--file", str(out)).stderr
    assert "queued a, b; each starts as soon as a slot is free" in said
    first, second = (one["task"] for one in machine.json("queue")["lines"])
    assert (first["name"], second["name"], second["after"], first["priority"]) == ("a", "b", ["a"], 3)
    assert second["prompt"].endswith("do only what is needed and say so:\n- docs\n- README.md")
    assert "✗ there is a session or a task 'a' already" in machine.ok("plan", "--file", str(out))


def test_ctrl_c_stops_the_planning_and_nothing_was_made(machine: Machine) -> None:
    machine.ok("ls")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(40)
        machine.settings(f'[agents.coder]\nbase_url = "http://127.0.0.1:{silent.getsockname()[1]}"\n')
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "plan", "Add b"],
            cwd=machine.repository,
            env={**machine.env, "ANTHROPIC_API_KEY": "k"},
            stderr=subprocess.PIPE,
            text=True,
        )
        asked, _ = silent.accept()  # the daemon asks the model, which says nothing
        with asked:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=40)
            assert (process.returncode, "planning was stopped; nothing was made" in said) == (130, True)
            machine.ok("down")
            machine.wait_for_no_daemon()  # it does not wait for the model either
    assert "Traceback" not in machine.log()


def test_on_a_terminal_the_human_edits_and_what_is_left_is_kept(machine: Machine) -> None:
    editor = machine.folder / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/do b/do bb/; s/name = "b"/name = "bb"/\' "$1"\n')
    editor.chmod(0o755)
    file = machine.folder / "tasks.toml"
    file.write_text('[[task]]\nname = "b"\nprompt = "do b"\n')
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "plan", "--file", str(file)],
        cwd=machine.repository,
        env={**machine.env, "EDITOR": str(editor)},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    said = until(leader, "quit?")
    assert "b has no area: it may change any file" in said
    os.write(leader, b"x\ne\n")
    said = until(leader, "bb has no area")
    os.write(leader, b"q\n")
    said = until(leader, "plans/001-bb.toml")
    assert "nothing was launched" in said
    process.wait()
    os.close(leader)
    (kept,) = (machine.state / "plans").glob("*.toml")
    assert "do bb" in Path(kept).read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert machine.json("ls") == []


def until(leader: int, words: str) -> str:
    said = ""
    while words not in said:
        said += os.read(leader, 4096).decode(errors="replace")
    return said
