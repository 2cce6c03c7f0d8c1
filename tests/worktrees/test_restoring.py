"""A restore gives back what a snapshot holds, keeps what was there, and touches nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.trees import build, picture
from worktrees import history, operations, restoring, sealed, snapshots
from worktrees.errors import NotOurs, OperationInProgress, UnknownSnapshot, WorktreeError, WorktreeExists
from worktrees.git import run, run_code
from worktrees.ignored import Limits
from worktrees.models import Snapshot
from worktrees.operations import Kind, State
from worktrees.repository import Repository
from worktrees.restoring import Wish


@pytest.fixture
def worktree(repository: Repository, tmp_path: Path) -> Path:
    base = repository.resolve("HEAD")
    return repository.create(tmp_path / "worktrees" / "one", "agent/one", base, session="s1").path


def keep(worktree: Path, reason: str = "turn over") -> Snapshot:
    return snapshots.take(worktree, "s1", reason, ignored=True)


def wish(to: Snapshot, path: str | None = None, *, head: bool = False) -> Wish:
    return Wish(session="s1", name="one", branch="agent/one", to=to, path=path, head=head)


def held(worktree: Path, commit: str, path: str) -> str:
    return run(worktree, "cat-file", "-p", f"{commit}:{path}")


def test_everything_comes_back_after_rm(repository: Repository, worktree: Path) -> None:
    build(worktree, {"a.txt": b"mine\n", "new/deep.txt": b"new", ".env": b"KEY=1", "run.sh": (b"#!", True)})
    wanted = picture(worktree)
    taken = keep(worktree)
    for path in worktree.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    index = Path(run(worktree, "rev-parse", "--path-format=absolute", "--git-path", "index").strip()).read_bytes()
    head = run(worktree, "rev-parse", "HEAD")
    done = restoring.restore(repository, worktree, wish(taken))
    assert picture(worktree) == wanted
    assert {change.path for change in done.changes} == {*wanted}
    assert (run(worktree, "rev-parse", "HEAD"), run(worktree, "symbolic-ref", "HEAD").strip()) == (
        head,
        "refs/heads/agent/one",
    )
    assert (worktree / ".git").is_file()
    assert Path(run(worktree, "rev-parse", "--git-path", "index").strip()).read_bytes() == index


def test_what_was_there_is_kept_and_comes_back_by_a_second_restore(repository: Repository, worktree: Path) -> None:
    taken = keep(worktree)
    build(worktree, {"a.txt": b"later\n", "later.txt": b"later"})
    later = picture(worktree)
    done = restoring.restore(repository, worktree, wish(taken))
    assert done.before is not None
    assert not (worktree / "later.txt").exists()
    found = history.moments(repository.root, "s1", repository.resolve("HEAD"))
    assert [moment.snapshot.reason for moment in found] == ["turn over", "before restore of 1", "restored 1"]
    again = restoring.default(repository, worktree, wish(taken), found)
    assert again.to == found[1].snapshot
    restoring.restore(repository, worktree, again)
    assert picture(worktree) == later


def test_one_file_or_folder_comes_back_and_the_rest_stays(repository: Repository, worktree: Path) -> None:
    build(worktree, {"src/one.py": b"1", "src/two.py": b"2", "other.txt": b"o", ".env": b"KEY=1"})
    taken = keep(worktree)
    shutil.rmtree(worktree / "src")
    (worktree / ".env").unlink()
    build(worktree, {"src": b"now a file", "other.txt": b"changed"})
    restoring.restore(repository, worktree, wish(taken, "src"))
    assert picture(worktree)["src/one.py"] == (b"1", False)
    assert picture(worktree)["other.txt"] == (b"changed", False)
    assert not (worktree / ".env").exists()
    build(worktree, {"src/three.py": b"3"})
    restoring.restore(repository, worktree, wish(taken, str(worktree / "src" / "one.py")))
    assert "src/three.py" in picture(worktree)
    restoring.restore(repository, worktree, wish(taken, ".env"))
    assert (worktree / ".env").read_bytes() == b"KEY=1"
    assert restoring.preview(repository, worktree, wish(taken, "src/")).changes[0].path == "src/three.py"


@pytest.mark.parametrize("path", ["../other", "/etc/passwd", ".git/config", "src/../../x"])
def test_a_path_that_leads_out_is_refused(repository: Repository, worktree: Path, path: str) -> None:
    with pytest.raises(WorktreeError, match="not in the worktree"):
        restoring.restore(repository, worktree, wish(keep(worktree), path))


def test_a_path_that_the_snapshot_does_not_hold_is_refused(repository: Repository, worktree: Path) -> None:
    taken = keep(worktree)
    build(worktree, {"later.txt": b"x"})
    with pytest.raises(UnknownSnapshot, match=r"does not hold later\.txt"):
        restoring.restore(repository, worktree, wish(taken, "later.txt"))
    assert (worktree / "later.txt").exists()


def test_a_link_out_of_the_worktree_is_replaced_and_its_target_never_touched(
    repository: Repository, worktree: Path, tmp_path: Path
) -> None:
    build(worktree, {"data/one.txt": b"1", "data/two.txt": b"2"})
    taken = keep(worktree)
    outside = tmp_path / "outside"
    build(outside, {"one.txt": b"theirs", "three.txt": b"theirs"})
    before = picture(outside)
    shutil.rmtree(worktree / "data")
    (worktree / "data").symlink_to(outside)
    restoring.restore(repository, worktree, wish(taken, "data/one.txt"))
    assert picture(outside) == before
    assert picture(worktree)["data/one.txt"] == (b"1", False)
    shutil.rmtree(worktree / "data")
    (worktree / "data").symlink_to(outside)
    restoring.restore(repository, worktree, wish(taken))
    assert picture(outside) == before
    assert not (worktree / "data").is_symlink()


def test_ignored_files_that_the_snapshot_lacks_are_left_alone_and_named(repository: Repository, worktree: Path) -> None:
    taken = keep(worktree)
    build(worktree, {"later.log": b"log", "later.txt": b"x"})
    done = restoring.restore(repository, worktree, wish(taken))
    assert done.left_alone == ("later.log",)
    assert (worktree / "later.log").read_bytes() == b"log"
    assert not (worktree / "later.txt").exists()


def test_a_secret_comes_back_for_its_owner_alone(repository: Repository, worktree: Path) -> None:
    build(worktree, {".env": b"KEY=1", "as-main.log": b"x"})
    taken = keep(worktree)
    (worktree / ".env").unlink()
    (worktree / "as-main.log").unlink()
    (repository.root / "as-main.log").write_bytes(b"")
    (repository.root / "as-main.log").chmod(0o640)
    restoring.restore(repository, worktree, wish(taken))
    assert (worktree / ".env").stat().st_mode & 0o777 == 0o600
    assert (worktree / "as-main.log").stat().st_mode & 0o777 == 0o640
    (worktree / ".env").chmod(0o660)
    (worktree / ".env").write_bytes(b"KEY=2")
    restoring.restore(repository, worktree, wish(taken))
    assert (worktree / ".env").stat().st_mode & 0o777 == 0o660


def test_nothing_is_touched_when_a_file_is_in_the_way_that_no_snapshot_holds(
    repository: Repository, worktree: Path
) -> None:
    build(worktree, {"dump": b"then a file", "a.txt": b"then\n"})
    taken = keep(worktree)
    (worktree / "dump").unlink()
    build(worktree, {"dump/big.log": b"x" * 2000, "a.txt": b"now\n"})
    asked = wish(taken)
    with pytest.raises(WorktreeError):
        restoring.restore(repository, worktree, Wish(**{**asked.__dict__, "limits": Limits(file_bytes=100)}))
    assert (worktree / "dump" / "big.log").stat().st_size == 2000
    assert (worktree / "a.txt").read_bytes() == b"now\n"
    assert operations.listed(repository)[0].state is State.VOID


def test_a_hard_reset_is_undone_with_the_branch(repository: Repository, worktree: Path) -> None:
    build(worktree, {"a.txt": b"committed\n"})
    tip = commit(worktree, "Work")
    build(worktree, {"more.txt": b"uncommitted"})
    taken = keep(worktree)
    run(worktree, "reset", "--hard", "-q", "HEAD~1")
    run(worktree, "clean", "-fdq")
    shown = restoring.preview(repository, worktree, wish(taken))
    assert (shown.head_now, shown.to.parent, shown.head_moves) == (repository.resolve("main"), tip, False)
    restoring.restore(repository, worktree, wish(taken, head=True))
    assert repository.resolve("agent/one") == tip
    assert run(worktree, "status", "--porcelain").splitlines() == ["?? more.txt"]
    operation = operations.listed(repository)[0]
    assert (operation.kind, operation.state) == (Kind.RESTORE, State.DONE)
    assert operation.moves[0].before == repository.resolve("main")


def test_what_is_staged_alone_stays_reachable_when_the_branch_moves(repository: Repository, worktree: Path) -> None:
    build(worktree, {"a.txt": b"committed\n"})
    commit(worktree, "Work")
    taken = keep(worktree)
    build(worktree, {"a.txt": b"only staged\n"})
    run(worktree, "add", "a.txt")
    build(worktree, {"a.txt": b"in the file\n"})
    restoring.restore(repository, worktree, wish(taken, head=True))
    operation = operations.listed(repository)[0]
    assert [held(worktree, pin, "a.txt") for pin in operation.pins] == ["only staged\n"]


def test_a_branch_that_the_agent_deleted_comes_back(repository: Repository, worktree: Path) -> None:
    build(worktree, {"a.txt": b"committed\n"})
    tip = commit(worktree, "Work")
    taken = keep(worktree)
    run(worktree, "update-ref", "-d", "refs/heads/agent/one")
    keep(worktree, "turn over")
    found = history.moments(repository.root, "s1", repository.resolve("main"))
    asked = restoring.default(repository, worktree, wish(found[-1].snapshot), found)
    assert asked.to.ref == taken.ref
    restoring.restore(repository, worktree, asked)
    assert repository.resolve("agent/one") == tip
    assert run(worktree, "symbolic-ref", "HEAD").strip() == "refs/heads/agent/one"
    assert run(worktree, "status", "--porcelain") == ""


def test_head_goes_back_to_the_sessions_branch_and_never_moves_another(repository: Repository, worktree: Path) -> None:
    taken = keep(worktree)
    run(worktree, "checkout", "-q", "-b", "by-hand")
    build(worktree, {"a.txt": b"by hand\n"})
    tip = commit(worktree, "By hand")
    restoring.restore(repository, worktree, wish(taken))
    assert run(worktree, "symbolic-ref", "--short", "HEAD").strip() == "by-hand"
    restoring.restore(repository, worktree, wish(taken, head=True))
    assert run(worktree, "symbolic-ref", "--short", "HEAD").strip() == "agent/one"
    assert repository.resolve("by-hand") == tip


def test_the_branch_is_refused_while_it_is_checked_out_elsewhere_or_a_merge_is_open(
    repository: Repository, worktree: Path, tmp_path: Path
) -> None:
    taken = keep(worktree)
    run(worktree, "checkout", "-q", "--detach")
    run(repository.root, "worktree", "add", "-q", str(tmp_path / "theirs"), "agent/one")
    with pytest.raises(NotOurs, match="checked out in"):
        restoring.restore(repository, worktree, wish(taken, head=True))
    run(repository.root, "worktree", "remove", str(tmp_path / "theirs"))
    (Path(run(worktree, "rev-parse", "--absolute-git-dir").strip()) / "MERGE_HEAD").write_text(taken.parent + "\n")
    with pytest.raises(OperationInProgress):
        restoring.restore(repository, worktree, wish(taken, head=True))


@pytest.mark.parametrize("how", ["rm", "prune", "branch too"])
def test_a_worktree_that_was_removed_by_others_is_made_again(repository: Repository, worktree: Path, how: str) -> None:
    build(worktree, {"a.txt": b"committed\n"})
    tip = commit(worktree, "Work")
    build(worktree, {"more.txt": b"uncommitted", ".env": b"KEY=1"})
    taken = keep(worktree)
    wanted = picture(worktree)
    shutil.rmtree(worktree)
    if how != "rm":
        run(repository.root, "worktree", "prune")
    if how == "branch too":
        run(repository.root, "branch", "-D", "agent/one")
    found = history.moments(repository.root, "s1", repository.resolve("main"))
    asked = restoring.default(repository, worktree, wish(taken), found)
    assert restoring.preview(repository, worktree, asked).rebuilt
    done = restoring.restore(repository, worktree, asked)
    assert done.rebuilt
    assert picture(worktree) == wanted
    assert repository.resolve("agent/one") == tip
    assert run(worktree, "status", "--porcelain").splitlines() == ["?? more.txt"]
    assert run_code(repository.root, "worktree", "list")[1].count(str(worktree)) == 1


def test_a_worktree_is_not_made_where_something_else_is(repository: Repository, worktree: Path) -> None:
    taken = keep(worktree)
    shutil.rmtree(worktree)
    worktree.write_text("a file")
    with pytest.raises(WorktreeExists):
        restoring.restore(repository, worktree, wish(taken))
    worktree.unlink()
    worktree.symlink_to("/nowhere")
    with pytest.raises(WorktreeExists):
        restoring.restore(repository, worktree, wish(taken))
    assert str(worktree.readlink()) == "/nowhere"


def test_a_sealed_worktree_that_was_removed_is_made_again_and_can_be_sealed_again(
    repository: Repository, worktree: Path
) -> None:
    sealed.seal(worktree, "s1")
    build(worktree, {"a.txt": b"committed\n"})
    tip = commit(worktree, "Work")
    build(worktree, {"more.txt": b"uncommitted"})
    taken = keep(worktree)
    assert taken.parent == tip
    wanted = picture(worktree)
    shutil.rmtree(worktree)
    restoring.restore(repository, worktree, wish(taken))
    assert picture(worktree) == wanted
    assert repository.resolve("agent/one") == tip
    sealed.seal(worktree, "s1")
    assert (worktree / ".git").is_dir()
    assert run(worktree, "rev-parse", "HEAD").strip() == tip
    assert run(worktree, "status", "--porcelain").splitlines() == ["?? more.txt"]


def test_a_sealed_worktree_goes_back_with_its_branch(repository: Repository, worktree: Path) -> None:
    sealed.seal(worktree, "s1")
    build(worktree, {"a.txt": b"committed\n"})
    tip = commit(worktree, "Work")
    taken = keep(worktree)
    run(worktree, "reset", "--hard", "-q", "HEAD~1")
    restoring.restore(repository, worktree, wish(taken, head=True))
    assert repository.resolve("agent/one") == tip
    assert run(worktree, "rev-parse", "HEAD").strip() == tip
    assert (worktree / "a.txt").read_bytes() == b"committed\n"
    assert run(worktree, "status", "--porcelain") == ""
