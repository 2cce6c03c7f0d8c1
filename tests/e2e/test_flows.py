"""What people meet less often, with the real Claude Code and Codex: answered in place, called what it is, counted."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions import processes
from sessions.agents.claude import Claude
from tests.e2e.conftest import Agents


def _choices(*labels: str) -> list[dict[str, str]]:
    return [{"label": label, "description": f"take {label}"} for label in labels]


def _run(tool_command: str) -> dict[str, Any]:
    return {"tool": "run", "command": tool_command, "why": "It is needed"}


def _blocked(agents: Agents, name: str) -> dict[str, Any]:
    agents.ok("wait", name, "--for", "blocked", "--timeout", "40")
    question = agents.session(name)["question"]
    assert question is not None
    return dict(question)


def _answer(agents: Agents, name: str, question: dict[str, Any], *words: str) -> None:
    agents.ok("answer", name, *words, "--question", question["id"])


def _signal(agents: Agents, number: signal.Signals) -> None:
    """To everything in the panes but the start scripts, as somebody else would do it."""
    for item in agents.json("ls"):
        for pid in processes.of_session(item["pid"]):
            if pid != item["pid"]:
                with suppress(ProcessLookupError):  # a short-lived one
                    os.kill(pid, number)


def test_questions_of_one_call_are_answered_one_by_one(agents: Agents) -> None:
    colour = {"question": "Which colour?", "header": "Colour", "multiSelect": False, "options": _choices("Red", "Blue")}
    sizes = {"question": "Which sizes?", "header": "Size", "multiSelect": True, "options": _choices("S", "M", "L")}
    asks = {"use": [{"tool": "AskUserQuestion", "input": {"questions": [colour, sizes]}}]}
    agents.ok("run", "--agent", "claude", "--name", "c", "--", agents.prompt(asks, {"say": "Thank you."}))
    first = _blocked(agents, "c")
    assert (first["title"], first["multiple"]) == ("Which colour?", False)
    assert [option["label"] for option in first["options"]] == ["Red", "Blue"]
    _answer(agents, "c", first, "2")
    second = _blocked(agents, "c")
    assert (second["title"], second["multiple"]) == ("Which sizes?", True)
    assert [option["label"] for option in second["options"]] == ["S", "M", "L"]
    assert "asks something else" in agents.refused("answer", "c", "1", "--question", first["id"])
    _answer(agents, "c", second, "1,3")
    review = _blocked(agents, "c")
    assert review["title"] == "Submit your answers?"
    _answer(agents, "c", review, "1")
    agents.ok("wait", "c", "--for", "done", "--timeout", "20")
    (transcript,) = (agents.home / ".claude" / "projects").glob("*/*.jsonl")
    deadline = time.monotonic() + 10
    while "Which sizes?" not in (told := _told(transcript)):  # it is written a moment after the turn's end
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    assert '"Which colour?"="Blue"' in told
    assert '"Which sizes?"="S, L"' in told


def _told(transcript: Path) -> str:
    """What the model was told of the answers."""
    return "\n".join(entry.text for entry in Claude().transcript(transcript) if entry.title == "result")


def test_commands_asked_for_at_once_are_answered_as_they_are_shown(agents: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        both = {"use": [_run("touch one.txt"), _run("touch two.txt")]}
        agents.ok("run", "--agent", agent, "--name", name, "--", agents.prompt(both, {"say": "Both are there."}))
    for name in ("c", "x"):
        first = _blocked(agents, name)
        _answer(agents, name, first, "y")
        second = _blocked(agents, name)
        assert {first["command"], second["command"]} == {"touch one.txt", "touch two.txt"}
        _answer(agents, name, second, "n" if second["command"] == "touch two.txt" else "y")
        agents.ok("wait", name, "--for", "done,idle", "--timeout", "30")
        made = Path(agents.session(name)["worktree"]) / first["command"].removeprefix("touch ")
        assert made.exists(), name
    assert agents.session("c")["state"] == "idle"  # refused: no turn was finished


def test_limits_tell_when_they_end_and_a_lost_sign_in_is_named(agents: Agents) -> None:
    reset = int(time.time()) + 3600
    name = "anthropic-ratelimit-unified"
    headers = {f"{name}-status": "rejected", f"{name}-representative-claim": "five_hour"}
    headers |= {f"{name}-reset": str(reset), f"{name}-5h-status": "rejected", f"{name}-5h-reset": str(reset)}
    used_up = {"type": "usage_limit_reached", "message": "Reached", "plan_type": "plus", "resets_at": reset}
    for called, agent, fail in (
        ("c", "claude", {"status": 429, "headers": headers}),
        ("x", "codex", {"status": 429, "body": {"error": used_up}}),
        ("out", "codex", {"status": 401}),
    ):
        agents.ok("run", "--agent", agent, "--name", called, "--", agents.prompt({"say": "Never said.", "fail": fail}))
    for called in ("c", "x"):
        agents.ok("wait", called, "--for", "rate_limited", "--timeout", "40")
        until = datetime.fromisoformat(agents.json("why", called)["evidence"][0]["until"])
        assert abs(until - datetime.fromtimestamp(reset, UTC)) <= timedelta(minutes=1), called
    agents.ok("wait", "out", "--for", "failed", "--timeout", "40")
    assert agents.json("why", "out")["evidence"][0]["saw"].startswith("not signed in: ")


def test_processes_that_somebody_stopped_do_not_claim_to_work(agents: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        long = agents.prompt({"say": "Word by word it goes on. " * 200, "slow": 0.1})
        agents.ok("run", "--agent", agent, "--name", name, "--", long)
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "working", "--timeout", "40")
    _signal(agents, signal.SIGSTOP)
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "paused", "--timeout", "15")
    _signal(agents, signal.SIGCONT)
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "working", "--timeout", "15")


def test_the_calls_that_sum_a_conversation_up_are_counted(agents: Agents) -> None:
    agents.ok("run", "--agent", "claude", "--name", "c", "--", agents.prompt({"say": "Hello."}))
    agents.ok("wait", "c", "--for", "done", "--timeout", "40")
    agents.ok("send", "c", "--", agents.prompt({"say": "Once more."}))
    agents.ok("wait", "c", "--for", "done", "--timeout", "40")
    tmux = ["tmux", "-L", agents.server().socket, "send-keys", "-t", f"={agents.session('c')['id']}:"]
    for keys in (["-l", "/compact"], ["Enter"]):
        subprocess.run([*tmux, *keys], env=agents.env, check=True)
    agents.ok("wait", "c", "--for", "working", "--timeout", "20")
    agents.ok("wait", "c", "--for", "done,idle", "--timeout", "40")
    agents.ok("stop", "c")
    answered = agents.model.tokens()
    assert agents.session("c")["tokens"] == answered
    assert answered["input"] > 2 * 900


def test_claude_ends_by_itself_though_a_dialog_is_open(agents: Agents) -> None:
    agents.ok("run", "--agent", "claude", "--name", "c", "--", agents.prompt({"use": [_run("touch one.txt")]}))
    _blocked(agents, "c")
    agents.ok("stop", "c")
    assert agents.session("c")["state"] == "exited"
    assert agents.json("why", "c")["evidence"][0]["saw"] == "exited with code 0"
