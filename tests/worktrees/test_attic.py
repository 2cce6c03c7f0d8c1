"""A removed session comes back as it was: path, branch, files, what was uncommitted, and what only a reflog knew."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.test_undo import newest, state
from worktrees import attic, operations
from worktrees.errors import CannotUndo, NotOurs, WorktreeExists
from worktrees.git import run, run_code
from worktrees.repository import Repository
from worktrees.undo import plan, tells, undo


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def drop(repository: Repository, path: Path, branch: str = "agent/x", session: str = "s") -> operations.Operation:
    return attic.remove(repository, path, branch, session=session, name="x", record='{"mine": 1}')


def busy(worktree: Path) -> None:
    """A worktree with everything that git tells apart."""
    (worktree / "b.txt").write_text("b\n")
    (worktree / "run.sh").write_text("#!/bin/sh\n")
    commit(worktree, "B")
    (worktree / "a.txt").write_text("edited\n")
    (worktree / "b.txt").unlink()
    (worktree / "run.sh").chmod(0o755)
    (worktree / "link").symlink_to("a.txt")
    (worktree / "ü b").mkdir()
    (worktree / "ü b" / "new\nline").write_bytes(b"\0\xff")
    (worktree / ".env").write_text("KEY=1\n")


def test_a_session_comes_back_with_all_of_its_work(repository: Repository, worktree: Path) -> None:
    busy(worktree)
    before = state(repository, worktree)
    done = drop(repository, worktree)
    assert not worktree.exists()
    assert not repository.has_branch("agent/x")
    (stored,) = attic.listed(repository)
    assert stored.attic is not None
    assert (stored.id, stored.attic.record) == (done.id, '{"mine": 1}')
    said = "\n".join(tells(repository, plan(repository, done)))
    assert f"the worktree {worktree} comes back" in said
    assert "the branch agent/x comes back at" in said
    undo(repository, done)
    assert state(repository, worktree) == before
    assert (worktree / ".env").read_text() == "KEY=1\n"
    assert attic.listed(repository) == ()


def test_it_can_be_removed_and_brought_back_again_and_again(repository: Repository, worktree: Path) -> None:
    busy(worktree)
    before = state(repository, worktree)
    for _round in range(3):
        undo(repository, drop(repository, worktree))
        assert state(repository, worktree) == before
    with pytest.raises(CannotUndo, match="x came back"):
        undo(repository, newest(repository))
    (worktree / "more.txt").write_text("worked on\n")
    drop(repository, worktree)
    undo(repository, newest(repository))
    assert (worktree / "more.txt").read_text() == "worked on\n"


def test_commits_that_only_the_reflog_knew_stay_reachable(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("thrown away\n")
    thrown = commit(worktree, "Thrown away")
    run(worktree, "reset", "-q", "--hard", "HEAD~1")
    run(worktree, "checkout", "-q", "--detach")
    (worktree / "c.txt").write_text("detached\n")
    detached = commit(worktree, "Detached")
    run(worktree, "checkout", "-q", "agent/x")
    drop(repository, worktree)
    run(repository.root, "reflog", "expire", "--expire=now", "--all")
    run(repository.root, "gc", "-q", "--prune=now")
    assert run_code(repository.root, "cat-file", "-e", thrown, ok=(0, 1))[0] == 0
    assert run_code(repository.root, "cat-file", "-e", detached, ok=(0, 1))[0] == 0


def test_what_was_checked_out_instead_of_its_branch_is_checked_out_again(
    repository: Repository, worktree: Path
) -> None:
    run(worktree, "checkout", "-q", "-b", "by-hand")
    (worktree / "b.txt").write_text("b\n")
    before = state(repository, worktree)
    undo(repository, drop(repository, worktree))
    assert state(repository, worktree) == before
    run(worktree, "checkout", "-q", "--detach", "HEAD")
    before = state(repository, worktree)
    undo(repository, drop(repository, worktree))
    assert state(repository, worktree) == before


def test_a_branch_that_the_agent_deleted_comes_back_with_its_work(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    tip = commit(worktree, "B")
    (worktree / "c.txt").write_text("not committed\n")
    run(worktree, "checkout", "-q", "--detach")
    run(repository.root, "branch", "-D", "agent/x")
    undo(repository, drop(repository, worktree))
    assert run(worktree, "rev-parse", "HEAD").strip() == tip
    assert repository.has_branch("agent/x")
    assert (worktree / "c.txt").read_text() == "not committed\n"


def test_nothing_that_stands_in_its_place_is_touched(repository: Repository, worktree: Path) -> None:
    busy(worktree)
    done = drop(repository, worktree)
    worktree.mkdir()
    (worktree / "mine").write_text("mine\n")
    with pytest.raises(WorktreeExists):
        undo(repository, done)
    assert [path.name for path in worktree.iterdir()] == ["mine"]
    assert not repository.has_branch("agent/x")
    (worktree / "mine").unlink()
    worktree.rmdir()
    run(repository.root, "branch", "agent/x")
    with pytest.raises(CannotUndo, match="there is a branch agent/x again"):
        undo(repository, done)
    run(repository.root, "branch", "-D", "agent/x")
    undo(repository, done)
    assert (worktree / "a.txt").read_text() == "edited\n"


def test_what_is_not_ours_is_refused_and_no_operation_is_left(repository: Repository, worktree: Path) -> None:
    for path, branch in ((repository.root, "main"), (worktree, "main")):
        with pytest.raises(NotOurs):
            drop(repository, path, branch)
    assert operations.listed(repository) == ()


def test_pruning_forgets_what_is_old_and_tells_the_commits_before(repository: Repository, worktree: Path) -> None:
    busy(worktree)
    done = drop(repository, worktree)
    assert attic.prune(repository, done.at) == ()
    told: list[str] = []
    attic.prune(repository, done.at + timedelta(seconds=1), lambda going: told.extend(going[0].commits))
    assert done.attic is not None
    assert {done.attic.tip, done.attic.work} <= set(told)
    assert attic.listed(repository) == ()
    assert run(repository.root, "for-each-ref", "refs/orchestrator/attic", "refs/orchestrator/ops") == ""
