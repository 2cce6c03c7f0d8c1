from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worktrees.conftest import commit
from worktrees import snapshots
from worktrees.git import run
from worktrees.repository import Repository


def files_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def test_a_snapshot_holds_untracked_work_and_touches_neither_index_nor_tree(repository: Repository) -> None:
    root = repository.root
    (root / "a.txt").write_text("staged\n")
    run(root, "add", "a.txt")
    (root / "a.txt").write_text("and more\n")
    (root / "new.txt").write_text("new\n")
    index = root / ".git" / "index"
    before = (index.read_bytes(), index.stat().st_mtime_ns, files_of(root))
    taken = snapshots.take(root, "s1", "test")
    assert (index.read_bytes(), index.stat().st_mtime_ns, files_of(root)) == before
    assert run(root, "show", f"{taken.ref}:a.txt") == "and more\n"
    assert run(root, "show", f"{taken.ref}:new.txt") == "new\n"


def test_the_same_content_is_not_kept_twice(repository: Repository) -> None:
    first = snapshots.take(repository.root, "s1", "one")
    assert snapshots.take(repository.root, "s1", "two") == first.model_copy(
        update={"at": snapshots.listed(repository.root, "s1")[0].at}
    )
    (repository.root / "a.txt").write_text("x\n")
    assert snapshots.take(repository.root, "s1", "three").ref.endswith("/000002")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["a.txt", "b c.txt", "d/e.txt", "ü.txt", "-dash", "new\nline"]),
        st.binary(max_size=200),
        max_size=5,
    )
)
def test_restore_gives_back_every_byte(repository: Repository, content: dict[str, bytes]) -> None:
    root = repository.root
    for path in files_of(root):
        if path != ".gitignore":
            (root / path).unlink()
    for path, data in content.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    wanted = files_of(root)
    taken = snapshots.take(root, "s1", "before")
    for path in content:
        (root / path).write_bytes(b"ruined")
    (root / "stray").write_text("made later")
    kept = snapshots.restore(root, taken, "s1")
    assert files_of(root) == wanted
    assert run(root, "show", f"{kept.ref}:stray") == "made later"


def test_snapshots_are_listed_oldest_first_with_their_reason(repository: Repository) -> None:
    for number in range(3):
        (repository.root / "a.txt").write_text(f"{number}\n")
        snapshots.take(repository.root, "s1", f"turn {number}")
    commit(repository.root, "Later")
    assert [s.reason for s in snapshots.listed(repository.root, "s1")] == ["turn 0", "turn 1", "turn 2"]


def test_what_the_index_hides_from_git_is_kept(tmp_path: Path, repository: Repository) -> None:
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s1").path
    for option in ("--assume-unchanged", "--skip-worktree"):
        run(worktree, "update-index", option, "a.txt")
        (worktree / "a.txt").write_text(option + "\n")
        assert run(worktree, "status", "--porcelain") == ""
        taken = snapshots.take(worktree, "s1", "hidden")
        assert run(worktree, "show", f"{taken.ref}:a.txt") == option + "\n"
        run(worktree, "update-index", "--no-assume-unchanged", "--no-skip-worktree", "a.txt")


def test_an_edit_of_the_same_size_and_time_is_kept(repository: Repository) -> None:
    file = repository.root / "a.txt"
    for number in range(5):
        file.write_text(f"edit {number}\n")
        os.utime(file, ns=(1_000_000_000, 1_000_000_000))
        taken = snapshots.take(repository.root, "s1", "edit")
        assert run(repository.root, "show", f"{taken.ref}:a.txt") == f"edit {number}\n"


def test_a_repository_without_a_commit_inside_stops_no_snapshot(repository: Repository) -> None:
    run(repository.root, "init", "-q", "inner")
    (repository.root / "inner" / "f").write_text("x")
    (repository.root / "new.txt").write_text("new\n")
    taken = snapshots.take(repository.root, "s1", "test")
    assert taken.left_out == ("inner/",)
    assert run(repository.root, "show", f"{taken.ref}:new.txt") == "new\n"
