"""Real repositories in temporary folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from worktrees.git import run
from worktrees.repository import Repository, open_repository


@pytest.fixture(autouse=True)
def _no_user_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n name = Test\n email = test@localhost\n[init]\n defaultBranch = main\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "shop"
    root.mkdir()
    run(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\ntwo\nthree\n")
    (root / ".gitignore").write_text("*.log\n.env\n")
    commit(root, "Begin")
    return open_repository(root)


def commit(root: Path, message: str) -> str:
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", message)
    return run(root, "rev-parse", "HEAD").strip()
