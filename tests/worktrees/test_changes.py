from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees.changes import diff, drift, head, resting_at, totals
from worktrees.git import run
from worktrees.models import ChangeKind
from worktrees.repository import Repository


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def test_totals_count_commits_changes_and_untracked_files(worktree: Path, repository: Repository) -> None:
    (worktree / "b.txt").write_text("1\n2\n")
    commit(worktree, "B")
    (worktree / "a.txt").write_text("one\nTWO\nthree\n")
    (worktree / "c.txt").write_text("new\n")
    counted = totals(worktree, "main")
    assert (counted.files, counted.added, counted.removed, counted.uncommitted) == (3, 4, 1, 2)


def test_what_the_target_did_meanwhile_is_not_counted(worktree: Path, repository: Repository) -> None:
    (repository.root / "theirs.txt").write_text("x\n")
    commit(repository.root, "Theirs")
    assert totals(worktree, "main").files == 0
    assert drift(worktree, "main").behind == 1
    assert head(worktree)[0] == "agent/x"


def test_hunks_carry_numbers_of_both_sides(worktree: Path) -> None:
    (worktree / "a.txt").write_text("one\nTWO\nthree\nfour")
    (change,), patch = diff(worktree, "main")
    assert (change.kind, change.path, change.added, change.removed) == (ChangeKind.MODIFIED, "a.txt", 2, 1)
    (hunk,) = change.hunks
    assert [(line.sign, line.old, line.new, line.text) for line in hunk.lines] == [
        (" ", 1, 1, "one"),
        ("-", 2, None, "two"),
        ("+", None, 2, "TWO"),
        (" ", 3, 3, "three"),
        ("+", None, 4, "four"),
        ("\\", None, None, "No newline at end of file"),
    ]
    assert "+TWO" in patch


def test_every_kind_of_change_is_told(worktree: Path) -> None:
    (worktree / "moved.txt").write_text("".join(f"line {n}\n" for n in range(30)))
    (worktree / "gone.txt").write_text("x\n")
    base = commit(worktree, "More")
    run(worktree, "mv", "moved.txt", "to here.txt")
    (worktree / "gone.txt").unlink()
    (worktree / "pic.png").write_bytes(b"\x89PNG\x00\x01\x02" * 9)
    (worktree / "link").symlink_to("/etc/passwd")
    (worktree / "-x\n ü").write_text("a\n")
    os.close(os.open(os.fsencode(worktree) + b"/bad\xff", os.O_CREAT))
    changes = {change.path: change for change in diff(worktree, base)[0]}
    assert changes["to here.txt"].kind is ChangeKind.RENAMED
    assert changes["to here.txt"].old_path == "moved.txt"
    assert changes["gone.txt"].kind is ChangeKind.DELETED
    assert changes["pic.png"].binary
    assert changes["pic.png"].untracked
    assert not changes["gone.txt"].untracked
    assert not changes["to here.txt"].untracked
    assert changes["link"].hunks[0].lines[0].text == "/etc/passwd"
    assert changes["-x\n ü"].added == 1
    assert changes["bad‹xFF›"].untracked


def test_looking_never_writes_the_index(worktree: Path) -> None:
    index = Path(run(worktree, "rev-parse", "--path-format=absolute", "--git-path", "index").strip())
    (worktree / "new.txt").write_text("x\n")
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    totals(worktree, "main")
    diff(worktree, "main")
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
    assert run(worktree, "status", "--porcelain").strip() == "?? new.txt"


def test_a_removed_line_that_looks_like_a_header_stays_a_line(worktree: Path) -> None:
    (worktree / "a.txt").write_text("one\ndiff --git a/x b/x\n@@ -1 +1 @@\nthree\n")
    (change,), _ = diff(worktree, "main")
    assert [line.text for line in change.hunks[0].lines if line.sign == "+"] == ["diff --git a/x b/x", "@@ -1 +1 @@"]


def test_a_worktree_rests_at_its_commit_until_anything_is_uncommitted(worktree: Path) -> None:
    tip = run(worktree, "rev-parse", "HEAD").strip()
    assert resting_at(worktree) == tip
    (worktree / "new.txt").write_text("x\n")
    assert resting_at(worktree) is None
    assert resting_at(worktree) is None
    tip = commit(worktree, "New")
    assert resting_at(worktree) == tip


def test_hunks_stay_with_their_file_when_one_before_became_a_link(worktree: Path) -> None:
    (worktree / "a.txt").unlink()
    (worktree / "a.txt").symlink_to("elsewhere")
    (worktree / "z.txt").write_text("last\n")
    (link, last), _ = diff(worktree, "main")
    assert (link.kind, [line.text for hunk in link.hunks for line in hunk.lines if line.sign == "+"]) == (
        ChangeKind.TYPE,
        ["elsewhere"],
    )
    assert [line.text for hunk in last.hunks for line in hunk.lines] == ["last"]
