"""The attic: removed sessions, whole, until they are pruned.

A removal is an operation that keeps the branch's tip, every file (uncommitted, untracked, small ignored ones), commits
that only reflogs knew, and what their owner wants back with it. Bringing one back is the undo of its removal: the same
path, the same branch, and what was uncommitted is uncommitted again. What is staged is not told apart.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from worktrees import operations, snapshots
from worktrees.cleanroom import own_index, run, run_code
from worktrees.errors import GitFailed, WorktreeError, WorktreeExists
from worktrees.faultpoints import point
from worktrees.operations import Attic, Files, Kind, Move, Operation, State
from worktrees.repository import MADE, Kept, Repository

REFS = "refs/orchestrator/attic/"
PINS = 200
"""At most so many heads of commits that only a reflog knew are kept with a removal."""
_LOG_LINE = re.compile(r"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ")
LONG_S = 600.0


def remove(
    repository: Repository,
    path: Path,
    branch: str,
    *,
    session: str,
    name: str = "",
    record: str = "",
    undoes: str | None = None,
) -> Operation:
    """Remove a worktree and its branch, all of it kept; returns the operation, which undo brings back.

    Everything is kept and verified before anything goes. Raises what refuses it: NotOurs, WorktreeMissing, a worktree
    that changes meanwhile or holds a repository of its own.
    """
    found: list[Operation] = []

    @contextmanager
    def around(kept: Kept) -> Iterator[None]:
        began = operations.value(repository, MADE + branch)
        newest = snapshots.latest(repository.root, session)
        work = kept.work.commit if kept.work is not None else newest.commit if newest is not None else None
        tip = kept.tip or (newest.parent if newest is not None else None) or began
        assert tip is not None  # our mark stands, or nothing of ours would have been removed
        ours = ((f"refs/heads/{branch}", kept.tip), (MADE + branch, began))
        operation = operations.planned(
            Kind.REMOVE,
            f"removed {name or session} with {branch}",
            session=session,
            name=name,
            moves=tuple(Move(ref=ref, before=commit, after=None) for ref, commit in ours if commit is not None),
            files=(Files(path=path, before=work or tip, after=None),),
            pins=_dropped(repository, branch, kept.admin, kept.tip),
            undoes=undoes,
            attic=Attic(
                branch=branch,
                path=path,
                tip=tip,
                work=work,
                head=kept.head,
                began=began or tip,
                left_out=kept.work.left_out if kept.work is not None else (),
                record=record,
            ),
        )
        with operations.recorded(repository, operation) as written:
            found.append(written)
            yield

    repository.remove(path, branch, session=session, around=around)
    return found[0].model_copy(update={"state": State.DONE})


def back(attic: Attic) -> tuple[Move, ...]:
    """The refs that come back with a session: its branch, also where somebody had deleted it, and our mark."""
    return (
        Move(ref=f"refs/heads/{attic.branch}", before=None, after=attic.tip),
        Move(ref=MADE + attic.branch, before=None, after=attic.began),
    )


def bring_back(repository: Repository, going: Operation) -> Operation:
    """Carry out the undo of a removal. When the worktree cannot be made, everything is as it was."""
    attic = going.attic
    assert attic is not None
    refuse(attic)
    with operations.recorded(repository, going) as written:
        operations.move(repository, written.moves, written.what)
        point("operation.moved")
        try:
            give_back(repository, attic)
        except (WorktreeError, OSError):
            with suppress(WorktreeError):
                repository.unregister(attic.path)
            operations.move(repository, tuple(move.back() for move in written.moves), f"back from: {written.what}")
            raise
    return written.model_copy(update={"state": State.DONE})


def refuse(attic: Attic) -> None:
    """Raises WorktreeExists when something stands where the worktree would come back to."""
    if attic.path.exists() or attic.path.is_symlink():
        raise WorktreeExists(f"{attic.path} exists already", "move it elsewhere, then try again")


def give_back(repository: Repository, attic: Attic) -> None:
    """Make the worktree that ``attic`` keeps. One that a cut-off step left is completed; no file is overwritten."""
    repository.adopt(attic.path, attic.head or attic.branch)
    point("return.added")
    if attic.work is not None:
        missing_files(repository, attic)
    index = own_index(attic.path)
    run(attic.path, "read-tree", "HEAD", env=index)
    run_code(attic.path, "update-index", "--refresh", "--ignore-submodules", env=index, ok=(0, 1))


def missing_files(repository: Repository, attic: Attic) -> None:
    """Write every kept file that is not there; raises WorktreeError when one cannot be written."""
    assert attic.work is not None
    with tempfile.TemporaryDirectory(prefix="orchestrator-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        run(attic.path, "read-tree", attic.work, env=env)
        # Without -f: a file that is there is not overwritten, which git tells by its exit code.
        run_code(attic.path, "checkout-index", "-a", "-q", "-u", env=env, ok=(0, 1, 128), deadline_s=LONG_S)
        gone = run(attic.path, "ls-files", "-z", "--deleted", env=env).split("\0")
    if lost := [name for name in gone if name]:
        raise WorktreeError(
            f"{len(lost)} files could not be written into {attic.path}: {', '.join(lost[:3])}",
            f"all of them are kept in {attic.work[:10]}; is the disk full?",
        )


def listed(repository: Repository) -> tuple[Operation, ...]:
    """Removals that can be taken back, newest first, one for each session."""
    log = operations.listed(repository)
    gone = operations.undone(log)
    found: dict[str, Operation] = {}
    for one in log:
        if one.kind is Kind.REMOVE and one.state is State.DONE and one.id not in gone and not one.foreign:
            found.setdefault(one.session, one)
    return tuple(found.values())


def prune(
    repository: Repository,
    before: datetime,
    told: Callable[[tuple[Operation, ...]], None] = lambda _going: None,
) -> tuple[Operation, ...]:
    """Forget operations, and with them removed sessions, from before that time; ``told`` hears of them first."""
    going = operations.prune(repository, before, told)
    staying = {one.session for one in operations.listed(repository) if one.attic is not None}
    for session in {one.session for one in going if one.attic is not None} - staying:
        for ref in run(repository.root, "for-each-ref", "--format=%(refname)", f"{REFS}{session}/").split():
            run(repository.root, "update-ref", "-d", ref)
    return going


def _dropped(repository: Repository, branch: str, admin: Path | None, tip: str | None) -> tuple[str, ...]:
    """Heads of the commits that only a reflog of the worktree knows: reset away, rebased, amended."""
    logs = [repository.git_dir / "logs" / "refs" / "heads" / branch]
    if admin is not None:
        logs.append(admin / "logs" / "HEAD")
    known: set[str] = set()
    for log in logs:
        with suppress(OSError):
            for line in log.read_text(errors="replace").splitlines():
                if (found := _LOG_LINE.match(line)) is not None:
                    known |= {commit for commit in found.groups() if commit.strip("0")}
    if not known:
        return ()
    words = [*sorted(known), *([f"^{tip}"] if tip else [])]
    try:
        said = run(
            repository.root,
            *("rev-list", "--ignore-missing", "--children", "--stdin"),
            stdin="\n".join(words).encode() + b"\n",
        )
    except GitFailed:
        return ()  # a reflog that names what is no commit
    heads = [line for line in said.splitlines() if " " not in line]
    return tuple(heads[:PINS])
