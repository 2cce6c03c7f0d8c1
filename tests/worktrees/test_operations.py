"""The log: what is written, what it keeps reachable, who may carry it out."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import operations
from worktrees.errors import CannotUndo, RefMoved, WorktreeError
from worktrees.git import run, run_code
from worktrees.operations import Attic, Files, Kind, Move, Operation, State
from worktrees.reconcile import reconcile
from worktrees.repository import Repository
from worktrees.undo import undo


@pytest.fixture
def moved(repository: Repository) -> tuple[str, str]:
    """Two commits; the branch ``b`` names the first of them."""
    first = repository.resolve("HEAD")
    run(repository.root, "branch", "b")
    (repository.root / "a.txt").write_text("second\n")
    return first, commit(repository.root, "Second")


def plan(before: str | None, after: str | None, ref: str = "refs/heads/b", **more: object) -> Operation:
    moves = (Move(ref=ref, before=before, after=after),)
    return operations.planned(Kind.MOVE, "moved b", session="s1", name="one", moves=moves, **more)  # type: ignore[arg-type]


def carry_out(repository: Repository, operation: Operation) -> Operation:
    with operations.recorded(repository, operation) as written:
        operations.move(repository, written.moves, "test")
    return written


def cut_off(repository: Repository, operation: Operation) -> None:
    with operations.recorded(repository, operation) as written:
        operations.move(repository, written.moves, "test")
        raise ValueError("late")


def test_an_operation_is_planned_before_and_done_after(repository: Repository, moved: tuple[str, str]) -> None:
    with operations.recorded(repository, plan(*moved)) as written:
        (seen,) = operations.listed(repository)
        assert (seen.state, seen) == (State.PLANNED, written)
        operations.move(repository, written.moves, "test")
    (seen,) = operations.listed(repository)
    assert seen == written.model_copy(update={"state": State.DONE})
    assert repository.resolve("b") == moved[1]
    assert "orchestrator: test" in run(repository.root, "reflog", "-1", "b")


def test_what_it_names_is_reachable_from_it_for_as_long_as_it_stands(
    repository: Repository, moved: tuple[str, str]
) -> None:
    tree = run(repository.root, "rev-parse", "HEAD^{tree}").strip()
    lost = [run(repository.root, "commit-tree", tree, "-m", f"lost {n}").strip() for n in range(3)]
    operation = plan(moved[0], lost[0], files=(Files(path=Path("/x"), before=lost[1], after=None),), pins=(lost[2],))
    carry_out(repository, operation)
    run(repository.root, "branch", "-D", "b")
    run(repository.root, "reflog", "expire", "--expire=now", "--all")
    run(repository.root, "gc", "--quiet", "--prune=now")
    for one in lost:
        assert run(repository.root, "cat-file", "-t", one).strip() == "commit"
    (seen,) = operations.listed(repository)
    operations.prune(repository, seen.at + timedelta(seconds=1))
    run(repository.root, "gc", "--quiet", "--prune=now")
    assert [run_code(repository.root, "cat-file", "-e", one, ok=(0, 1))[0] for one in lost] == [1, 1, 1]


def test_a_step_that_fails_before_it_moved_anything_is_void_and_one_that_fails_later_is_not(
    repository: Repository, moved: tuple[str, str]
) -> None:
    with pytest.raises(ValueError, match="early"), operations.recorded(repository, plan(*moved)):
        raise ValueError("early")
    (seen,) = operations.listed(repository)
    assert (seen.state, seen.note) == (State.VOID, "early")
    with pytest.raises(ValueError, match="late"):
        cut_off(repository, plan(*moved))
    assert operations.listed(repository)[0].state is State.PLANNED


def test_all_refs_move_or_none(repository: Repository, moved: tuple[str, str]) -> None:
    first, second = moved
    moves = (
        Move(ref="refs/heads/new", before=None, after=second),
        Move(ref="refs/heads/b", before=second, after=first),
    )
    with pytest.raises(RefMoved, match="b has moved"):
        operations.move(repository, moves, "test")
    assert operations.standing(repository, moves) == "between"
    assert not repository.has_branch("new")
    right = (moves[0], Move(ref="refs/heads/b", before=first, after=None))
    assert operations.standing(repository, right) == "before"
    operations.move(repository, right, "test")
    assert operations.standing(repository, right) == "after"
    assert operations.standing(repository, (right[0], right[1].back())) == "between"
    assert not repository.has_branch("b")


def test_ids_are_typed_by_their_first_letters(repository: Repository, moved: tuple[str, str]) -> None:
    one = carry_out(repository, plan(*moved))
    other = one.model_copy(update={"id": one.id[:3] + ("k" if one.id[3] != "k" else "l") * 5})
    known = (one, other)
    assert operations.find(known, one.id[:4]) == one
    assert operations.find(known, one.id.upper()) == one
    with pytest.raises(WorktreeError, match="could be"):
        operations.find(known, one.id[:3])
    for nothing in ("", "0", "$(x)"):
        with pytest.raises(WorktreeError, match="no operation"):
            operations.find(known, nothing)


def test_an_undo_holds_until_it_is_undone(repository: Repository, moved: tuple[str, str]) -> None:
    first, second = moved
    done = carry_out(repository, plan(first, second))
    undo = carry_out(repository, plan(second, first, undoes=done.id))
    assert operations.undone(operations.listed(repository)) == {done.id: undo.id}
    redo = carry_out(repository, plan(first, second, undoes=undo.id))
    assert operations.undone(operations.listed(repository)) == {undo.id: redo.id}


def test_the_order_holds_when_the_clock_is_set_back(repository: Repository, moved: tuple[str, str]) -> None:
    late = plan(*moved).model_copy(update={"at": datetime(2999, 1, 1, tzinfo=UTC)})
    first = carry_out(repository, late)
    second = carry_out(repository, plan(moved[1], moved[0]))
    assert [one.id for one in operations.listed(repository)] == [second.id, first.id]


def test_pruning_tells_before_it_forgets_and_keeps_what_is_unfinished(
    repository: Repository, moved: tuple[str, str]
) -> None:
    first, second = moved
    done = carry_out(repository, plan(first, second))
    with pytest.raises(ValueError, match="late"):
        cut_off(repository, plan(second, first))
    unfinished = operations.listed(repository)[0]
    told: list[str] = []

    def tell(going: tuple[Operation, ...]) -> None:
        told.extend(one.id for one in going if operations.value(repository, operations.REFS + one.id))

    operations.prune(repository, datetime.now(UTC) + timedelta(days=1), tell)
    assert told == [done.id]
    assert [one.id for one in operations.listed(repository)] == [unfinished.id]


def test_a_repository_without_operations_and_one_of_a_newer_version(repository: Repository) -> None:
    assert operations.listed(repository) == ()
    run(repository.root, "update-ref", operations.REFS + "zzzzzzzz", "HEAD")
    assert operations.listed(repository) == ()


def test_a_planted_operation_is_seen_and_never_acted_upon(
    tmp_path: Path, repository: Repository, moved: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write refs could otherwise make us write files wherever a path in an operation says."""
    first, second = moved
    victim = tmp_path / "victim"
    tip = repository.resolve("main")
    attic = Attic(branch="agent/x", path=victim, tip=tip, work=tip, began=tip)
    files = (Files(path=victim, before=tip, after=None),)
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "another"))
    planted = carry_out(repository, plan(first, second, files=files, attic=attic))
    with pytest.raises(ValueError, match="late"):
        cut_off(repository, plan(second, first, files=files, attic=attic))
    assert not any(one.foreign for one in operations.listed(repository))
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "ours"))
    log = operations.listed(repository)
    assert [one.foreign for one in log] == [True, True]
    assert reconcile(repository) == ()
    assert operations.holding(log) == ()
    assert operations.prune(repository, datetime.now(UTC) + timedelta(days=1)) == ()
    with pytest.raises(CannotUndo, match="does not carry our seal"):
        undo(repository, operations.find(log, planted.id))
    assert not victim.exists()
    run(repository.root, "update-ref", operations.REFS + "kkkkkkkk", operations.REFS + planted.id)
    assert len(operations.listed(repository)) == 2, "the same words under another name are not read"


HOLDS = """
import sys
from pathlib import Path
from worktrees import operations
from worktrees.repository import open_repository

repository = open_repository(Path(sys.argv[1]))
operation = operations.planned(operations.Kind.MOVE, "held", session="s")
with operations.recorded(repository, operation):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_a_living_process_carries_out_is_not_abandoned(repository: Repository) -> None:
    argv = [sys.executable, "-c", HOLDS, str(repository.root)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        (operation,) = operations.listed(repository)
        with operations.abandoned(repository, operation) as dead:
            assert not dead
        process.kill()
        process.wait()
        with operations.abandoned(repository, operation) as dead:
            assert dead
