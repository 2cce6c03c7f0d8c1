"""The main job with the real Claude Code and Codex, both at once."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

from sessions import processes
from tests.e2e.conftest import Agents

ASK = {"tool": "ask", "question": "Which colour do you prefer?", "options": ["Red", "Blue"]}


def _run(tool_command: str, why: str) -> dict[str, Any]:
    return {"tool": "run", "command": tool_command, "why": why}


def test_from_a_task_to_a_merge(agents: Agents, users_tmux: Any) -> None:
    env, tmux = users_tmux
    agents.env |= env
    before, tmux_before = agents.own_files(), tmux()
    claude = agents.prompt(
        {"say": "I run a command first. " * 8, "slow": 0.02, "use": [_run("echo c > claude.txt", "Make a file")]},
        {"say": "I need a decision.", "use": [ASK]},
        {"say": "All of it is done."},
        words='It says "hi",\nit\'s 🎉 -x --y $HOME `id`:',
    )
    codex = agents.prompt(
        {"say": "I need more rights. " * 8, "slow": 0.02, "use": [_run("echo x > codex.txt", "May I write it?")]},
        {"use": [_run("echo and more > more.txt", "May I write more?")]},
        {"say": "Finished."},
        words="- a list that begins with a dash:",
    )
    agents.ok("run", "--agent", "claude", "--name", "c", "--", claude)
    agents.ok("run", "--agent", "codex", "--name", "x", "--", codex)
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "working", "--timeout", "30")
    for name, command in (("c", "echo c > claude.txt"), ("x", "echo x > codex.txt")):
        agents.ok("wait", name, "--for", "blocked", "--timeout", "40")
        item = agents.session(name)
        assert (item["state"], item["kind"]) == ("blocked", "permission"), item
        assert command in item["question"]["text"]
        assert item["question"]["command"] == command
        shown = agents.ok("show", name)
        assert command in shown
        agents.ok("answer", name, "y", "--question", item["question"]["id"])
    # Its own sandbox cannot be had in the network of the suite's own where bubblewrap is installed: so it asks again.
    agents.ok("wait", "x", "--for", "blocked", "--timeout", "30")
    agents.ok("answer", "x", "y")
    agents.ok("wait", "c", "--for", "blocked", "--timeout", "30")
    asked = agents.session("c")
    assert asked["kind"] == "question"
    assert asked["question"]["title"] == "Which colour do you prefer?"
    assert [option["label"] for option in asked["question"]["options"]][:2] == ["Red", "Blue"]
    stale = agents.refused("answer", "c", "1", "--question", "somethingelse")
    assert "asks something else" in stale
    agents.ok("answer", "c", "2")
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "done", "--timeout", "40")
    assert "asks nothing now" in agents.refused("answer", "c", "1")
    _tokens_equal(agents)
    for name in ("c", "x"):
        agents.ok("merge", name)
    assert agents.git("show", "main:claude.txt") == "c"
    assert agents.git("show", "main:codex.txt") == "x"
    assert agents.git("show", "main:more.txt") == "and more"
    assert agents.git("status", "--porcelain") == ""
    assert agents.own_files() == before
    assert tmux() == tmux_before


def _tokens_equal(agents: Agents) -> None:
    """Each session's tokens are those that the model server answered with, to the token."""
    answered: dict[str, dict[str, int]] = {}
    for record in agents.model.records():
        kind = "claude" if record["api"] == "anthropic" else "codex"
        total = answered.setdefault(kind, {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0})
        for key in total:
            total[key] += record["usage"][key]
    for item in agents.json("ls"):
        assert item["tokens"] == answered[item["agent"]], item["agent"]
        assert item["tokens"]["output"] > 0


def test_a_killed_daemon_loses_nothing_and_launches_nothing_twice(agents: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        task = agents.prompt({"say": "First.", "use": [_run(f"echo {name} > {name}.txt", "Write")]}, {"say": "Done."})
        agents.ok("run", "--agent", agent, "--name", name, "--", task)
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "blocked", "--timeout", "40")
    before = {item["name"]: item for item in agents.json("ls")}
    os.kill(agents.daemon_pid(), signal.SIGKILL)
    after = {item["name"]: item for item in agents.json("ls")}
    for name, item in before.items():
        for key in ("id", "pid", "generation", "state", "kind", "tokens", "worktree", "branch", "agent_session_id"):
            assert after[name][key] == item[key], (name, key)
        assert after[name]["question"]["id"] == item["question"]["id"]
        agents.ok("answer", name, "y", "--question", item["question"]["id"])
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "done", "--timeout", "40")
        agents.ok("merge", name)
        assert agents.git("show", f"main:{name}.txt") == name


def test_a_plan_is_shown_and_approved(agents: Agents) -> None:
    task = agents.prompt(
        {"use": [{"tool": "write", "path": "PLAN", "content": "# Plan\n\n1. Look\n2. Change\n"}]},
        {"say": "Here is my plan.", "use": [{"tool": "plan"}]},
        {"say": "Off I go."},
    )
    agents.ok("run", "--agent", "claude", "--name", "c", "--permission-mode", "plan", "--", task)
    agents.ok("wait", "c", "--for", "blocked", "--timeout", "40")
    item = agents.session("c")
    assert item["kind"] == "plan"
    assert "2. Change" in item["question"]["text"]
    agents.ok("answer", "c", "2")
    agents.ok("wait", "c", "--for", "done", "--timeout", "30")


def test_trust_stays_the_users_and_can_be_given_in_place(strangers: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        strangers.ok("run", "--agent", agent, "--name", name, "--", strangers.prompt({"say": "Hello."}))
    for name in ("c", "x"):
        strangers.ok("wait", name, "--for", "blocked", "--timeout", "40")
        item = strangers.session(name)
        assert item["kind"] == "dialog"
        assert "trust" in item["question"]["title"].lower()
        assert len(item["question"]["options"]) >= 2
        strangers.ok("answer", name, "y")
        strangers.ok("wait", name, "--for", "done", "--timeout", "40")


def test_send_interrupt_resume(agents: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        agents.ok("run", "--agent", agent, "--name", name, "--", agents.prompt({"say": "Hello."}))
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "done", "--timeout", "40")
        long = agents.prompt({"say": "Word by word it goes on. " * 60, "slow": 0.05}, words="!Two lines:\n/and more")
        agents.ok("send", name, "--", long)
        agents.ok("wait", name, "--for", "working", "--timeout", "20")
        agents.ok("interrupt", name)
        agents.ok("wait", name, "--for", "idle,done", "--timeout", "20")
        agents.ok("stop", name)
        ended = agents.session(name)
        assert ended["state"] == "exited", ended["why"]
        agents.ok("resume", name)
        agents.ok("wait", name, "--for", "idle", "--timeout", "30")
        agents.ok("send", name, "--", agents.prompt({"say": "I am back."}, words="Are you there?"))
        agents.ok("wait", name, "--for", "done", "--timeout", "30")
        again = agents.session(name)
        assert again["said"] == "I am back."
        assert again["agent_session_id"] == ended["agent_session_id"]
        assert again["generation"] == 2


def test_a_killed_agent_is_told_and_comes_back_with_its_conversation(agents: Agents) -> None:
    """Claude Code leaves its state file behind, which claims that it is blocked."""
    for name, agent in (("c", "claude"), ("x", "codex")):
        steps = ({"say": "May I?", "use": [_run(f"echo {name} > {name}.txt", "Write")]}, {"say": "Done."})
        agents.ok("run", "--agent", agent, "--name", name, "--", agents.prompt(*steps))
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "blocked", "--timeout", "40")
        before = agents.session(name)
        for pid in processes.of_session(before["pid"]):
            if pid != before["pid"]:
                os.kill(pid, signal.SIGKILL)
        agents.ok("wait", name, "--for", "crashed", "--timeout", "10")
        agents.ok("resume", name)
        agents.ok("wait", name, "--for", "idle", "--timeout", "30")
        agents.ok("send", name, "--", agents.prompt({"say": "I am back."}, words="Are you there?"))
        agents.ok("wait", name, "--for", "done", "--timeout", "30")
        again = agents.session(name)
        assert again["said"] == "I am back."
        assert again["agent_session_id"] == before["agent_session_id"]
        channels = [item["channel"] for item in agents.json("why", name)["evidence"]]
        assert {"c": "session-file", "x": "osc7501"}[name] in channels


def test_all_come_back_with_their_conversations_after_tmux_was_killed(agents: Agents) -> None:
    for name, agent in (("c", "claude"), ("x", "codex")):
        steps = ({"say": "I write.", "use": [_run(f"echo {name} > {name}.txt", "Write")]}, {"say": "The first turn."})
        agents.ok("run", "--agent", agent, "--name", name, "--", agents.prompt(*steps))
    before = {}
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "blocked", "--timeout", "40")
        agents.ok("answer", name, "y")
        agents.ok("wait", name, "--for", "done", "--timeout", "40")
        before[name] = agents.session(name)
    socket = agents.server().socket
    said = subprocess.run(
        ["tmux", "-L", socket, "display-message", "-p", "#{pid}"], env=agents.env, capture_output=True, check=True
    )
    os.kill(int(said.stdout), signal.SIGKILL)
    agents.wait_for_no_daemon()
    assert {item["name"]: item["state"] for item in agents.json("ls")} == {"c": "lost", "x": "lost"}
    for name in ("c", "x"):
        assert "The first turn." in agents.ok("show", name)
    assert agents.json("resume", "--all") == {"names": ["c", "x"], "failed": {}, "left": []}
    for name in ("c", "x"):
        agents.ok("wait", name, "--for", "idle", "--timeout", "30")
        agents.ok("send", name, "--", agents.prompt({"say": "I am back."}, words="Are you there?"))
        agents.ok("wait", name, "--for", "done", "--timeout", "30")
        again = agents.session(name)
        assert again["said"] == "I am back."
        for key in ("agent_session_id", "worktree", "branch"):
            assert again[key] == before[name][key], (name, key)
        assert again["recovered"] is not None
