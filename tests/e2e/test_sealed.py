"""Real CLIs in a box: asked, answered, stopped, resumed and landed as any other."""

from __future__ import annotations

import json
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


def _gemini(agents: Agents) -> str:
    config = agents.home / ".gemini"
    config.mkdir()
    (config / "settings.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')
    (config / "trustedFolders.json").write_text(json.dumps({str(agents.state): "TRUST_FOLDER"}))
    agents.env["GEMINI_API_KEY"] = "dummy"
    return f'model = "gemini-2.5-pro"\nbase_url = "{agents.model.url}"\npermission_mode = "yolo"\n'


def _opencode(agents: Agents) -> str:
    agents.env |= {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    return f'model = "mock-model"\nbase_url = "{agents.model.url}/v1"\npermission_mode = "auto"\n'


def _pi(agents: Agents) -> str:
    return f'model = "mock-model"\nbase_url = "{agents.model.url}/v1"\npermission_mode = "bypass"\n'


@pytest.mark.parametrize(
    "agent",
    [pytest.param("gemini", marks=pytest.mark.nightly), pytest.param("opencode", marks=pytest.mark.nightly), "pi"],
)
def test_others_work_and_go_on_in_a_box(agents: Agents, agent: str) -> None:
    settings = {"gemini": _gemini, "opencode": _opencode, "pi": _pi}[agent](agents)
    agents.settings(f"[agents.{agent}]\n{settings}")
    use = {"tool": "run", "command": "echo one > one.txt", "why": "It is needed"}
    task = agents.prompt({"say": "I run a command.", "use": [use]}, {"say": "Done."})
    agents.ok("run", "--isolation", "sealed", "--agent", agent, "--name", "s", "--", task)
    _until(agents, "done")
    item = agents.session("s")
    assert (item["boxed"], item["said"]) == (True, "Done.")
    agents.ok("stop", "s")
    agents.ok("resume", "s")
    _until(agents, "idle,done")
    agents.ok("send", "s", "--", agents.prompt({"say": "I am back."}, words="Are you there?"))
    _until(agents, "done")
    again = agents.session("s")
    assert (again["said"], again["agent_session_id"]) == ("I am back.", item["agent_session_id"])
    agents.ok("merge", "s")
    assert agents.git("show", "main:one.txt") == "one"


def _until(agents: Agents, states: str) -> None:
    """opencode starts slowly: 6 s alone on a machine, 40 s beside others."""
    waited = [agents.run("wait", "s", "--for", states, "--timeout", "50")]
    while waited[-1].returncode and len(waited) < 3:
        waited.append(agents.run("wait", "s", "--for", states, "--timeout", "50"))
    assert waited[-1].returncode == 0, waited[-1].stderr + agents.ok("why", "s")
