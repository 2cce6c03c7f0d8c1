"""What is written stays true: links resolve, commands exist, dependencies have reasons, no machine shows through."""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path

import pytest

from orchestrator.cli import parser

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SOURCES = sorted(
    path
    for folder in ("worktrees", "sessions", "orchestrator", "examples", "scripts", "docs", "benchmarks", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


def _commands() -> dict[str, argparse.ArgumentParser]:
    actions = parser()._actions
    choices = next(action for action in actions if isinstance(action, argparse._SubParsersAction)).choices
    return dict(choices)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_every_command_is_documented_and_exists() -> None:
    documented = set(re.findall(r"^## ([\w-]+)$", (ROOT / "docs" / "commands.md").read_text(), re.M))
    assert documented == set(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_option_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section is not None
    for action in _commands()[name]._actions:
        for option in action.option_strings:
            assert option in ("-h", "--help") or option in section[1], option


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_has_help_with_examples(name: str) -> None:
    said = _commands()[name].format_help()
    assert "examples:" in said
    assert f"orchestrator {name}" in said


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("]\n", text.index("dependencies = ["))]
    lines = [line for line in block.splitlines()[1:] if line.strip()]
    assert len(lines) == len(tomllib.loads(text)["project"]["dependencies"])
    assert all(re.search(r"#\s*\w+", line) for line in lines)


def test_versions_are_pinned_without_addresses() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    names = {re.split(r"==", line)[0].lower().replace("_", "-") for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for requirement in wanted:
        assert re.split(r"[><=;\s]", requirement)[0].lower().replace("_", "-") in names, requirement


def test_no_machine_shows_through() -> None:
    forbidden = re.compile(r"(/home/\w|/root/|/Users/\w|pypi\.org/simple|registry\.npmjs)")
    for path in [*SOURCES, *TEXTS]:
        if path.suffix in (".py", ".md", ".toml", ".sh", ".tcss", ""):
            found = forbidden.search(path.read_text())
            assert found is None, f"{path.relative_to(ROOT)}: {found[0] if found else ''}"
