"""Caps and rate limits with the real CLIs: held and let go on, parked and gone on with."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sessions import processes
from tests.e2e.conftest import Agents
from tests.e2e.test_flows import _run


@pytest.mark.nightly
@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_cap_holds_a_real_agent_and_a_yes_lets_it_finish(agents: Agents, agent: str) -> None:
    steps = [{"use": [_run(f"echo {n} >> steps")], "say": "Step.", "slow": 0.2} for n in range(5)]
    prompt = agents.prompt(*steps, {"say": "All done."})
    mode = "acceptEdits" if agent == "claude" else "danger-full-access"
    agents.ok("run", "--agent", agent, "--name", "one", "--permission-mode", mode, "--max-tokens", "1", "--", prompt)
    agents.ok("wait", "one", "--for", "blocked", "--timeout", "60")
    item = agents.session("one")
    assert item["kind"] == "budget"
    assert processes.held(item["pid"])
    spent = item["tokens"]["output"]
    time.sleep(3)  # nothing may happen, and that is no event
    assert agents.session("one")["tokens"]["output"] == spent
    agents.ok("answer", "one", "a")
    agents.ok("wait", "one", "--for", "done", "--timeout", "90")
    steps_made = (Path(agents.session("one")["worktree"]) / "steps").read_text().split()
    assert steps_made == ["0", "1", "2", "3", "4"]


@pytest.mark.nightly
@pytest.mark.parametrize(("agent", "told"), [("claude", 0), ("codex", 1)])
def test_a_real_agent_at_its_limit_is_parked_and_goes_on_once(agents: Agents, agent: str, told: int) -> None:
    """Claude Code tries again by itself when the limit lifts, and nobody types into it meanwhile."""
    reset = int(time.time()) + (75 if agent == "claude" else 20)
    name = "anthropic-ratelimit-unified"
    headers = {f"{name}-status": "rejected", f"{name}-representative-claim": "five_hour"}
    headers |= {f"{name}-reset": str(reset), f"{name}-5h-status": "rejected", f"{name}-5h-reset": str(reset)}
    used_up = {"type": "usage_limit_reached", "message": "Reached", "plan_type": "plus", "resets_at": reset}
    fail = {"status": 429, "times": 1 if agent == "codex" else 7}
    fail |= {"headers": headers} if agent == "claude" else {"body": {"error": used_up}}
    agents.ok("run", "--agent", agent, "--name", "one", "--", agents.prompt({"say": "At last.", "fail": fail}))
    agents.ok("wait", "one", "--for", "rate_limited", "--timeout", "40")
    due = datetime.fromisoformat(agents.session("one")["parked_until"])
    assert datetime.now(UTC) < due <= datetime.fromtimestamp(reset, UTC) + timedelta(seconds=90)
    for _ in range(3):  # told to the minute, and waited for to the end of it
        agents.run("wait", "one", "--for", "done,idle", "--timeout", "50")
    assert agents.session("one")["state"] in ("done", "idle"), agents.run("log", "one").stdout
    assert agents.run("log", "one").stdout.count("it is told to go on") == told
    answer = {"claude": "At last.", "codex": "There is nothing more to do."}  # the latter to "continue"
    assert agents.session("one")["said"] == answer[agent]
