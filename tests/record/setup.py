"""What the recorder must know of an agent."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "sk-ant-dummy-0123456789012345678901234567890"


@dataclass(frozen=True)
class Scene:
    """Where a flow plays. ``url`` is the model server's; ``trusted``: the user has trusted the repository before."""

    home: Path
    repository: Path
    worktree: Path
    url: str
    trusted: bool = True


@dataclass(frozen=True)
class Setup:
    """``marks``: name of a moment -> regex (multi-line) on the raw screen that shows it.

    ``prepare(scene)`` sets the CLI up as its user would have it (files in the scene's home) and returns the environment
    to add. ``spec(scene)`` gives the fields of :class:`sessions.models.Spec` that differ from their defaults.
    ``without``: common flows that this agent cannot play, each with the reason. ``base``: a folder to record below.
    """

    program: str
    marks: Mapping[str, str]
    prepare: Callable[[Scene], Mapping[str, str]]
    spec: Callable[[Scene], Mapping[str, Any]] = lambda _scene: {}
    version: Callable[[str], str] = field(default=lambda program: _version(program))
    without: Mapping[str, str] = field(default_factory=dict)
    base: Path = Path("/tmp")


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
    if found is None:
        raise SystemExit(f"{program} --version tells no version: {said.stdout}{said.stderr}")
    return found[0]
