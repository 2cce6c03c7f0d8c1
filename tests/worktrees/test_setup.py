from __future__ import annotations

from pathlib import Path

import pytest

from worktrees.errors import RecipeInvalid, SetupFailed, SetupNotTrusted
from worktrees.repository import Repository
from worktrees.setup import load_recipe, prepare


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def recipe(repository: Repository, text: str) -> None:
    (repository.root / ".orchestrator.toml").write_text(text)


def test_ignored_files_are_copied_and_linked_and_tracked_ones_left_alone(
    repository: Repository, worktree: Path
) -> None:
    (repository.root / ".env").write_text("KEY=1\n")
    (repository.root / "deps").mkdir()
    (repository.root / "a.txt").write_text("uncommitted in the main checkout\n")
    recipe(repository, '[worktree]\ncopy = [".env", "a.txt"]\nlink = ["deps"]\nports = 2\n')
    added = prepare(load_recipe(repository.root), repository.root, worktree, trusted=None)
    assert (worktree / ".env").read_text() == "KEY=1\n"
    assert (worktree / "deps").readlink() == repository.root / "deps"
    assert (worktree / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert added["ORCHESTRATOR_PORT"] == added["ORCHESTRATOR_PORT_0"] != added["ORCHESTRATOR_PORT_1"]


def test_commands_run_only_with_the_approval_of_exactly_them(repository: Repository, worktree: Path) -> None:
    recipe(repository, '[worktree]\nrun = ["echo $ORCHESTRATOR_PORT > ran"]\nports = 1\n')
    loaded = load_recipe(repository.root)
    for trusted in (None, "x", load_recipe(worktree).digest):
        with pytest.raises(SetupNotTrusted):
            prepare(loaded, repository.root, worktree, trusted=trusted)
    assert not (worktree / "ran").exists()
    added = prepare(loaded, repository.root, worktree, trusted=loaded.digest)
    assert (worktree / "ran").read_text().strip() == added["ORCHESTRATOR_PORT"]


def test_a_failing_command_is_named_with_its_output(repository: Repository, worktree: Path) -> None:
    recipe(repository, '[worktree]\nrun = ["echo broken; false"]\n')
    loaded = load_recipe(repository.root)
    with pytest.raises(SetupFailed, match="broken"):
        prepare(loaded, repository.root, worktree, trusted=loaded.digest)


@pytest.mark.parametrize(
    "text",
    ["[worktree", "[worktree]\ncopy = 3\n", "[worktree]\nports = 99\n", "[worktree]\nnope = 1\n"],
)
def test_a_wrong_recipe_is_named_with_its_file(repository: Repository, text: str) -> None:
    recipe(repository, text)
    with pytest.raises(RecipeInvalid, match=r"\.orchestrator\.toml"):
        load_recipe(repository.root)


@pytest.mark.parametrize("pattern", ["../x", "/etc/passwd", ".git/config", "out/*"])
def test_a_recipe_never_leads_out_of_the_repository(repository: Repository, worktree: Path, pattern: str) -> None:
    (repository.root / "out").symlink_to("/etc")
    recipe(repository, f'[worktree]\ncopy = ["{pattern}"]\n')
    with pytest.raises(RecipeInvalid, match="leads out"):
        prepare(load_recipe(repository.root), repository.root, worktree, trusted=None)
