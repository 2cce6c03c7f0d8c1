"""Real CLIs in a box: asked, answered, stopped, resumed and landed as any other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Agents


def _run(command: str) -> dict[str, Any]:
    return {"tool": "run", "command": command, "why": "It is needed"}


def _question(agents: Agents, after: str = "") -> dict[str, Any]:
    """The open question once it is another one than ``after``."""
    deadline = time.monotonic() + 60
    while (question := agents.session("s")["question"]) is None or question["id"] == after:
        assert time.monotonic() < deadline, agents.ok("why", "s")
        time.sleep(0.1)
    return dict(question)


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_sealed_agent_asks_and_its_work_lands(agents: Agents, agent: str) -> None:
    before = agents.own_files()
    about = (agents.home / ".claude.json").read_bytes()
    agents.write(
        "work.sh", f"echo one > one.txt; echo bad > {agents.repository}/README.md; git add -A; git commit -qm One"
    )
    agents.commit("Add a script")
    command = "sh work.sh"
    task = agents.prompt({"say": "I run a command.", "use": [_run(command)]}, {"say": "Done."})
    agents.ok("run", "--isolation", "sealed", "--agent", agent, "--name", "s", "--", task)
    trust = _question(agents)  # of a clone, which the agent takes for a new project
    assert trust["kind"] == "dialog"
    agents.ok("answer", "s", "y", "--question", trust["id"])
    question = _question(agents, after=trust["id"])
    assert question["command"] == command
    agents.ok("answer", "s", "y", "--question", question["id"])
    agents.ok("wait", "s", "--for", "done", "--timeout", "40")
    item = agents.session("s")
    assert (item["isolation"], item["boxed"]) == ("sealed", True)
    agents.ok("stop", "s")
    agents.ok("resume", "s")
    agents.ok("wait", "s", "--for", "idle", "--timeout", "30")
    agents.ok("send", "s", "--", agents.prompt({"say": "I am back."}, words="Are you there?"))
    agents.ok("wait", "s", "--for", "done", "--timeout", "30")
    again = agents.session("s")
    assert (again["said"], again["agent_session_id"]) == ("I am back.", item["agent_session_id"])
    assert agents.git("status", "--porcelain") == ""
    agents.ok("merge", "s")
    assert agents.git("show", "main:one.txt") == "one"
    assert agents.git("show", "main:README.md") == "hello"
    assert agents.own_files() == before
    assert (agents.home / ".claude.json").read_bytes() == about
    assert Path(again["worktree"]).is_dir()
