"""Whatever an agent left, whatever was then done: undo gives the refs and files of before, redo those of after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worktrees.conftest import commit
from tests.worktrees.test_undo import state
from worktrees import attic, operations, snapshots
from worktrees.errors import WorktreeError
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.operations import Operation
from worktrees.repository import Repository, open_repository
from worktrees.restoring import Wish, restore
from worktrees.undo import undo

NAMES = st.sampled_from(["a.txt", "b.txt", "d/e.txt", "d/f/g", "ü b", "-x", ".env", "run.log"])
EDITS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.binary(max_size=40)),
    st.tuples(st.just("delete"), NAMES, st.just(b"")),
    st.tuples(st.just("commit"), st.just(""), st.just(b"")),
    st.tuples(st.just("others"), st.sampled_from(["a.txt", "main.txt"]), st.binary(max_size=10)),
)
DEEDS = st.sampled_from(["squash", "merge", "ff", "update", "remove", "restore", "restore head"])


def edit(repository: Repository, worktree: Path, what: str, name: str, data: bytes) -> None:
    """What an agent does, or somebody on the target."""
    match what:
        case "write":
            (worktree / name).parent.mkdir(parents=True, exist_ok=True)
            (worktree / name).write_bytes(data)
        case "delete":
            (worktree / name).unlink(missing_ok=True)
        case "commit" if run(worktree, "status", "--porcelain"):
            commit(worktree, "Work")
        case "others":
            (repository.root / name).write_bytes(data)
            if run(repository.root, "status", "--porcelain"):
                commit(repository.root, "Others")
        case _:
            pass


def do(repository: Repository, worktree: Path, deed: str, first: snapshots.Snapshot) -> None:
    match deed:
        case "update":
            update_from_target(worktree, "s", "main")
        case "remove":
            attic.remove(repository, worktree, "agent/x", session="s", name="x")
        case "restore" | "restore head":
            wish = Wish(session="s", name="x", branch="agent/x", to=first, head=deed.endswith("head"))
            restore(repository, worktree, wish)
        case method:
            land(repository, worktree=worktree, session="s", target="main", method=Method(method), message="Land it\n")


def seen(repository: Repository, worktree: Path) -> tuple[object, ...]:
    return state(repository, *([worktree] if worktree.is_dir() else []))


def attempt(step: Callable[[], object]) -> bool:
    """Whether it was done; a refusal is as good, as long as it touches nothing."""
    try:
        step()
    except WorktreeError:
        return False
    return True


def new(repository: Repository, known: set[str]) -> list[Operation]:
    """Operations that hold and are not among ``known``, newest first."""
    return [one for one in operations.holding(operations.listed(repository)) if one.id not in known]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.lists(EDITS, max_size=4), DEEDS), min_size=1, max_size=3))
def test_undo_gives_what_was_before_and_redo_what_was_after(
    story: list[tuple[list[tuple[str, str, bytes]], str]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="undo-") as folder:
        root = Path(folder) / "shop"
        root.mkdir()
        run(root, "init", "-q", "-b", "main")
        (root / "a.txt").write_text("one\ntwo\nthree\n")
        (root / ".gitignore").write_text("*.log\n.env\n")
        commit(root, "Begin")
        repository = open_repository(root)
        worktree = repository.create(Path(folder) / "wt", "agent/x", "HEAD", session="s").path
        first = snapshots.take(worktree, "s", "first", ignored=True)
        for edits, deed in story:
            for one in edits:
                edit(repository, worktree, *one)
            known = {one.id for one in operations.listed(repository)}
            before = seen(repository, worktree)
            done = attempt(lambda deed=deed: do(repository, worktree, deed, first))  # type: ignore[misc]
            after = seen(repository, worktree)
            steps = new(repository, known)
            assert done or steps or after == before, f"{deed} was refused and touched something"
            for step in steps:
                undo(repository, step)
            assert seen(repository, worktree) == before, f"{deed} was not undone"
            if deed == "remove" or not steps:
                continue
            known |= {step.id for step in steps}
            for step in new(repository, known):
                undo(repository, step)
            assert seen(repository, worktree) == after, f"{deed} was not done again"
