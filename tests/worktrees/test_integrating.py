"""What lands by each method, and what of a branch that landed before lands again: nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from worktrees import operations
from worktrees.errors import Conflicted, NothingToLand, WorktreeError
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Landing, Method, Settled
from worktrees.operations import State
from worktrees.repository import Repository
from worktrees.undo import undo

AGENT = {"GIT_AUTHOR_NAME": "Agent", "GIT_AUTHOR_EMAIL": "agent@localhost", "GIT_AUTHOR_DATE": "@1700000000 +0300"}


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def merge(repository: Repository, worktree: Path, method: Method = Method.REBASE, **options: Any) -> Landing:
    given = {"target": "main", "message": "Land it\n", **options}
    return land(repository, worktree=worktree, session="s", method=method, **given)


def write(folder: Path, name: str, text: str, message: str = "", env: dict[str, str] | None = None) -> str:
    (folder / name).write_text(text)
    run(folder, "add", "-A")
    run(folder, "commit", "-q", "-m", message or name, env=env)
    return run(folder, "rev-parse", "HEAD").strip()


def subjects(repository: Repository, words: str = "main") -> list[str]:
    return run(repository.root, "log", "--reverse", "--format=%s", words).split("\n")[:-1]


def test_a_rebase_lands_each_commit_with_its_author_date_and_message(repository: Repository, worktree: Path) -> None:
    write(worktree, "b.txt", "b\n", "B\n\nBecause.\n\nRefs: 7", AGENT)
    write(worktree, "c.txt", "c\n", "C")
    tip = write(worktree, "b.txt", "b 2\n", "B again")
    target = write(repository.root, "d.txt", "d\n", "D")
    landing = merge(repository, worktree)
    assert subjects(repository) == ["Begin", "D", "B", "C", "B again"]
    assert (landing.before, landing.tip) == (target, tip)
    first = run(repository.root, "log", "-1", "--format=%an %ae %ad%n%B", "--date=raw", "main~2")
    assert first == "Agent agent@localhost 1700000000 +0300\nB\n\nBecause.\n\nRefs: 7\n\n"
    assert "--" not in run(repository.root, "rev-list", "--merges", "main")
    assert (repository.root / "b.txt").read_text() == "b 2\n"
    assert repository.resolve("agent/x") == tip
    undo(repository, operations.listed(repository)[0])
    assert repository.resolve("main") == target


def test_a_rebase_of_what_stands_on_the_target_already_moves_it_there(repository: Repository, worktree: Path) -> None:
    tip = write(worktree, "b.txt", "b\n")
    assert merge(repository, worktree).after == tip


def test_a_commit_that_the_target_has_already_is_dropped(repository: Repository, worktree: Path) -> None:
    picked = write(worktree, "b.txt", "b\n", "B")
    write(worktree, "c.txt", "c\n", "C")
    write(repository.root, "d.txt", "d\n", "D")
    run(repository.root, "cherry-pick", picked)
    merge(repository, worktree)
    assert subjects(repository) == ["Begin", "D", "B", "C"]


def test_a_commit_that_conflicts_alone_is_named(repository: Repository, worktree: Path) -> None:
    bad = write(worktree, "a.txt", "one\nTHEIRS\nthree\n", "Change two")
    write(worktree, "a.txt", "one\ntwo\nthree\n", "Change two back")
    write(worktree, "b.txt", "b\n", "B")
    target = write(repository.root, "a.txt", "one\nMINE\nthree\n", "Mine")
    with pytest.raises(Conflicted, match=rf"the commit {bad[:10]} of agent/x \(Change two\) conflicts in a\.txt"):
        merge(repository, worktree)
    assert repository.resolve("main") == target
    merge(repository, worktree, Method.SQUASH)  # as a whole it does not


def test_a_merge_that_holds_changes_of_its_own_is_not_lost_by_a_rebase(repository: Repository, worktree: Path) -> None:
    write(worktree, "b.txt", "b\n", "B")
    write(repository.root, "d.txt", "d\n", "D")
    run(worktree, "merge", "-q", "--no-commit", "main")
    write(worktree, "evil.txt", "in the merge alone\n", "Merge main")
    write(repository.root, "e.txt", "e\n", "E")
    with pytest.raises(WorktreeError, match="gives other files than as a whole"):
        merge(repository, worktree)
    merge(repository, worktree, Method.MERGE)
    assert (repository.root / "evil.txt").exists()


def test_a_merge_of_the_target_alone_is_dropped(repository: Repository, worktree: Path) -> None:
    write(worktree, "b.txt", "b\n", "B")
    write(repository.root, "d.txt", "d\n", "D")
    run(worktree, "merge", "-q", "--no-edit", "main")
    write(worktree, "c.txt", "c\n", "C")
    merge(repository, worktree)
    assert subjects(repository) == ["Begin", "D", "B", "C"]


@pytest.mark.parametrize("method", [Method.SQUASH, Method.REBASE, Method.MERGE])
def test_a_session_lands_again_and_what_landed_before_does_not(
    repository: Repository, worktree: Path, method: Method
) -> None:
    """The lines that landed are changed again by both sides: with the old base it would conflict with itself."""
    write(worktree, "a.txt", "one\n2\nthree\n", "Two")
    write(repository.root, "d.txt", "d\n", "D")
    first = merge(repository, worktree, method)
    with pytest.raises(NothingToLand):
        merge(repository, worktree, method, settled=first.settled)
    write(repository.root, "a.txt", "ONE\n2\nthree\n", "One")
    write(worktree, "a.txt", "one\n2\nthree\nfour\n", "Four")
    (worktree / "e.txt").write_text("uncommitted\n")
    merge(repository, worktree, method, settled=first.settled)
    assert (repository.root / "a.txt").read_text() == "ONE\n2\nthree\nfour\n"
    assert (repository.root / "e.txt").read_text() == "uncommitted\n"
    if method is not Method.MERGE:
        assert subjects(repository).count("Two") <= 1


def test_a_session_goes_on_from_the_target_with_its_rest_and_its_uncommitted_work(
    repository: Repository, worktree: Path
) -> None:
    write(worktree, "a.txt", "one\n2\nthree\n", "Two")
    write(repository.root, "d.txt", "d\n", "D")
    first = merge(repository, worktree, Method.SQUASH)
    write(worktree, "a.txt", "one\n2\nthree\nfour\n", "Four")
    (worktree / ".gitignore").write_text("*.log\n.env\n*.tmp\n")
    (worktree / "new.txt").write_text("untracked\n")
    before = repository.resolve("agent/x")
    tip = update_from_target(worktree, "s", "main", settled=first.settled)
    assert subjects(repository, "main..agent/x") == ["Four"]
    assert run(repository.root, "rev-parse", "agent/x^").strip() == repository.resolve("main")
    assert (worktree / "d.txt").read_text() == "d\n"
    status = run(worktree, "status", "--porcelain").splitlines()
    assert status == [" M .gitignore", "?? new.txt"]
    with pytest.raises(NothingToLand):
        update_from_target(worktree, "s", "main", settled=first.settled)
    write(worktree, "f.txt", "f\n", "F")
    merge(repository, worktree, Method.SQUASH, settled=first.settled)
    run(worktree, "reset", "-q", "--hard", tip)
    undo(repository, next(one for one in operations.listed(repository) if one.kind == "update"))
    assert repository.resolve("agent/x") == before


def test_uncommitted_work_that_the_target_changed_too_stays_where_it_is(repository: Repository, worktree: Path) -> None:
    write(worktree, "b.txt", "b\n")
    first = merge(repository, worktree, Method.SQUASH)
    write(repository.root, "a.txt", "one\ntwo\nTHREE\n", "Three")
    (worktree / "a.txt").write_text("mine\ntwo\nthree\n")
    tip = repository.resolve("agent/x")
    with pytest.raises(WorktreeError, match=r"a\.txt has uncommitted changes, and main changed it too"):
        update_from_target(worktree, "s", "main", settled=first.settled)
    assert (worktree / "a.txt").read_text() == "mine\ntwo\nthree\n"
    assert repository.resolve("agent/x") == tip


def test_after_its_landing_was_undone_a_session_lands_whole(repository: Repository, worktree: Path) -> None:
    write(worktree, "b.txt", "b\n")
    first = merge(repository, worktree, Method.SQUASH)
    undo(repository, operations.listed(repository)[0])
    write(worktree, "c.txt", "c\n")
    merge(repository, worktree, Method.SQUASH, settled=first.settled)
    assert (repository.root / "b.txt").exists()
    assert all(one.state is State.DONE for one in operations.listed(repository))


def test_a_branch_that_stands_on_another_ones_lands_alone_after_it(
    tmp_path: Path, repository: Repository, worktree: Path
) -> None:
    write(worktree, "a.txt", "one\n2\nthree\n", "Two")
    upper = repository.create(tmp_path / "upper", "agent/upper", "agent/x", session="u").path
    write(upper, "a.txt", "one\n2 too\nthree\n", "Two too")
    write(worktree, "later.txt", "the lower went on\n", "Later")
    landing = merge(repository, worktree, Method.SQUASH)
    write(repository.root, "d.txt", "d\n", "D")
    stacked = Settled(tip=landing.tip, after=landing.after)
    update_from_target(upper, "u", "main", settled=stacked)
    assert subjects(repository, "main..agent/upper") == ["Two too"]
    assert sorted(path.name for path in upper.iterdir() if path.suffix == ".txt") == ["a.txt", "d.txt", "later.txt"]
    land(
        repository, worktree=upper, session="u", target="main", method=Method.REBASE, message="x", settled=stacked
    )  # fmt: skip
    assert (repository.root / "a.txt").read_text() == "one\n2 too\nthree\n"
