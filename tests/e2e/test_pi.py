"""pi with our extension: questions over its own channel, states from its events, tokens to the token."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessions import agents, processes
from tests.e2e.conftest import Agents
from tests.modelserver import ModelServer

ASK = {"tool": "ask", "question": "Which colours do you like?", "options": ["Red", "Green", "Blue"], "multiple": True}


def _run(command: str) -> dict[str, Any]:
    return {"tool": "run", "command": command}


@pytest.fixture
def machine(tmp_path: Path, model: ModelServer) -> Iterator[Agents]:
    """A machine whose user has settings of their own for pi."""
    made = Agents(tmp_path / "m", model)
    made.settings(
        f'[agents.pi]\nmodel = "mock-model"\nbase_url = "{model.url}/v1"\npermission_mode = "ask"\n'
        f'[agents.pi.env]\nPI_CODING_AGENT_DIR = "{made.home}/agent"\n'
    )
    folder = made.home / "agent"
    folder.mkdir()
    (folder / "settings.json").write_text('{\n  "theme": "dark",\n  "lastChangelogVersion": "0.87.1"\n}\n')
    yield made
    made.end()


def _users_files(machine: Agents) -> dict[str, bytes]:
    """What is in pi's folder but its conversations, which are the user's history."""
    folder = machine.home / "agent"
    found = (path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] != "sessions")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def _conversation(machine: Agents) -> str:
    """pi's own file of it, as the dashboard shows it."""
    session = machine.session("p")["agent_session_id"]
    file = next((machine.home / "agent" / "sessions").glob(f"*/*_{session}.jsonl"))
    return "\n".join(f"{entry.role}: {entry.title} {entry.text}" for entry in agents.get("pi").transcript(file))


def _start(machine: Agents, *steps: dict[str, Any], words: str = "Please do it.") -> None:
    machine.ok("run", "--agent", "pi", "--name", "p", "--", machine.prompt(*steps, words=words))


def _blocked(machine: Agents) -> dict[str, Any]:
    machine.ok("wait", "p", "--for", "blocked", "--timeout", "40")
    return machine.session("p")


def test_permission_question_and_merge(machine: Agents) -> None:
    settings = (machine.home / "agent" / "settings.json").read_bytes()
    _start(
        machine,
        {"say": "I run a command first. " * 8, "slow": 0.02, "use": [_run("echo 'a b' > made.txt")]},
        {"say": "I need a decision.", "use": [ASK]},
        {"use": [{"tool": "write", "path": "more.txt", "content": "and more\n"}]},
        {"say": "Shall I commit it?"},
        words='/it says "hi",\nit\'s 🎉 -x --y $HOME `id`:',
    )
    machine.ok("wait", "p", "--for", "working", "--timeout", "30")
    item = _blocked(machine)
    assert item["kind"] == "permission", item
    assert item["question"]["command"] == "echo 'a b' > made.txt"
    assert [option["label"][:4] for option in item["question"]["options"]] == ["Yes", "Alwa", "No"]
    assert "asks something else" in machine.refused("answer", "p", "1", "--question", "somethingelse")
    machine.ok("answer", "p", "y", "--question", item["question"]["id"])
    machine.ok("wait", "p", "--for", "blocked", "--timeout", "30")
    asked = machine.session("p")
    assert (asked["kind"], asked["question"]["title"]) == ("question", "Which colours do you like?")
    assert [option["label"] for option in asked["question"]["options"]] == ["Red", "Green", "Blue"]
    assert asked["question"]["multiple"]
    machine.ok("answer", "p", "1,3")
    write = _blocked(machine)
    assert write["question"]["path"] == "more.txt"
    assert "+ and more" in write["question"]["text"]
    machine.ok("answer", "p", "y")
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    done = machine.session("p")
    assert (done["said"], done["asks"]) == ("Shall I commit it?", True)
    assert done["tokens"] == machine.model.tokens()
    shown = _conversation(machine)
    assert "The user's answer: Red, Blue" in shown
    assert '/it says "hi"' in shown
    assert "asks nothing now" in machine.refused("answer", "p", "1")
    machine.ok("merge", "p")
    assert machine.git("show", "main:made.txt") == "a b"
    assert machine.git("show", "main:more.txt") == "and more"
    assert (machine.home / "agent" / "settings.json").read_bytes() == settings
    assert not (machine.home / ".pi").exists()
    assert not {"extensions", "models.json", "trust.json"} & set(_users_files(machine))


def test_an_answer_in_the_pane_counts_as_well(machine: Agents) -> None:
    _start(machine, {"use": [_run("touch made.txt")]}, {"say": "Done."})
    _blocked(machine)
    keys = ["tmux", "-L", machine.server().socket, "send-keys", "-t", _blocked(machine)["id"], "Enter"]
    subprocess.run(keys, env=machine.env, check=True)
    machine.ok("wait", "p", "--for", "done", "--timeout", "30")
    assert "asks nothing now" in machine.refused("answer", "p", "y")


def test_no_ends_the_turn_and_no_with_words_goes_on(machine: Agents) -> None:
    _start(machine, {"say": "May I?", "use": [_run("touch never.txt")]}, {"say": "Without it."})
    _blocked(machine)
    machine.ok("answer", "p", "n")
    machine.ok("wait", "p", "--for", "idle,done", "--timeout", "30")
    assert machine.session("p")["said"] == "May I?"
    machine.ok("send", "p", "--", machine.prompt({"use": [_run("touch never.txt")]}, {"say": "As you like."}))
    _blocked(machine)
    machine.ok("answer", "p", "n", "--text", "use printf instead")
    machine.ok("wait", "p", "--for", "done", "--timeout", "30")
    assert machine.session("p")["said"] == "As you like."
    assert "use printf instead" in _conversation(machine)


def test_interrupt_stop_and_resume(machine: Agents) -> None:
    _start(machine, {"say": "Hello."})
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    long = machine.prompt({"say": "Word by word it goes on. " * 60, "slow": 0.05}, words="!Two lines:\n/and more")
    machine.ok("send", "p", "--", long)
    machine.ok("wait", "p", "--for", "working", "--timeout", "20")
    machine.ok("interrupt", "p")
    machine.ok("wait", "p", "--for", "idle,done", "--timeout", "20")
    assert machine.session("p")["tokens"] == machine.model.tokens()
    machine.ok("stop", "p")
    ended = machine.session("p")
    assert ended["state"] == "exited", ended["why"]
    machine.ok("resume", "p")
    machine.ok("wait", "p", "--for", "idle", "--timeout", "30")
    machine.ok("send", "p", "--", machine.prompt({"say": "I am back."}, words="Are you there?"))
    machine.ok("wait", "p", "--for", "done", "--timeout", "30")
    again = machine.session("p")
    assert (again["said"], again["generation"]) == ("I am back.", 2)
    assert again["agent_session_id"] == ended["agent_session_id"]
    shown = _conversation(machine)
    assert "!Two lines:" in shown
    assert "Are you there?" in shown


def test_retries_and_failures_are_told(machine: Agents) -> None:
    _start(machine, {"say": "It went through.", "fail": {"status": 500, "times": 1}})
    machine.ok("wait", "p", "--for", "retrying", "--timeout", "40")
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    machine.ok("send", "p", "--", machine.prompt({"fail": {"status": 401}}))
    machine.ok("wait", "p", "--for", "failed", "--timeout", "40")
    assert machine.session("p")["why"].startswith("agent events: not signed in: 401")
    machine.ok("send", "p", "--", machine.prompt({"say": "Well again."}))
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    assert machine.session("p")["tokens"] == machine.model.tokens()


def test_a_killed_pi_comes_back_with_its_conversation(machine: Agents) -> None:
    _start(machine, {"say": "May I?", "use": [_run("touch made.txt")]}, {"say": "Done."})
    before = _blocked(machine)
    for pid in processes.of_session(before["pid"]):
        if pid != before["pid"]:
            os.kill(pid, signal.SIGKILL)
    machine.ok("wait", "p", "--for", "crashed", "--timeout", "10")
    machine.ok("resume", "p")
    machine.ok("wait", "p", "--for", "idle", "--timeout", "30")
    machine.ok("send", "p", "--", machine.prompt({"say": "I am back."}, words="Are you there?"))
    machine.ok("wait", "p", "--for", "done", "--timeout", "30")
    again = machine.session("p")
    assert (again["said"], again["agent_session_id"]) == ("I am back.", before["agent_session_id"])


def test_trust_stays_the_users_and_can_be_given_in_place(machine: Agents) -> None:
    machine.write(".pi/settings.json", "{}\n")
    machine.commit("Settings of pi")
    _start(machine, {"say": "Hello."})
    item = _blocked(machine)
    assert item["kind"] == "dialog"
    assert "trust" in item["question"]["title"]
    labels = [option["label"] for option in item["question"]["options"]]
    assert labels[0] == "Trust"
    assert labels[-1] == "Do not trust (this session only)"
    machine.ok("answer", "p", str(len(labels)))
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")


def test_a_provider_of_pi_at_another_address_is_counted_to_the_token(machine: Agents) -> None:
    machine.settings(f'[agents.pi]\nmodel = "anthropic/claude-sonnet-4-5"\nbase_url = "{machine.model.url}"\n')
    _start(machine, {"say": "I look.", "use": [_run("ls")]}, {"say": "All of it."})
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    item = machine.session("p")
    assert item["tokens"] == machine.model.tokens()
    assert item["tokens"]["cache_write"] > 0


def test_an_interrupt_leaves_the_dialog_and_stop_ends_what_is_blocked(machine: Agents) -> None:
    _start(machine, {"use": [_run("touch never.txt")]}, {"say": "Done."})
    _blocked(machine)
    machine.ok("interrupt", "p")
    machine.ok("wait", "p", "--for", "idle", "--timeout", "20")
    machine.ok("send", "p", "--", machine.prompt({"use": [_run("touch never.txt"), _run("ls")]}, {"say": "Done."}))
    _blocked(machine)
    machine.ok("stop", "p")
    ended = machine.session("p")
    assert ended["state"] == "exited"
    assert "exited with code 0" in ended["why"]


def test_always_holds_for_this_command_while_pi_runs(machine: Agents) -> None:
    steps = ({"use": [_run("echo x >> made.txt")]}, {"use": [_run("echo x >> made.txt")]}, {"use": [_run("ls")]})
    _start(machine, *steps, {"say": "Done."})
    _blocked(machine)
    machine.ok("answer", "p", "a")
    assert _blocked(machine)["question"]["command"] == "ls"
    machine.ok("answer", "p", "y")
    machine.ok("wait", "p", "--for", "done", "--timeout", "20")
    machine.ok("merge", "p")
    assert machine.git("show", "main:made.txt") == "x\nx"


@pytest.mark.parametrize(
    ("env", "made"),
    [
        ({}, True),
        ({"ORCHESTRATOR_EVENTS": "/proc/none/events.jsonl"}, True),
        ({"ORCHESTRATOR_EVENTS": "/proc/none/events.jsonl", "ORCHESTRATOR_PI_PROVIDER": "{torn"}, True),
        ({"ORCHESTRATOR_EVENTS": "/proc/none/events.jsonl", "ORCHESTRATOR_PI_PERMISSION": "ask"}, False),
    ],
    ids=["nobody listens", "cannot tell", "torn provider", "nobody to ask"],
)
def test_the_extension_never_breaks_pi(machine: Agents, env: dict[str, str], made: bool) -> None:
    described = {"id": "mock-model", "contextWindow": 100000, "maxTokens": 8000, "input": ["text"]}
    provider = {"baseUrl": f"{machine.model.url}/v1", "api": "openai-completions", "apiKey": "k", "models": [described]}
    folder = machine.home / "agent"
    (folder / "models.json").write_text(json.dumps({"providers": {"mock": provider}}))
    extension = Path(agents.__file__).parent / "pi_extension.ts"
    prompt = machine.prompt({"use": [_run("touch made.txt")]}, {"say": "Over."})
    argv = ["pi", "--print", "--extension", str(extension), "--model", "mock/mock-model", "--", prompt]
    own = {**machine.env, "PI_CODING_AGENT_DIR": str(folder), "PI_OFFLINE": "1", **env}
    done = subprocess.run(argv, cwd=machine.repository, env=own, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "Over."
    assert (machine.repository / "made.txt").exists() is made


def test_without_a_permission_mode_pi_runs_at_once(machine: Agents) -> None:
    machine.settings(f'[agents.pi]\nmodel = "mock-model"\nbase_url = "{machine.model.url}/v1"\n')
    _start(machine, {"use": [_run("echo x > made.txt")]}, {"say": "Done."})
    machine.ok("wait", "p", "--for", "done", "--timeout", "40")
    machine.ok("merge", "p")
    assert machine.git("show", "main:made.txt") == "x"
