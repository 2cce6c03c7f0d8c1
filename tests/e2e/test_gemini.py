"""The main job with the real Gemini CLI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.gemini import Gemini
from tests.e2e.conftest import Agents

SETTINGS = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
COLOURS = ["Red", "Blue", "Green", "Yellow"]


@pytest.fixture
def gemini(agents: Agents) -> Agents:
    """The user has signed in with a key and trusts what lies below the folder of worktrees."""
    config = agents.home / ".gemini"
    config.mkdir()
    (config / "settings.json").write_text(json.dumps(SETTINGS))
    (config / "trustedFolders.json").write_text(json.dumps({str(agents.state): "TRUST_FOLDER"}))
    path = agents.home / ".config" / "orchestrator" / "config.toml"
    ours = f'[agents.gemini]\nmodel = "gemini-2.5-pro"\nbase_url = "{agents.model.url}"\n'
    path.write_text(path.read_text() + ours)
    agents.env["GEMINI_API_KEY"] = "dummy"
    return agents


def _run(command: str) -> dict[str, Any]:
    return {"tool": "run", "command": command, "why": "Make a file"}


def _ask(question: str, *, multiple: bool = False) -> dict[str, Any]:
    return {"tool": "ask", "question": question, "options": COLOURS, "multiple": multiple}


def _own_files(machine: Agents) -> dict[str, bytes]:
    config = machine.home / ".gemini"
    return {name: (config / name).read_bytes() for name in ("settings.json", "trustedFolders.json")}


def _blocked(machine: Agents, kind: str, words: str = "") -> dict[str, Any]:
    """The question that is open and has these words: the one before stands for a moment after its answer."""
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        item = machine.session("g")
        if item["state"] == "blocked" and words in json.dumps(item["question"]):
            assert item["kind"] == kind, item
            found.append(item["question"])
        return bool(found)

    machine.until("g", asked)
    return found[0]


def test_from_a_task_to_a_merge(gemini: Agents) -> None:
    before = _own_files(gemini)
    task = gemini.prompt(
        {"think": "Let me see.", "say": "I run a command first. " * 8, "slow": 0.03, "use": [_run("echo g > g.txt")]},
        {"use": [{"tool": "write", "path": "more.txt", "content": "and more\n"}], "usage": {"reasoning": 20}},
        {"say": "Shall I go on?"},
        words='- it says "hi",\nit\'s 🎉 -x --y $HOME `id`:',
    )
    gemini.ok("run", "--agent", "gemini", "--name", "g", "--", task)
    gemini.ok("wait", "g", "--for", "working", "--timeout", "30")
    asked = _blocked(gemini, "permission")
    assert asked["command"] == "echo g > g.txt"
    assert "echo g > g.txt" in gemini.ok("show", "g")
    gemini.ok("answer", "g", "y", "--question", asked["id"])
    written = _blocked(gemini, "permission", "more.txt")
    assert written["path"] == "more.txt"
    assert "asks something else" in gemini.refused("answer", "g", "y", "--question", asked["id"])
    gemini.ok("answer", "g", "y")
    gemini.ok("wait", "g", "--for", "done", "--timeout", "40")
    item = gemini.session("g")
    assert (item["said"], item["asks"]) == ("Shall I go on?", True)
    assert item["tokens"] == gemini.model.tokens()
    assert item["tokens"]["output"] > 0
    gemini.ok("merge", "g")
    assert gemini.git("show", "main:g.txt") == "g"
    assert gemini.git("show", "main:more.txt") == "and more"
    assert _own_files(gemini) == before
    assert not (Path(item["worktree"]) / ".gemini").exists()


def test_questions_are_answered_by_options_by_several_and_in_words(gemini: Agents) -> None:
    task = gemini.prompt(
        {"use": [_ask("Which colour do you prefer?")]},
        {"use": [_ask("Which ones do you like?", multiple=True)]},
        {"use": [_ask("And which one not?")]},
        {"say": "Thanks."},
    )
    gemini.ok("run", "--agent", "gemini", "--name", "g", "--", task)
    first = _blocked(gemini, "question")
    assert "Which colour do you prefer" in first["title"]
    assert [option["label"] for option in first["options"]] == COLOURS[:3]  # it shows no more at once
    gemini.ok("answer", "g", "4", "--question", first["id"])
    several = _blocked(gemini, "question", "Which ones do you like")
    assert several["multiple"]
    gemini.ok("answer", "g", "1,3")
    _blocked(gemini, "question", "And which one not")
    gemini.ok("answer", "g", "--text", "Pink, of all colours")
    gemini.ok("wait", "g", "--for", "done", "--timeout", "30")
    (chat,) = (gemini.home / ".gemini" / "tmp").glob("*/chats/session-*.jsonl")
    results = "\n".join(entry.text for entry in Gemini().transcript(chat) if entry.title.startswith("result"))
    for answer in ("Yellow", "Red, Green", "Pink, of all colours"):
        assert answer in results


def test_a_refusal_in_words_an_interrupt_and_a_stop_are_told_and_it_comes_back(gemini: Agents) -> None:
    task = gemini.prompt({"say": "May I?", "use": [_run("touch never.txt")]}, {"say": "Done."})
    gemini.ok("run", "--agent", "gemini", "--name", "g", "--", task)
    _blocked(gemini, "permission")
    gemini.ok("answer", "g", "n", "--text", gemini.prompt({"say": "As you like."}, words="/use another way"))
    gemini.ok("wait", "g", "--for", "done", "--timeout", "30")
    assert gemini.session("g")["said"] == "As you like."
    long = gemini.prompt({"say": "Word by word it goes on. " * 60, "slow": 0.05}, words="Two lines:\n/and more")
    gemini.ok("send", "g", "--", long)
    gemini.ok("wait", "g", "--for", "working", "--timeout", "20")
    gemini.ok("interrupt", "g")
    gemini.ok("wait", "g", "--for", "idle", "--timeout", "20")
    gemini.ok("stop", "g")
    ended = gemini.session("g")
    assert ended["state"] == "exited", ended["why"]
    gemini.ok("resume", "g")
    gemini.ok("wait", "g", "--for", "idle", "--timeout", "30")
    gemini.ok("send", "g", "--", gemini.prompt({"say": "I am back."}, words="Are you there?"))
    gemini.ok("wait", "g", "--for", "done", "--timeout", "30")
    again = gemini.session("g")
    assert again["said"] == "I am back."
    assert again["agent_session_id"] == ended["agent_session_id"]
    assert again["tokens"] == gemini.model.tokens()


def test_trust_stays_the_users_and_the_task_waits_for_it(gemini: Agents) -> None:
    """It would begin the task at once, and start again with another conversation when the folder is trusted."""
    (gemini.home / ".gemini" / "trustedFolders.json").unlink()
    gemini.ok("run", "--agent", "gemini", "--name", "g", "--", gemini.prompt({"say": "Hello."}, words="Two\nlines"))
    asked = _blocked(gemini, "dialog")
    assert "trust" in asked["title"].lower()
    assert len(asked["options"]) == 3
    assert gemini.model.records() == []
    gemini.ok("answer", "g", "y")
    gemini.ok("wait", "g", "--for", "done", "--timeout", "40")
    assert gemini.session("g")["said"] == "Hello."
    assert len(gemini.model.records()) == 1
