"""Which ignored files a snapshot holds, and which it names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worktrees import snapshots
from worktrees.git import run
from worktrees.ignored import Limits, usable
from worktrees.repository import Repository


@pytest.fixture
def root(repository: Repository) -> Path:
    (repository.root / ".gitignore").write_text("*.log\n.env\nbuild/\n")
    return repository.root


def held(root: Path, tree: str) -> set[str]:
    return set(filter(None, run(root, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")))


def test_small_ignored_files_are_held_and_a_large_one_is_named(root: Path) -> None:
    (root / ".env").write_text("KEY=1\n")
    (root / "big.log").write_bytes(b"x" * 2000)
    taken = snapshots.take(root, "s1", "test", ignored=True, limits=Limits(file_bytes=1000))
    assert held(root, taken.tree) == {".env", ".gitignore", "a.txt"}
    assert taken.left_out == ("big.log",)
    assert snapshots.listed(root, "s1") == (taken.model_copy(update={"at": snapshots.listed(root, "s1")[0].at}),)


def test_what_does_not_fit_in_all_is_left_out_largest_first(root: Path) -> None:
    for name, size in (("a.log", 500), ("b.log", 90), ("c.log", 400)):
        (root / name).write_bytes(b"x" * size)
    taken = snapshots.take(root, "s1", "test", ignored=True, limits=Limits(total_bytes=500))
    assert {"b.log", "c.log"} < held(root, taken.tree)
    assert taken.left_out == ("a.log",)


def test_an_ignored_folder_is_left_out_but_for_the_files_that_are_named(root: Path) -> None:
    (root / "build" / "deep").mkdir(parents=True)
    for name in ("build/out.js", "build/my.local", "build/deep/my.local"):
        (root / name).write_text(name)
    taken = snapshots.take(root, "s1", "test", ignored=True, limits=Limits(inside=("build/*.local",)))
    assert held(root, taken.tree) == {"build/my.local", ".gitignore", "a.txt"}
    assert taken.left_out == ("build/",)


def test_a_pattern_never_leads_out_of_the_worktree(root: Path, tmp_path: Path) -> None:
    assert [usable(pattern) for pattern in ("../*", "/etc/*", "build/../../x", ".git/config", "")] == [False] * 5
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.local").write_text("secret")
    (root / "build").mkdir()
    (root / "build" / "link").symlink_to(outside)
    taken = snapshots.take(root, "s1", "test", ignored=True, limits=Limits(inside=("build/*/*.local", "build/**/*")))
    assert held(root, taken.tree) == {".gitignore", "a.txt", "build/link"}
    assert run(root, "cat-file", "-p", f"{taken.tree}:build/link") == str(outside)


def test_names_that_are_no_text_are_named_as_far_as_they_can_be(root: Path) -> None:
    for name in (b"\xff.log", b"two\nlines.log", b'"q".log'):
        (root / os.fsdecode(name)).write_bytes(b"xx")
    taken = snapshots.take(root, "s1", "test", ignored=True, limits=Limits(file_bytes=1))
    assert set(taken.left_out) == {"\N{REPLACEMENT CHARACTER}.log", "two\nlines.log", '"q".log'}
    assert snapshots.listed(root, "s1")[0].left_out == taken.left_out


def test_a_snapshot_is_taken_though_the_branch_is_gone(root: Path) -> None:
    run(root, "update-ref", "-d", "refs/heads/main")
    taken = snapshots.take(root, "s1", "test")
    assert taken.parent == ""
    assert "a.txt" in held(root, taken.tree)
    assert snapshots.take(root, "s1", "again").ref == taken.ref


def test_two_that_are_taken_at_once_never_replace_each_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = snapshots.take(root, "s1", "one")
    (root / "a.txt").write_text("two\n")
    run(root, "update-ref", "refs/orchestrator/snap/s1/000002", first.commit)  # another one was faster
    monkeypatch.setattr(snapshots, "latest", lambda *_: first)
    second = snapshots.take(root, "s1", "two")
    assert second.ref.endswith("/000003")
    assert run(root, "rev-parse", "refs/orchestrator/snap/s1/000002").strip() == first.commit
