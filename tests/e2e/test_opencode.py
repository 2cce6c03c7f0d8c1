"""The main job with the real opencode."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Agents
from tests.modelserver import ModelServer
from tests.modelserver.script import REST

OWN = {"$schema": "https://opencode.ai/config.json", "permission": {"bash": "ask", "edit": "ask"}, "username": "me"}
SETTINGS = '[agents.opencode]\nmodel = "mock-model"\nbase_url = "{url}/v1"\n'
COLOURS = {"tool": "ask", "question": "Which colour do you prefer?", "options": ["Red", "Blue"]}
SEVERAL = {"tool": "ask", "question": "Which of these?", "options": ["A", "B", "C"], "multiple": True}


def _run(command: str) -> dict[str, Any]:
    return {"tool": "run", "command": command, "why": "It is needed"}


@pytest.fixture
def machine(tmp_path: Path, model: ModelServer) -> Iterator[Agents]:
    """A user of opencode who wants to be asked."""
    made = Agents(tmp_path / "m", model)
    made.env |= {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    own = made.home / ".config" / "opencode" / "opencode.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(OWN))
    made.settings(SETTINGS.format(url=model.url))
    yield made
    made.end()


def _start(machine: Agents, *steps: dict[str, Any], mode: str | None = None) -> None:
    words = ["--permission-mode", mode] if mode else []
    machine.ok("run", "--agent", "opencode", "--name", "o", *words, "--", machine.prompt(*steps))


def _until(machine: Agents, states: str) -> dict[str, Any]:
    """It starts slowly: 6 s alone on a machine, 40 s beside others."""
    waited = [machine.run("wait", "o", "--for", states, "--timeout", "50")]
    while waited[-1].returncode and len(waited) < 3:
        waited.append(machine.run("wait", "o", "--for", states, "--timeout", "50"))
    assert waited[-1].returncode == 0, waited[-1].stderr + machine.ok("why", "o")
    return machine.session("o")


def _answer(machine: Agents, item: dict[str, Any], choice: str, *more: str) -> None:
    machine.ok("answer", "o", choice, "--question", item["question"]["id"], *more)


def test_from_a_task_to_the_end_of_its_turn(machine: Agents) -> None:
    own = (machine.home / ".config" / "opencode" / "opencode.json").read_bytes()
    _start(
        machine,
        {"say": "I run a command first. " * 8, "slow": 0.02, "use": [_run("echo o > made.txt")]},
        {"say": "I need a decision.", "use": [COLOURS]},
        {"use": [SEVERAL]},
        {"use": [{"tool": "write", "path": "more.txt", "content": "and more\n"}]},
        {"say": "All of it is done. Shall I go on?"},
    )
    _until(machine, "working")
    item = _until(machine, "blocked")
    assert (item["kind"], item["question"]["command"]) == ("permission", "echo o > made.txt")
    _answer(machine, item, "y")
    item = _until(machine, "blocked")
    assert (item["kind"], item["question"]["title"]) == ("question", COLOURS["question"])
    assert [option["label"] for option in item["question"]["options"]] == COLOURS["options"]
    assert "asks something else" in machine.refused("answer", "o", "1", "--question", "somethingelse")
    _answer(machine, item, "2")
    item = _until(machine, "blocked")
    assert item["question"]["multiple"]
    _answer(machine, item, "1,3")
    item = _until(machine, "blocked")
    assert item["question"]["path"].endswith("/more.txt")
    assert "+and more" in item["question"]["text"]
    _answer(machine, item, "y")
    item = _until(machine, "done")
    assert (item["said"], item["asks"]) == ("All of it is done. Shall I go on?", True)
    assert "asks nothing now" in machine.refused("answer", "o", "1")
    _tokens_equal(machine)
    machine.ok("merge", "o")
    assert machine.git("show", "main:made.txt") == "o"
    assert machine.git("show", "main:more.txt") == "and more"
    assert (machine.home / ".config" / "opencode" / "opencode.json").read_bytes() == own


def _tokens_equal(machine: Agents) -> None:
    """opencode's tokens are those that the model answered with; it counts nowhere what naming a session cost."""
    told = machine.session("o")["tokens"]
    assert told == machine.model.tokens()
    assert told["output"] > 0


@pytest.mark.nightly
def test_a_killed_daemon_loses_nothing(machine: Agents) -> None:
    _start(machine, {"say": "First.", "use": [_run("echo o > made.txt")]}, {"say": "Done."})
    before = _until(machine, "blocked")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    machine.json("ls")
    after = _until(machine, "blocked")
    for key in ("id", "pid", "generation", "state", "kind", "tokens", "worktree", "branch", "agent_session_id"):
        assert after[key] == before[key], key
    assert after["question"] == before["question"]
    _answer(machine, after, "y")
    _until(machine, "done")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    machine.json("ls")
    assert _until(machine, "done")["said"] == "Done."
    _tokens_equal(machine)


def test_interrupt_stop_and_resume_the_same_conversation(machine: Agents) -> None:
    _start(machine, {"say": "Hello."})
    _until(machine, "done")
    machine.ok("send", "o", "--", machine.prompt({"use": [_run("echo . > begun; sleep 600")]}, words="!Two lines:\n/b"))
    item = _until(machine, "blocked")
    begun = Path(item["worktree"]) / "begun"
    os.mkfifo(begun)
    _answer(machine, item, "y")
    begun.read_text()
    machine.ok("interrupt", "o")
    _until(machine, "idle,done")
    machine.ok("stop", "o")
    ended = machine.session("o")
    assert ended["state"] == "exited", ended
    machine.ok("resume", "o")
    _until(machine, "idle")
    machine.ok("send", "o", "--", machine.prompt({"say": "I am back."}, words="Are you there?"))
    again = _until(machine, "done")
    assert (again["said"], again["generation"]) == ("I am back.", 2)
    assert again["agent_session_id"] == ended["agent_session_id"]
    # The response that asked for the command was answered, and opencode does not log it.
    assert again["tokens_lower_bound"]


@pytest.mark.nightly
def test_a_refused_command_ends_the_turn_and_words_with_it_go_on(machine: Agents) -> None:
    _start(machine, {"use": [_run("touch never.txt")]}, {"say": "Then otherwise."})
    item = _until(machine, "blocked")
    _answer(machine, item, "n", "--text", "Use printf instead")
    assert _until(machine, "done")["said"] == "Then otherwise."
    machine.ok("send", "o", "--", machine.prompt({"use": [_run("touch never.txt")]}, {"say": "Not said."}))
    _answer(machine, _until(machine, "blocked"), "n")
    assert _until(machine, "idle,done")["said"] == "Then otherwise."
    _tokens_equal(machine)


@pytest.mark.nightly
def test_a_subagents_permission_blocks_and_its_tokens_count_once(machine: Agents) -> None:
    script = json.dumps([{"use": [_run("echo sub > sub.txt")]}, {"say": "Subagent done."}])
    # The script within the script must not end the outer one.
    inner = json.dumps(f"Look. [[steps:{script}]]").replace("]", "\\u005d")
    delegate = {"say": "I delegate.", "use": [{"tool": "delegate", "prompt": "INNER"}]}
    task = machine.prompt(delegate, {"say": "All done."}).replace('"INNER"', inner)
    machine.ok("run", "--agent", "opencode", "--name", "o", "--", task)
    item = _until(machine, "blocked")
    assert item["question"]["command"] == "echo sub > sub.txt"
    _answer(machine, item, "y")
    assert _until(machine, "done")["said"] == "All done."
    _tokens_equal(machine)


@pytest.mark.nightly
def test_failures_tell_why_and_limits_until_when(machine: Agents) -> None:
    _start(machine, {"fail": {"status": 429, "times": 1, "retry_after": 6}}, {"say": "Not reached."})
    item = _until(machine, "rate_limited")
    assert item["until"], item
    assert _until(machine, "done")["state"] == "done"
    machine.ok("send", "o", "--", machine.prompt({"fail": {"status": 500, "times": 1}}))
    _until(machine, "retrying")
    _until(machine, "done")
    machine.ok("send", "o", "--", machine.prompt({"fail": {"status": 401}}))
    _until(machine, "failed")
    assert machine.json("why", "o")["evidence"][0]["saw"].startswith("not signed in: ")


@pytest.mark.nightly
def test_a_plan_is_shown_and_approved(machine: Agents) -> None:
    """For a user who turned it on: without this variable opencode offers its model no way to leave the plan agent."""
    machine.env["OPENCODE_EXPERIMENTAL_PLAN_MODE"] = "1"
    _start(machine, {"say": "I have a plan.", "use": [{"tool": "plan"}]}, mode="plan")
    item = _until(machine, "blocked")
    assert (item["kind"], item["question"]["title"][:8]) == ("plan", "Plan at ")
    assert [option["label"] for option in item["question"]["options"]] == ["Yes", "No"]
    _answer(machine, item, "y")
    assert _until(machine, "done")["said"] == REST["say"]  # the approval is a message of its own, without a script
