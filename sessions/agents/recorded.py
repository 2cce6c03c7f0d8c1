"""The newest version of each CLI whose screens and signals were recorded, and what holds for one that is newer."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping

_NEWEST: Mapping[str, str] = {
    "claude": "2.1.330",
    "codex": "0.169.0",
    "opencode": "1.18.33",
    "gemini": "0.61.0",
    "pi": "0.87.1",
    "qwen": "0.24.4",
    "copilot": "1.0.102",
    "aider": "0.86.2",
}
RESTS: Mapping[str, str] = {
    "claude": "states rest on its session file and hooks; trust, login and the like only on the old screens",
    "codex": "states rest on OSC 7501 and hooks; plan approval, trust and the like only on the old screens",
    "opencode": "states rest on its event stream alone",
    "gemini": "states rest on its chat file and title; questions, trust and the like only on the old screens",
    "pi": "states rest on our extension; trust and the like only on the old screens",
    "qwen": "states rest on its dual output; trust and the like only on the old screens",
    "copilot": "states rest on its events file; trust and the like only on the old screens",
    "aider": "states rest on its log, history and terminal switches; questions only on the old screens",
}
"""What the state of a newer version rests on."""


def newest(agent: str) -> str | None:
    """None for an agent without recordings."""
    return _NEWEST.get(agent)


def installed(program: str) -> str | None:
    """What the program says of its version; None when it says nothing of the kind within 20 seconds."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else None


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
