"""Tokens four ways: what the model's server answered, what we counted live, what we read from the agents' own files
afterwards, and what tokscale makes of the same files. One line for each agent is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Agents
from tests.machine import Machine

KEYS = ("input", "output", "cache_read", "cache_write")
SLOW = pytest.mark.nightly


def _gemini(machine: Agents) -> str:
    folder = machine.home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    (folder / "trustedFolders.json").write_text(json.dumps({str(machine.state): "TRUST_FOLDER"}))
    machine.env["GEMINI_API_KEY"] = "dummy"
    return f'[agents.gemini]\nmodel = "gemini-2.5-pro"\nbase_url = "{machine.model.url}"\n'


def _opencode(machine: Agents) -> str:
    machine.env |= {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    return f'[agents.opencode]\nmodel = "mock-model"\nbase_url = "{machine.model.url}/v1"\n'


def _pi(machine: Agents) -> str:
    return f'[agents.pi]\nmodel = "mock-model"\nbase_url = "{machine.model.url}/v1"\n'


PREPARED = {"gemini": _gemini, "opencode": _opencode, "pi": _pi}


def _sums(rows: list[dict[str, Any]], names: tuple[str, ...] = KEYS) -> dict[str, int]:
    return {key: sum(row[name] for row in rows) for key, name in zip(KEYS, names, strict=True)}


def _by_tokscale(machine: Agents, agent: str) -> dict[str, int]:
    program = Path(os.environ["ORCHESTRATOR_E2E_BIN"]).parent / "@tokscale" / "cli-linux-x64-gnu" / "bin" / "tokscale"
    words = ["models", "--json", "--no-spinner", "--client", agent, "--home", str(machine.home)]
    done = subprocess.run([program, *words], env=machine.env, capture_output=True, text=True, check=True)
    entries = json.loads(done.stdout)["entries"]
    sums = _sums(entries, ("input", "output", "cacheRead", "cacheWrite"))
    if agent == "gemini":  # tokscale tells Gemini's thoughts apart from its output; here output includes them
        sums["output"] += sum(entry["reasoning"] for entry in entries)
    return sums


def _imported(machine: Agents, tmp_path: Path, agent: str) -> dict[str, int]:
    """What another user's orchestrator, who never saw the session, reads from the same home; twice, counted once."""
    other = Machine(tmp_path / "other")
    other.env["HOME"] = str(machine.home)
    try:
        assert other.json("import-usage")["responses"] > 0
        assert other.json("import-usage")["responses"] == 0
        groups = other.json("stats", "--since", "all", "--by", "agent")["groups"]
        return _sums([group["spending"] for group in groups if group["key"] == agent])
    finally:
        other.end()


@pytest.mark.parametrize(
    "agent", ["claude", "codex", "pi", pytest.param("gemini", marks=SLOW), pytest.param("opencode", marks=SLOW)]
)
def test_everybody_counts_the_same(agents: Agents, tmp_path: Path, agent: str) -> None:
    config = agents.home / ".config" / "orchestrator" / "config.toml"
    if agent in PREPARED:
        config.write_text(config.read_text() + PREPARED[agent](agents))
    steps = (
        {"say": "First I look around. " * 5, "use": [{"tool": "read", "path": "README.md"}]},
        {"think": "Is that all?", "say": "That was the first of it.", "usage": {"reasoning": 5}},
    )
    agents.ok("run", "--agent", agent, "--name", "u", "--", agents.prompt(*steps))
    agents.ok("wait", "u", "--for", "done,idle", "--timeout", "60")
    agents.ok("send", "u", agents.prompt({"say": "And the second. " * 3}, words="Go on."))
    server = agents.model.tokens
    agents.until("u", lambda: len(agents.model.records()) >= 3 and agents.session("u")["state"] == "done")
    agents.until("u", lambda: agents.session("u")["tokens"] == server())  # the last one is told a moment later
    counted = {"server": server(), "live": agents.session("u")["tokens"], "tokscale": _by_tokscale(agents, agent)}
    counted["import-usage"] = _imported(agents, tmp_path, agent)
    for who, sums in counted.items():
        told = ", ".join(f"{key} {value}" for key, value in sums.items())
        print(f"{agent:9} {who:12} {told}")  # noqa: T201
    assert all(sums == counted["server"] for sums in counted.values()), counted
