"""A machine with the real agent CLIs, its own HOME, a dummy key and the scripted model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine
from tests.modelserver import ModelServer
from tests.nightly import NIGHTLY

KEY = "sk-ant-dummy-0123456789012345678901234567890"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow flows to the night, and say how many."""
    slow = [item for item in items if item.get_closest_marker("nightly")]
    if slow and not NIGHTLY:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
        print(f"E2E: {len(slow)} slow flows are left out; NIGHTLY=1 runs them too.", file=sys.stderr)  # noqa: T201


class Agents(Machine):
    """Both CLIs on PATH, set up as a user would have them."""

    def __init__(self, folder: Path, server: ModelServer, *, trusted: bool = True) -> None:
        super().__init__(folder)
        self.model = server
        binaries = os.environ.get("ORCHESTRATOR_E2E_BIN")
        assert binaries, "run it by: make e2e"
        self.env |= {
            "PATH": f"{binaries}:{self.env['PATH']}",
            "ANTHROPIC_API_KEY": KEY,
            "OPENAI_API_KEY": "sk-dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "SHELL": "/bin/sh",
            "TMPDIR": str(folder),
        }
        self._claude(trusted)
        self._codex(trusted)
        (self.home / ".claude").mkdir()
        (self.home / ".claude" / "settings.json").write_text('{"includeCoAuthoredBy": false}\n')

    def _claude(self, trusted: bool) -> None:
        about: dict[str, Any] = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        }
        if trusted:
            about["projects"] = {str(self.repository): {"hasTrustDialogAccepted": True}}
        (self.home / ".claude.json").write_text(json.dumps(about))

    def _codex(self, trusted: bool) -> None:
        trust = f'projects={{"{self.repository}"={{trust_level="trusted"}}}}'
        args = ["-c", trust] if trusted else []
        self.settings(
            f'[agents.claude]\nbase_url = "{self.model.url}"\n'
            f'[agents.codex]\nmodel = "mock-model"\nbase_url = "{self.model.url}/v1"\nargs = {json.dumps(args)}\n'
        )

    def own_files(self) -> dict[str, bytes]:
        """The user's agent configuration that nobody but the user may write."""
        names = (".claude/settings.json", ".config/orchestrator/config.toml")
        return {name: (self.home / name).read_bytes() for name in names}

    def prompt(self, *steps: dict[str, Any], words: str = "Please do the next thing.") -> str:
        return f"{words} [[steps:{json.dumps(steps)}]]"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def agents(tmp_path: Path, model: ModelServer) -> Iterator[Agents]:
    made = Agents(tmp_path / "m", model)
    yield made
    made.end()


@pytest.fixture
def strangers(tmp_path: Path, model: ModelServer) -> Iterator[Agents]:
    """A machine on which no agent trusts the repository yet."""
    made = Agents(tmp_path / "m", model, trusted=False)
    yield made
    made.end()


@pytest.fixture
def users_tmux(tmp_path: Path) -> Iterator[tuple[dict[str, str], Any]]:
    """The user's own tmux server on the default socket, and what it looks like."""
    folder = tmp_path / "t"
    folder.mkdir()
    env = {**os.environ, "TMUX_TMPDIR": str(folder)}
    env.pop("TMUX", None)
    subprocess.run(["tmux", "-f", os.devnull, "new-session", "-d", "-s", "mine", "cat"], env=env, check=True)

    def look() -> str:
        said = ""
        for words in (["list-panes", "-a"], ["show-options", "-g"], ["show-environment", "-g"], ["list-keys"]):
            said += subprocess.run(["tmux", *words], env=env, capture_output=True, text=True, check=True).stdout
        return said

    yield {"TMUX_TMPDIR": str(folder)}, look
    subprocess.run(["tmux", "kill-server"], env=env, check=False)
