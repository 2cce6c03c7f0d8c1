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
    machine.ok("wait", "o", "--for", states, "--timeout", "50")
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
    assert told == {**machine.model.tokens(), "cache_write": 0}
    assert told["output"] > 0
