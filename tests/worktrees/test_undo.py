"""Undo gives exactly the refs and files from before, or refuses with the reason and touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.test_snapshots import files_of
from worktrees import operations
from worktrees.errors import CannotUndo, Conflicted, DirtyTarget
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.operations import Kind, Operation, State
from worktrees.repository import Repository
from worktrees.undo import plan, tells, undo


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def merge(repository: Repository, worktree: Path, method: Method = Method.SQUASH) -> Operation:
    landing = land(
        repository, worktree=worktree, session="s", name="x", target="main", method=method, message="Land it\n"
    )
    return newest(repository, landing.operation)


def newest(repository: Repository, prefix: str = "") -> Operation:
    log = operations.listed(repository)
    return operations.find(log, prefix) if prefix else log[0]


def state(repository: Repository, *worktrees: Path) -> tuple[object, ...]:
    """Every ref of people and ours but the log itself and snapshots, and every file."""
    refs = run(repository.root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
    made = run(repository.root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/orchestrator/made")
    roots = (repository.root, *worktrees)
    status = [run(root, "status", "--porcelain", "--branch") for root in roots]
    return refs, made, [files_of(root) for root in roots], status


@pytest.mark.parametrize("method", list(Method))
def test_a_landing_goes_back_and_forth(repository: Repository, worktree: Path, method: Method) -> None:
    (worktree / "b.txt").write_text("b\n")
    (worktree / "a.txt").unlink()
    commit(worktree, "B")
    before = state(repository, worktree)
    done = merge(repository, worktree, method)
    after = state(repository, worktree)
    going = plan(repository, done)
    said = "\n".join(tells(repository, going))
    assert "main goes back by 1 commit to" in said
    assert f"2 files change in {repository.root}" in said
    assert state(repository, worktree) == after, "a plan touches nothing"
    back = undo(repository, done)
    assert state(repository, worktree) == before
    assert (back.kind, back.state, back.undoes) == (Kind.UNDO, State.DONE, done.id)
    assert "goes forward again" in "\n".join(tells(repository, plan(repository, back)))
    redone = undo(repository, back)
    assert state(repository, worktree) == after
    assert redone.what == f"redid {back.id}: landed agent/x on main by {method}"
    undo(repository, redone)
    assert state(repository, worktree) == before


def test_what_the_landing_committed_is_an_operation_of_its_own(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("never committed\n")
    before = state(repository, worktree)
    undo(repository, merge(repository, worktree))
    committed = next(one for one in operations.listed(repository) if one.kind is Kind.COMMIT)
    assert "is uncommitted again" in "\n".join(tells(repository, plan(repository, committed)))
    undo(repository, committed)
    assert state(repository, worktree) == before


def test_a_target_that_moved_on_gets_a_commit_that_reverts(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    (worktree / "a.txt").write_text("one\ntwo\nTHREE\n")
    done = merge(repository, worktree)
    (repository.root / "c.txt").write_text("c\n")
    moved = commit(repository.root, "Later")
    assert "a commit on top takes it back" in "\n".join(tells(repository, plan(repository, done)))
    back = undo(repository, done)
    assert run(repository.root, "log", "-1", "--format=%s %P", "main").strip() == f'Revert "Land it" {moved}'
    assert files_of(repository.root) == {
        **files_of(repository.root),
        "a.txt": b"one\ntwo\nthree\n",
        "c.txt": b"c\n",
    }
    assert not (repository.root / "b.txt").exists()
    assert run(repository.root, "status", "--porcelain") == ""
    undo(repository, back)
    assert repository.resolve("main") == moved


def test_a_revert_that_would_conflict_is_refused(repository: Repository, worktree: Path) -> None:
    (worktree / "a.txt").write_text("one\nTHEIRS\nthree\n")
    done = merge(repository, worktree)
    (repository.root / "a.txt").write_text("one\nLATER\nthree\n")
    commit(repository.root, "Later")
    before = state(repository, worktree)
    with pytest.raises(Conflicted, match=r"a\.txt") as caught:
        undo(repository, done)
    assert "git revert" in caught.value.hint
    assert state(repository, worktree) == before


def test_what_was_pushed_is_reverted_and_never_taken_from_under_others(
    tmp_path: Path, repository: Repository, worktree: Path
) -> None:
    run(tmp_path, "init", "-q", "--bare", str(tmp_path / "remote.git"))
    run(repository.root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    (worktree / "b.txt").write_text("b\n")
    done = merge(repository, worktree)
    landed = repository.resolve("main")
    run(repository.root, "push", "-q", "origin", "main")
    undo(repository, done)
    assert run(repository.root, "log", "-1", "--format=%P", "main").strip() == landed
    assert not (repository.root / "b.txt").exists()


def test_a_dirty_checkout_is_refused_and_one_elsewhere_is_left_alone(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    done = merge(repository, worktree)
    (repository.root / "a.txt").write_text("mine\n")
    with pytest.raises(DirtyTarget):
        undo(repository, done)
    assert repository.resolve("main") == done.moves[0].after
    run(repository.root, "checkout", "-q", "-b", "other")
    undo(repository, done)
    assert repository.resolve("main") == done.moves[0].before
    assert (repository.root / "a.txt").read_text() == "mine\n"
    assert (repository.root / "b.txt").exists(), "the branch `other` has it"


def test_an_update_goes_back_unless_the_branch_moved_on(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "B")
    (repository.root / "c.txt").write_text("c\n")
    commit(repository.root, "C")
    before = state(repository, worktree)
    update_from_target(worktree, "s", "main")
    assert (worktree / "c.txt").exists()
    (worktree / "untracked.txt").write_text("new\n")
    undo(repository, newest(repository))
    (worktree / "untracked.txt").unlink()
    assert state(repository, worktree) == before
    update_from_target(worktree, "s", "main")
    update = newest(repository)
    (worktree / "d.txt").write_text("d\n")
    commit(worktree, "D")
    with pytest.raises(CannotUndo, match="agent/x has moved on by 1 commit since"):
        undo(repository, update)


def test_an_edit_of_what_it_touched_is_never_overwritten(repository: Repository, worktree: Path) -> None:
    (repository.root / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    commit(repository.root, "Four")
    update_from_target(worktree, "s", "main")
    update = newest(repository)
    (worktree / "a.txt").write_text("the agent went on\n")
    before = state(repository, worktree)
    with pytest.raises(CannotUndo, match="changed since"):
        undo(repository, update)
    assert state(repository, worktree) == before


def test_an_operation_is_undone_once_and_the_reason_names_the_way_back(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    done = merge(repository, worktree)
    back = undo(repository, done)
    with pytest.raises(CannotUndo, match="undone already") as caught:
        undo(repository, done)
    assert back.id in caught.value.hint


def test_a_target_that_was_reset_elsewhere_holds_nothing_to_take_back(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    done = merge(repository, worktree)
    run(repository.root, "reset", "-q", "--hard", "HEAD~1")
    with pytest.raises(CannotUndo, match="does not hold"):
        undo(repository, done)
