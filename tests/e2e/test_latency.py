"""From the agent's own change of state to ``blocked`` in the ledger, over several prompts for each CLI."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator import client
from tests.e2e.conftest import Agents
from tests.nightly import NIGHTLY

PROMPTS = 20 if NIGHTLY else 8


@pytest.fixture
def here(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> Agents:
    """This process speaks to the machine's daemon itself: a process a question would cost more than is measured."""
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(agents.state))
    return agents


def test_blocked_is_in_the_ledger_at_once(here: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        here.ok("run", "--agent", agent, "--name", name, "--", here.prompt({"say": "Ready."}))
        here.ok("wait", name, "--for", "done", "--timeout", "40")
    with ThreadPoolExecutor(2) as pool:
        claude = pool.submit(_measure, here, "c", _claude_at)
        codex = pool.submit(_measure, here, "x", _codex_at)
        found = {"claude": claude.result(), "codex": codex.result()}
    print()  # noqa: T201
    for agent, values in found.items():
        middle, worst = statistics.median(values), max(values)
        print(f"{agent:<7} {len(values)} prompts: median {middle:.0f} ms, maximum {worst:.0f} ms")  # noqa: T201
        assert len(values) == PROMPTS
    out = os.environ.get("ORCHESTRATOR_E2E_OUT")
    if out:
        Path(out).write_text(json.dumps(found))


def _measure(agents: Agents, name: str, own_time: Any) -> list[float]:
    session = agents.session(name)["id"]
    folder = agents.state / "sessions" / session
    tail = Tail(folder / "pane.log", b"7501;state=blocked")
    values = []
    for number in range(PROMPTS):
        steps = (
            {"say": "Now.", "use": [{"tool": "run", "command": f"touch file-{number}", "why": "Make it"}]},
            {"say": "Done."},
        )
        seq = client.request("GET", "/v1/about")[1]["seq"]
        sent_at = time.time()
        _call("send", session=name, text=agents.prompt(*steps, words=f"Number {number}."))
        envelope = _until(session, seq, "blocked")
        values.append((_time(envelope["at"]) - own_time(envelope, tail, sent_at)) * 1000)
        question = agents_question(name)
        _call("answer", session=name, choice="y", question=question)
        _until(session, envelope["seq"], "done")
    return values


def agents_question(name: str) -> str:
    """The id of the open question, once its options are known."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = client.request("GET", "/v1/fleet?json=ls")[1]["sessions"]
        question = next(row for row in rows if row["name"] == name)["question"]
        if question is not None and question["options"]:
            return str(question["id"])
        time.sleep(0.02)
    raise AssertionError(f"{name} shows no question")


def _claude_at(envelope: dict[str, Any], _tail: Tail, _sent_at: float) -> float:
    """Claude Code writes the moment of its change into its own session file."""
    why = envelope["event"]["status"]["why"]
    return _time(next(item["at"] for item in why if item["channel"] == "session-file"))


def _codex_at(_envelope: dict[str, Any], tail: Tail, sent_at: float) -> float:
    """Codex tells by OSC 7501; the kernel stamps the write of the pane's bytes (at most 4 ms too early)."""
    return tail.since(sent_at)


class Tail:
    """When a mark last appeared in a growing file; looked at every millisecond."""

    def __init__(self, path: Path, mark: bytes) -> None:
        self._path, self._mark = path, mark
        self._at = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def since(self, moment: float) -> float:
        """When the bytes with the mark were written, after ``moment``."""
        deadline = time.monotonic() + 5
        while self._at < moment:
            assert time.monotonic() < deadline, "the observer saw no change"
            time.sleep(0.001)
        return self._at

    def _watch(self) -> None:
        offset = self._path.stat().st_size if self._path.exists() else 0
        while True:
            about = self._path.stat() if self._path.exists() else None
            size = about.st_size if about is not None else 0
            if about is not None and size > offset:
                with self._path.open("rb") as file:
                    file.seek(max(0, offset - 64))
                    data = file.read(size - max(0, offset - 64))
                if self._mark in data[max(0, min(64, offset) - len(self._mark) + 1) :]:
                    self._at = about.st_mtime
                offset = size
            time.sleep(0.001)


def _until(session: str, after: int, state: str) -> dict[str, Any]:
    for envelope in client.stream(f"/v1/events?after={after}", time.monotonic() + 30):
        event = envelope["event"]
        if envelope["session"] == session and event["event"] == "status" and event["status"]["state"] == state:
            return envelope
    raise AssertionError(f"{session} did not become {state}")


def _call(verb: str, **fields: Any) -> None:
    status, said = client.request("POST", "/v1/call", {"verb": verb, **fields}, 60)
    assert status == 200, said


def _time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
