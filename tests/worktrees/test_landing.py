from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checking import commands
from tests.worktrees.conftest import commit
from worktrees import approval
from worktrees.changes import drift
from worktrees.conflicts import preview
from worktrees.errors import (
    ApprovalVoid,
    CheckFailed,
    Conflicted,
    DirtyTarget,
    InTheWay,
    NothingToLand,
    OperationInProgress,
    WorktreeError,
)
from worktrees.following import update_from_target
from worktrees.git import run, run_code
from worktrees.landing import draft_message, land
from worktrees.models import CheckResult, Landing, Method
from worktrees.repository import Repository


@pytest.fixture
def worktree(tmp_path: Path, repository: Repository) -> Path:
    return repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path


def merge(repository: Repository, worktree: Path, **options: Any) -> Landing:
    options = {"target": "main", "method": Method.SQUASH, "message": "Land it\n", **options}
    checks, limit = options.pop("checks", ()), options.pop("check_s", 60.0)
    if checks:
        options["verify"] = commands(repository, *checks, deadline_s=limit)
    return land(repository, worktree=worktree, session="s", **options)


def test_squash_lands_commits_and_uncommitted_work_as_one_commit(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "B")
    (worktree / "c.txt").write_text("not committed\n")
    landing = merge(repository, worktree)
    assert run(repository.root, "log", "-1", "--format=%s%n%P", "main").splitlines() == ["Land it", landing.before]
    assert (repository.root / "c.txt").read_text() == "not committed\n"
    assert run(repository.root, "status", "--porcelain") == ""
    with pytest.raises(NothingToLand):
        merge(repository, worktree)


def test_merge_keeps_both_parents_and_ff_moves_the_ref(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    tip = commit(worktree, "B")
    assert merge(repository, worktree, method=Method.FF).after == tip
    (worktree / "c.txt").write_text("c\n")
    second = commit(worktree, "C")
    (repository.root / "d.txt").write_text("d\n")
    moved = commit(repository.root, "D")
    with pytest.raises(WorktreeError, match="fast-forwarded"):
        merge(repository, worktree, method=Method.FF)
    landing = merge(repository, worktree, method=Method.MERGE)
    assert run(repository.root, "log", "-1", "--format=%P", landing.after).split() == [moved, second]


def test_a_dirty_target_is_refused_with_its_files_before_any_work(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    (repository.root / "a.txt").write_text("mine\n")
    with pytest.raises(DirtyTarget, match=r"a\.txt"):
        merge(repository, worktree)
    assert (repository.root / "a.txt").read_text() == "mine\n"
    assert run(worktree, "status", "--porcelain").strip() == "?? b.txt"


def test_a_rebase_under_way_is_refused(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    (repository.git_dir / "MERGE_HEAD").write_text(repository.resolve("HEAD") + "\n")
    with pytest.raises(OperationInProgress, match="a merge"):
        merge(repository, worktree)


def test_an_untracked_file_of_the_user_stops_the_landing_and_nothing_moves(
    repository: Repository, worktree: Path
) -> None:
    (worktree / "b.txt").write_text("theirs\n")
    (repository.root / "b.txt").write_text("mine\n")
    before = repository.resolve("main")
    with pytest.raises(InTheWay, match=r"b\.txt"):
        merge(repository, worktree)
    assert repository.resolve("main") == before
    assert (repository.root / "b.txt").read_text() == "mine\n"


def test_a_conflict_is_typed_and_changes_nothing(repository: Repository, worktree: Path) -> None:
    (worktree / "a.txt").write_text("one\nTHEIRS\nthree\n")
    (repository.root / "a.txt").write_text("one\nMINE\nthree\n")
    before = commit(repository.root, "Mine")
    with pytest.raises(Conflicted) as caught:
        merge(repository, worktree)
    (conflict,) = caught.value.conflicts
    assert (conflict.path, conflict.kind) == ("a.txt", "content")
    assert "<<<<<<<" in conflict.text
    assert repository.resolve("main") == before


def test_modify_delete_is_named_for_what_it_is(repository: Repository, worktree: Path) -> None:
    (worktree / "a.txt").unlink()
    commit(worktree, "Gone")
    (repository.root / "a.txt").write_text("kept and changed\n")
    commit(repository.root, "Mine")
    (conflict,) = preview(repository.root, "main", "agent/x")
    assert conflict.kind == "modify/delete"


def test_checks_run_on_the_merged_tree_and_a_failing_one_lands_nothing(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    (repository.root / "c.txt").write_text("c\n")
    before = commit(repository.root, "C")
    steps: list[str] = []
    landing = merge(repository, worktree, checks=("test -f b.txt && test -f c.txt",), progress=steps.append)
    assert landing.before == before
    assert steps == ["look", "integrate", "land"]
    (worktree / "d.txt").write_text("d\n")
    with pytest.raises(CheckFailed) as caught:
        merge(repository, worktree, checks=("echo said; exit 7",))
    assert (caught.value.result.exit_code, caught.value.result.output) == (7, "said\n")
    assert repository.resolve("main") == landing.after
    assert len(repository.worktrees()) == 2
    assert not list(repository.own.glob("scratch-*"))


def test_a_check_that_hangs_is_ended_with_its_children(tmp_path: Path, repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    with pytest.raises(CheckFailed, match="deadline"):
        merge(repository, worktree, checks=("sleep 60 & sleep 60",), check_s=0.3)


def test_a_target_that_moves_during_the_check_is_integrated_anew(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    tree = run(repository.root, "rev-parse", "HEAD^{tree}").strip()
    other = run(repository.root, "commit-tree", tree, "-p", "HEAD", "-m", "Meanwhile").strip()
    run(repository.root, "checkout", "-q", "--detach")
    mark = f"{repository.git_dir}/once"
    move = f"git -C {repository.root} update-ref refs/heads/main {other}"
    once = f"test -f {mark} || {move}; touch {mark}"
    landing = merge(repository, worktree, checks=(once,))
    assert landing.before == other


def test_a_scratch_worktree_of_a_killed_run_is_cleared(repository: Repository, worktree: Path) -> None:
    stale = repository.own / "scratch-old"
    stale.mkdir()
    (stale / "pid").write_text("999999999")
    run(repository.root, "worktree", "add", "-q", "--detach", str(stale / repository.name), "HEAD")
    (worktree / "b.txt").write_text("b\n")
    merge(repository, worktree)
    assert not stale.exists()
    assert len(repository.worktrees()) == 2


def test_update_brings_the_target_in_or_changes_nothing(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "B")
    (repository.root / "c.txt").write_text("c\n")
    commit(repository.root, "C")
    update_from_target(worktree, "s", "main")
    assert drift(worktree, "main").behind == 0
    (worktree / "a.txt").write_text("theirs\n")
    tip = commit(worktree, "A")
    (repository.root / "a.txt").write_text("mine\n")
    commit(repository.root, "A too")
    with pytest.raises(Conflicted):
        update_from_target(worktree, "s", "main")
    assert run(worktree, "rev-parse", "HEAD").strip() == tip


def test_work_lands_where_no_identity_is_set(repository: Repository, worktree: Path) -> None:
    (Path.home() / ".gitconfig").unlink()
    (worktree / "b.txt").write_text("b\n")
    merge(repository, worktree)
    assert run_code(repository.root, "log", "-1", "--format=%ae", "main")[1].strip() == "orchestrator@localhost"


def test_the_drafted_message_tells_the_commits_or_the_task(worktree: Path) -> None:
    assert draft_message(worktree, "main", "Do the thing\nnow") == "Do the thing now\n"
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "Add b")
    assert draft_message(worktree, "main", "x") == "Add b\n"
    (worktree / "c.txt").write_text("c\n")
    commit(worktree, "Add c")
    assert draft_message(worktree, "main", "Two things") == "Two things\n\n- Add b\n- Add c\n"


def test_an_unfinished_merge_never_lands_its_conflict_marks(repository: Repository, worktree: Path) -> None:
    (worktree / "README.md").write_text("theirs\n")
    commit(worktree, "Theirs")
    (repository.root / "README.md").write_text("ours\n")
    moved = commit(repository.root, "Ours")
    run(worktree, "merge", "main", ok=(1,))
    for attempt in (merge, lambda repository, worktree: update_from_target(worktree, "s", "main")):
        with pytest.raises(OperationInProgress, match="a merge is unfinished"):
            attempt(repository, worktree)
    run(worktree, "merge", "--quit")  # git forgets the merge, the marks stay
    with pytest.raises(OperationInProgress):
        merge(repository, worktree)
    assert repository.resolve("main") == moved
    (worktree / "README.md").write_text("both\n")
    commit(worktree, "Resolved")
    run(worktree, "merge", "--no-edit", "-X", "ours", "main")
    merge(repository, worktree)
    assert (repository.root / "README.md").read_text() == "both\n"


@pytest.mark.parametrize("how", ["edit", "commit", "amend", "new file"])
def test_an_approval_is_void_when_the_work_has_changed(repository: Repository, worktree: Path, how: str) -> None:
    (worktree / "b.txt").write_text("b\n")
    commit(worktree, "B")
    (worktree / "c.txt").write_text("not committed\n")
    approved = str(approval.of(worktree, "main"))
    before = (repository.resolve("main"), repository.resolve("agent/x"))
    match how:
        case "edit":
            (worktree / "b.txt").write_text("other\n")
        case "commit":
            run(worktree, "commit", "-q", "--allow-empty", "-m", "Same files")
            before = (before[0], repository.resolve("agent/x"))
        case "amend":
            run(worktree, "commit", "-q", "--amend", "-m", "Other words")
            before = (before[0], repository.resolve("agent/x"))
        case _:
            (worktree / "d.txt").write_text("d\n")
    with pytest.raises(ApprovalVoid, match="agent/x is not what was looked at"):
        merge(repository, worktree, approved=approved)
    assert (repository.resolve("main"), repository.resolve("agent/x")) == before
    merge(repository, worktree, approved=str(approval.of(worktree, "main")))
    assert (repository.root / "c.txt").read_text() == "not committed\n"


def test_an_approval_is_void_when_the_target_or_the_checks_have_moved(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    seen = approval.of(worktree, "main", ("true",))
    seen.refuse_other_checks(("true",))
    with pytest.raises(ApprovalVoid, match="the checks are not those that were shown any more: none"):
        seen.refuse_other_checks(())
    (repository.root / "d.txt").write_text("d\n")
    before = commit(repository.root, "D")
    with pytest.raises(ApprovalVoid, match=f"main has moved since it was looked at: it is {before[:10]}"):
        merge(repository, worktree, approved=str(seen))
    assert repository.resolve("main") == before
    with pytest.raises(ApprovalVoid, match="names nothing"):
        merge(repository, worktree, approved="yes")
    assert merge(repository, worktree, approved=str(approval.of(worktree, "main", ("true",)))).before == before


def test_a_target_that_moves_during_the_check_of_approved_work_stops_it(repository: Repository, worktree: Path) -> None:
    (worktree / "b.txt").write_text("b\n")
    tree = run(repository.root, "rev-parse", "HEAD^{tree}").strip()
    other = run(repository.root, "commit-tree", tree, "-p", "HEAD", "-m", "Meanwhile").strip()
    run(repository.root, "checkout", "-q", "--detach")

    def verify(_before: str, _commit: str) -> tuple[CheckResult, ...]:
        run(repository.root, "update-ref", "refs/heads/main", other)
        return ()

    with pytest.raises(ApprovalVoid, match="main has moved"):
        merge(repository, worktree, verify=verify, approved=str(approval.of(worktree, "main")))
    assert repository.resolve("main") == other
