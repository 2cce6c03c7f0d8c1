"""restore(take()) is the identity, over random trees and whatever became of them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.worktrees.trees import Described, build, picture, wipe
from worktrees import restoring, snapshots
from worktrees.repository import Repository
from worktrees.restoring import Wish

NAMES = ("a.txt", "x", "y.log", ".env", "ü b", "-n", "new\nline", "q\"'\\", "\udcff", "tab\t", ":(top)", "*", "CON~1")
PARTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
FILES = st.tuples(st.binary(max_size=40), st.booleans())
LINKS = st.sampled_from(["x", "../outside", "/etc/passwd", "a.txt/none", "\udcff"])
TREES = st.dictionaries(PARTS, st.one_of(FILES, LINKS), max_size=7)


@pytest.fixture
def worktree(repository: Repository, tmp_path: Path) -> Path:
    return repository.create(tmp_path / "one", "agent/one", repository.resolve("HEAD"), session="s1").path


def ignored(path: str) -> bool:
    """As the repository's ``.gitignore`` says: ``*.log`` and ``.env``, also as a folder."""
    return any(part.endswith(".log") or part == ".env" for part in PurePosixPath(path).parts)


def in_an_ignored_folder(path: str) -> bool:
    return any(ignored(str(parent)) for parent in PurePosixPath(path).parents)


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example({}, {"a.txt": "x", ":(top)/a.txt": "x"})
@example({"x": (b"1", True)}, {"x/y.log": (b"2", False), "a.txt": "x"})
@example({"x/a.txt": (b"1", False)}, {"x": "../outside"})
@example({".env": (b"1", False)}, {".env/a.txt": (b"2", False)})
@given(TREES, TREES)
def test_restore_of_a_snapshot_is_the_identity(
    repository: Repository, worktree: Path, then: Described, now: Described
) -> None:
    then = {path: what for path, what in then.items() if not in_an_ignored_folder(path)}  # the stated limit
    now = {path: what for path, what in now.items() if not in_an_ignored_folder(path)}
    keep = (worktree / ".gitignore").read_bytes()
    wipe(worktree)
    build(worktree, {".gitignore": keep, **then})
    wanted = picture(worktree)
    taken = snapshots.take(worktree, "s1", "test", ignored=True)
    wipe(worktree)
    build(worktree, {".gitignore": keep, **now})
    spoiled = picture(worktree)
    wish = Wish(session="s1", name="one", branch="agent/one", to=taken)
    done = restoring.restore(repository, worktree, wish)
    left = {os.fsencode(name).decode("utf-8", "replace"): name for name in spoiled if ignored(name)}
    alone = {left[name] for name in done.left_alone}
    assert picture(worktree) == {**wanted, **{name: spoiled[name] for name in alone}}
    assert done.before is not None
    restoring.restore(repository, worktree, Wish(session="s1", name="one", branch="agent/one", to=done.before))
    back = picture(worktree)
    assert {name: back[name] for name in spoiled} == spoiled
    assert all(ignored(name) for name in back.keys() - spoiled.keys())
