"""What became of an operation that was cut off: decided from the refs and files, and finished or given up.

A killed process leaves an operation planned. Refs move first and all at once, so the target is always before or after;
what is left is to bring a checkout along, or a worktree that was going or coming.
"""

from __future__ import annotations

from worktrees import attic, checkouts, operations, pushing
from worktrees.ancestry import is_ancestor
from worktrees.errors import WorktreeError
from worktrees.operations import Files, Follow, Kind, Operation, State, short
from worktrees.repository import Repository

FINISHED = "it was cut off, and finished later"


def reconcile(repository: Repository) -> tuple[Operation, ...]:
    """Close every operation that nobody alive carries out, oldest first; returns them as they are now.

    One that is still planned in the answer could not be settled; its ``note`` says why, and the next call tries again.
    Safe to repeat and to be cut off itself. Operations of another living process are left alone.
    """
    found = []
    for one in reversed(operations.listed(repository)):
        if one.state is not State.PLANNED or one.foreign:
            continue
        with operations.abandoned(repository, one) as cut_off:
            now = next((known for known in operations.listed(repository) if known.id == one.id), None)
            if not cut_off or now is None or now.state is not State.PLANNED:
                continue
            try:
                state, note = _settle(repository, one)
            except (WorktreeError, OSError) as error:
                # A full disk, a lock: still planned, so that the next start tries again.
                found.append(one.model_copy(update={"note": getattr(error, "message", str(error))}))
                continue
            found.append(operations.close(repository, one, state, note))
    return tuple(found)


def _settle(repository: Repository, one: Operation) -> tuple[State, str]:
    if one.push is not None:
        return pushing.settle(repository, one)
    if one.attic is not None:
        return _going(repository, one) if one.kind is Kind.REMOVE else _coming(repository, one)
    stands = operations.standing(repository, one.moves)
    if stands == "between":  # a power cut between two refs of one transaction
        operations.move(repository, _behind(repository, one), one.what)
        stands = "after"
    if stands == "elsewhere":
        return _moved_on(repository, one)
    content = [files for files in one.files if files.follow is Follow.CONTENT]
    if content and stands != "after":
        return _content(repository, one, content)
    if stands == "before":
        return State.VOID, "it was cut off before anything moved"
    return _files(repository, one)


def _content(repository: Repository, one: Operation, content: list[Files]) -> tuple[State, str]:
    """A restore, whose files change before its refs: nothing, or all of it where nobody wrote in between."""
    for files in content:
        if files.before is None or files.after is None or not files.path.is_dir():
            return State.VOID, "it was cut off; its worktree is not there"
        stands = checkouts.where(files)
        if stands is checkouts.Where.BEFORE:
            return State.VOID, "it was cut off before any file changed"
        if stands is checkouts.Where.ELSEWHERE:
            return State.HALF, "its files were written to since; compare the session's snapshots"
        checkouts.finish(files)
    operations.move(repository, _behind(repository, one), one.what)
    for files in checkouts.with_index(one):
        if files.follow is Follow.INDEX:
            checkouts.bring_along(files)
    return State.DONE, FINISHED


def _files(repository: Repository, one: Operation) -> tuple[State, str]:
    """The refs are where they shall be: bring the worktrees along too, or everything back."""
    for files in checkouts.with_index(one):
        if files.before is None or files.after is None or not files.path.is_dir():
            continue
        if files.follow is not Follow.CONTENT and not _follows(repository, one, files):
            continue  # something else is checked out there by now
        try:
            checkouts.finish(files)
        except WorktreeError as error:
            checkouts.back(repository, one)
            return State.VOID, f"it was taken back: {error.message}"
    return State.DONE, FINISHED


def _follows(repository: Repository, one: Operation, files: Files) -> bool:
    return any(checkouts.has_checked_out(repository, files.path, move.ref) for move in one.moves)


def _moved_on(repository: Repository, one: Operation) -> tuple[State, str]:
    """A ref has been moved by somebody else since. Held by it, the operation was done."""
    for move in one.moves:
        now = operations.value(repository, move.ref)
        if now in (move.before, move.after):
            continue
        if move.after is None or now is None:
            return State.HALF, f"{short(move.ref)} was changed by somebody else meanwhile; look at it"
        if not is_ancestor(repository.root, move.after, now):
            return State.VOID, f"{short(move.ref)} was moved elsewhere and does not hold it"
    return State.DONE, "it was cut off, and what it moved has moved on since"


def _going(repository: Repository, one: Operation) -> tuple[State, str]:
    """A removal: with its folder gone it is finished, otherwise what is missing comes back."""
    kept = one.attic
    assert kept is not None
    if operations.standing(repository, one.moves) == "after" and one.moves:
        return State.DONE, FINISHED
    if not kept.path.is_dir() or not repository.has_worktree(kept.path):
        repository.unregister(kept.path)
        operations.move(repository, _behind(repository, one), one.what)
        return State.DONE, FINISHED
    if kept.work is not None:
        attic.give_back(repository, kept)
    return State.VOID, "it was cut off; every file that was gone already is back"


def _coming(repository: Repository, one: Operation) -> tuple[State, str]:
    kept = one.attic
    assert kept is not None
    if operations.standing(repository, one.moves) == "before" and one.moves:
        return State.VOID, "it was cut off before anything moved"
    operations.move(repository, _behind(repository, one), one.what)
    attic.give_back(repository, kept)
    return State.DONE, FINISHED


def _behind(repository: Repository, one: Operation) -> tuple[operations.Move, ...]:
    """Its refs that have not moved yet."""
    return tuple(move for move in one.moves if operations.value(repository, move.ref) == move.before)
