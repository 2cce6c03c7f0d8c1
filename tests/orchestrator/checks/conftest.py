"""Real repositories, and an engine whose results go to a home of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from orchestrator.checks.definition import Check
from orchestrator.checks.engine import Engine, Job
from worktrees.git import run
from worktrees.repository import Repository, open_repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = tmp_path / "shop"
    root.mkdir()
    run(root, "init", "-q", "-b", "main")
    run(root, "config", "user.name", "Test")
    run(root, "config", "user.email", "test@localhost")
    (root / "a.txt").write_text("one\n")
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", "Begin")
    return open_repository(root)


@pytest.fixture
async def engine(repository: Repository) -> AsyncIterator[Engine]:
    made = Engine(2)
    yield made
    await made.close()


@pytest.fixture
def commit(repository: Repository) -> Callable[..., str]:
    """Commits files on top of main without a checkout being touched; gives the commit."""

    def make(message: str = "More", **files: str) -> str:
        for name, text in files.items():
            path = repository.root / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run(repository.root, "add", "-A")
        run(repository.root, "commit", "-q", "--allow-empty", "-m", message)
        return repository.resolve("HEAD")

    return make


@pytest.fixture
def job(repository: Repository) -> Callable[..., Job]:
    """A job of checks that are given as NAME=COMMAND or whole."""

    def make(
        commit: str = "HEAD", *whole: Check, base: str | None = None, env: dict[str, str] | None = None, **named: str
    ) -> Job:
        checks = (*whole, *(Check(name=name, command=command) for name, command in named.items()))
        given = {} if env is None else {"env": env}
        return Job(repository, repository.resolve(commit), checks, base=base, **given)  # type: ignore[arg-type]

    return make
