"""Carries a planned operation out: its refs move, then the checkouts that have them are brought along.

Nothing here overwrites what neither the state before nor the state after holds: git's two-way merge refuses it, and a
step that was cut off is finished only where every file that it touches is on one of the two sides.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from worktrees import obstacles, operations, snapshots
from worktrees.changes import shown
from worktrees.cleanroom import own_index, run, run_code
from worktrees.errors import RefMoved, WorktreeError
from worktrees.faultpoints import point
from worktrees.operations import Files, Follow, Kind, Move, Operation
from worktrees.repository import Repository
from worktrees.snapshots import differing

LONG_S = 600.0


class Where(StrEnum):
    """Where files stand among two commits, looking only at paths in which the two differ."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"  # each file is on one of the two sides
    ELSEWHERE = "elsewhere"  # some file is on neither


def carry_out(repository: Repository, operation: Operation) -> Operation:
    """Do what ``operation`` plans, written ahead and closed. When a worktree refuses, refs and files go back."""
    with operations.recorded(repository, operation) as written:
        operations.move(repository, written.moves, written.what)
        point("operation.moved")
        done: list[Files] = []
        try:
            for files in with_index(written):
                bring_along(files)
                done.append(files)
        except WorktreeError:
            # A file of the user's stands in the way: refs and worktrees must agree again.
            for files in reversed(done):
                bring_along(files.back())
            with suppress(RefMoved):
                back(repository, written)
            raise
    return written.model_copy(update={"state": operations.State.DONE})


def move_branch(
    repository: Repository,
    worktree: Path,
    branch: str,
    before: str,
    after: str,
    *,
    kind: Kind,
    what: str,
    session: str,
    name: str,
    follow: Follow = Follow.CHECKOUT,
) -> None:
    """The branch that ``worktree`` has goes from one commit to another, and the worktree along, as one operation."""
    operation = operations.planned(
        kind,
        what,
        session=session,
        name=name,
        moves=(Move(ref=f"refs/heads/{branch}", before=before, after=after),),
        files=(Files(path=worktree, before=before, after=after, follow=follow),),
    )
    carry_out(repository, operation)


def with_index(operation: Operation) -> tuple[Files, ...]:
    """The files of an operation; where a branch moved under a snapshot's files, the index follows the branch."""
    found = list(operation.files)
    for files in operation.files:
        if files.follow is Follow.CONTENT and operation.moves:
            move = operation.moves[0]
            found.append(Files(path=files.path, before=move.before, after=move.after, follow=Follow.INDEX))
    return tuple(found)


def back(repository: Repository, operation: Operation) -> None:
    """The refs that ``operation`` moved are what they were."""
    operations.move(repository, tuple(move.back() for move in operation.moves), f"back from: {operation.what}")


def bring_along(files: Files) -> None:
    """Bring a worktree from one commit to another. Raises GitFailed, with nothing changed, where a file is neither."""
    assert files.before is not None
    assert files.after is not None
    if files.follow is not Follow.INDEX:
        obstacles.refuse(files.path, files.before, files.after)
    match files.follow:
        case Follow.CHECKOUT:
            index = own_index(files.path)
            _refresh(files.path, index)
            run(files.path, "read-tree", "-m", "-u", files.before, files.after, env=index, deadline_s=LONG_S)
        case Follow.INDEX:
            index = own_index(files.path)
            run(files.path, "read-tree", "--reset", files.after, env=index)
            _refresh(files.path, index)
        case Follow.CONTENT:
            with snapshots.filled(files.path, copy=True) as (_content, env, _left_out):
                touched = _add_ignored(files, env)
                modes = {name: stat.S_IMODE((files.path / name).lstat().st_mode) for name in touched}
                run(files.path, "read-tree", "-m", "-u", files.before, files.after, env=env, deadline_s=LONG_S)
                _keep_private(files, modes)


def where(files: Files) -> Where:
    """Where a worktree stands, untracked and small ignored files included."""
    off_before, off_after = _off(files)
    if not off_after:
        return Where.AFTER
    if not off_before:
        return Where.BEFORE
    return Where.ELSEWHERE if off_before & off_after else Where.BETWEEN


def strangers(files: Files) -> frozenset[str]:
    """Paths in which the two commits differ and the worktree is on neither side."""
    off_before, off_after = _off(files)
    return off_before & off_after


def _off(files: Files) -> tuple[frozenset[str], frozenset[str]]:
    assert files.before is not None
    assert files.after is not None
    touched = differing(files.path, files.before, files.after)
    now = snapshots.tree_of(files.path, ignored=files.follow is Follow.CONTENT)
    return (
        touched & differing(files.path, files.before, now),
        touched & differing(files.path, now, files.after),
    )


def finish(files: Files) -> None:
    """Bring a worktree to ``after`` that a cut-off step may have left anywhere between the two commits.

    Raises WorktreeError, with nothing changed, when a file that the step touches is neither before nor after.
    """
    assert files.before is not None
    assert files.after is not None
    checkout = files.path
    if files.follow is Follow.CHECKOUT:
        if strange := strangers(files):
            names = ", ".join(shown(name) for name in sorted(strange)[:3]) + (" …" if len(strange) > 3 else "")
            raise WorktreeError(
                f"files of {checkout} changed while it was between two commits: {names}",
                f"compare them: git -C {checkout} diff {files.after[:10]}",
            )
        # The index says what is there: git's two-way merge then goes on from it and overwrites nothing unseen.
        now = _entries(checkout, snapshots.tree_of(checkout))
        touched = sorted(differing(checkout, files.before, files.after))
        lines = b"".join(_index_line(path, now.get(path), "0" * len(files.after)) for path in touched)
        run(checkout, "update-index", "-z", "--index-info", stdin=lines, env=own_index(checkout))
    bring_along(files)


def has_checked_out(repository: Repository, path: Path, ref: str) -> bool:
    """Whether a worktree is there and has that branch checked out."""
    return any(
        os.path.realpath(worktree.path) == os.path.realpath(path)
        and not worktree.missing
        and f"refs/heads/{worktree.branch}" == ref
        for worktree in repository.worktrees()
    )


def _refresh(worktree: Path, index: dict[str, str]) -> None:
    # Not -q: with it git does not say that the index is locked, and the step would not be tried again.
    words = ("--refresh", "--ignore-submodules")
    run_code(worktree, "update-index", *words, env=index, ok=(0, 1), deadline_s=LONG_S)


def _add_ignored(files: Files, env: dict[str, str]) -> list[str]:
    """What is there of the files that the step touches, into the private index: nothing is overwritten unseen."""
    touched = differing(files.path, files.before or "", files.after or "")
    there = [path for path in sorted(touched) if _is_file(files.path, path)]
    stdin = b"".join(os.fsencode(path) + b"\0" for path in there)
    run(files.path, "update-index", "--add", "-z", "--stdin", env=env, stdin=stdin)
    return there


def _keep_private(files: Files, modes: dict[str, int]) -> None:
    """Ignored files may hold secrets, and git knows no permissions: they keep those they have, or are their owner's."""
    touched = differing(files.path, files.before or "", files.after or "")
    asked = b"".join(os.fsencode(path) + b"\0" for path in touched)
    _, said = run_code(files.path, "check-ignore", "-z", "--stdin", stdin=asked, ok=(0, 1))
    for name in filter(None, said.split("\0")):
        path = files.path / name
        if _is_file(files.path, name) and not path.is_symlink():
            path.chmod(modes.get(name, stat.S_IMODE(path.stat().st_mode) & 0o700))


def _is_file(worktree: Path, name: str) -> bool:
    """A file or link there, reached through folders of the worktree alone."""
    path = worktree
    for part in Path(name).parts:
        if path.is_symlink():
            return False
        path = path / part
    return path.is_symlink() or path.is_file()


def _entries(repository: Path, tree: str) -> dict[str, str]:
    rows = run(repository, "ls-tree", "-r", "-z", "--full-tree", tree).split("\0")
    return {path: entry for row in rows if row for entry, _, path in (row.partition("\t"),)}


def _index_line(path: str, entry: str | None, none: str) -> bytes:
    if entry is None:
        return f"0 {none}\t".encode() + os.fsencode(path) + b"\0"
    mode, _, oid = entry.split(" ")
    return f"{mode} {oid} 0\t".encode() + os.fsencode(path) + b"\0"
