"""Settings: where they are read, who wins, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.commands import Refused
from orchestrator.config import load_settings, settings_path
from worktrees.models import Method


def _user(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return {"ORCHESTRATOR_CONFIG": str(path), "HOME": str(tmp_path)}


def test_without_files_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"HOME": str(tmp_path)})
    assert settings.run.branch_prefix == "agent/"
    assert settings.merge.method is Method.SQUASH
    assert settings.agents == {}


def test_the_path_follows_the_callers_environment() -> None:
    assert settings_path({"HOME": "/h"}) == Path("/h/.config/orchestrator/config.toml")
    assert settings_path({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == Path("/x/orchestrator/config.toml")
    assert settings_path({"HOME": "/h", "ORCHESTRATOR_CONFIG": "/f.toml"}) == Path("/f.toml")


def test_the_repository_wins_key_by_key(tmp_path: Path) -> None:
    env = _user(tmp_path, '[run]\nagent = "codex"\nbase = "dev"\n[merge]\nmethod = "ff"\n')
    (tmp_path / ".orchestrator.toml").write_text('[run]\nbase = "main"\n[worktree]\ncopy = [".env"]\n')
    settings = load_settings(tmp_path, env)
    assert (settings.run.agent, settings.run.base, settings.merge.method) == ("codex", "main", Method.FF)


def test_a_repository_cannot_say_which_program_is_an_agent(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator.toml").write_text('[agents.claude]\ncommand = ["./evil"]\n')
    with pytest.raises(Refused, match="may not"):
        load_settings(tmp_path, {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run\n", "cannot be read"),
        ("[run]\nagnet = 'x'\n", "run.agnet"),
        ("[merge]\nmethod = 'octopus'\n", "merge.method"),
        ("[agents.claude]\nargs = 'x'\n", "agents.claude.args"),
        ("[run]\nbranch_prefix = '--upload-pack=x'\n", "run.branch_prefix"),
        ("[colours]\n", "colours"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    env = _user(tmp_path, text)
    with pytest.raises(Refused, match=said) as caught:
        load_settings(None, env)
    assert "config.toml" in caught.value.message
    assert caught.value.hint
