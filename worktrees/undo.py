"""Takes an operation back, as an operation of its own: so the undo of an undo is a redo.

A ref goes back only from the value that the operation gave it. Where a target has moved on, or its new commits were
pushed, a commit on top reverts them instead; where that would conflict, or where a session's own branch has moved on,
the undo is refused with the reason.
"""

from __future__ import annotations

from worktrees import attic, checkouts, landing, objects, operations
from worktrees.ancestry import is_ancestor
from worktrees.changes import shown
from worktrees.checkouts import Where
from worktrees.cleanroom import run
from worktrees.errors import CannotUndo, Conflicted
from worktrees.integrating import merge_three
from worktrees.models import Conflict
from worktrees.operations import Files, Follow, Kind, Move, Operation, State, short
from worktrees.repository import MADE, Repository
from worktrees.snapshots import differing
from worktrees.trees import tree_of

REVERTS = "by a commit on top"


def undo(repository: Repository, operation: Operation) -> Operation:
    """Take ``operation`` back; returns the undo, done. Nothing is touched when it is refused."""
    going = plan(repository, operation)
    if returns(going):
        return attic.bring_back(repository, going)
    return checkouts.carry_out(repository, going)


def plan(repository: Repository, operation: Operation) -> Operation:
    """The undo of ``operation`` as it would be carried out now; nothing is touched. Raises what refuses it."""
    _refuse_unfit(repository, operation)
    moves: list[Move] = []
    files: list[Files] = []
    how = ""
    wanted = operation.moves
    if operation.kind is Kind.REMOVE and operation.attic is not None:
        wanted = tuple(move.back() for move in attic.back(operation.attic))
    for move in wanted:
        if not _is_target(repository, move):
            moves.append(_back(repository, move))
            continue
        checkout = landing.refuse_target(repository, short(move.ref))
        back, how = _back_on_target(repository, move)
        moves.append(back)
        if checkout is not None:  # who has it checked out now, not then
            files.append(Files(path=checkout.path, before=back.before, after=back.after, follow=Follow.CHECKOUT))
    if not any(_is_target(repository, move) for move in operation.moves):
        files = [one.back() for one in operation.files]
        _refuse_files(repository, operation, files)
    going = operations.planned(
        Kind.UNDO,
        _what(operation, how),
        session=operation.session,
        name=operation.name,
        moves=tuple(moves),
        files=tuple(files),
        undoes=operation.id,
        landing=operation.landing,
        attic=operation.attic,
    )
    return going.model_copy(update={"note": how})


def _what(operation: Operation, how: str) -> str:
    """ "undid ID: what it did", and for an undo "redid ID: what was done first"."""
    word, _, rest = operation.what.partition(": ")
    if operation.kind is not Kind.UNDO:
        rest, verb = operation.what, "undid"
    else:
        verb = "undid" if word.startswith("redid") else "redid"
    return f"{verb} {operation.id}{' ' + how if how else ''}: {rest}"


def returns(operation: Operation) -> bool:
    """Whether it brings a removed session back."""
    return operation.attic is not None and any(files.before is None for files in operation.files)


def tells(repository: Repository, going: Operation) -> tuple[str, ...]:
    """What a planned undo will do, a line each, for the human who is to say yes."""
    said: list[str] = []
    for move in going.moves:
        name = short(move.ref)
        if move.ref.startswith(MADE):
            continue
        if move.before is None:
            said.append(f"the branch {name} comes back at {_commit(repository, move.after)}")
        elif move.after is None:
            said.append(f"the branch {name} goes; it was at {_commit(repository, move.before)}")
        elif is_ancestor(repository.root, move.before, move.after):
            forward = "a commit on top takes it back" if reverts(going) else f"{name} goes forward again"
            said.append(f"{name}: {forward}, {_commit(repository, move.after)}")
        else:
            count = _count(repository, move.after, move.before)
            said.append(f"{name} goes back by {count} to {_commit(repository, move.after)}")
    for files in going.files:
        if files.before is None:
            said.append(f"the worktree {files.path} comes back, uncommitted work uncommitted")
        elif files.after is not None and files.follow is Follow.INDEX:
            said.append(f"what it committed is uncommitted again in {files.path}; no file changes")
        elif files.after is not None:
            changed = len(differing(repository.root, files.before, files.after))
            said.append(f"{changed} file{'' if changed == 1 else 's'} change in {files.path}")
    if returns(going) and going.attic is not None and going.attic.left_out:
        said.append("not kept, so not back: " + ", ".join(shown(name) for name in going.attic.left_out[:5]))
    return tuple(said)


def reverts(going: Operation) -> bool:
    """Whether a planned undo takes back by a new commit on top, because the target moved on or was pushed."""
    return going.note == REVERTS


def _refuse_unfit(repository: Repository, operation: Operation) -> None:
    if operation.foreign:
        raise CannotUndo(
            f"{operation.id} does not carry our seal: another ORCHESTRATOR_HOME wrote it, or somebody planted it",
            f"look at it: git show {operations.REFS}{operation.id}",
        )
    if operation.kind is Kind.PUSH:
        raise CannotUndo(
            f"{operation.id} pushed; others may have it by now",
            "take back what landed: undo it, which adds a commit that reverts, and push again",
        )
    match operation.state:
        case State.PLANNED:
            raise CannotUndo(
                f"{operation.id} is under way, or was cut off",
                "it is looked at when the daemon starts: orchestrator ops",
            )
        case State.VOID:
            raise CannotUndo(f"{operation.id} changed nothing: {operation.note}", "orchestrator ops lists the others")
        case State.HALF:
            raise CannotUndo(f"{operation.id} was cut off half done", operation.note)
        case State.DONE:
            pass
    by = operations.undone(operations.listed(repository)).get(operation.id)
    if by is not None:
        raise CannotUndo(f"{operation.id} was undone already", f"bring it back: orchestrator undo {by}")
    if any(files.before is None for files in operation.files):
        how = "came back" if operation.attic is not None else "was made again, its worktree had been gone"
        raise CannotUndo(f"{operation.name} {how}", f"remove it again: orchestrator rm {operation.name}")


def _refuse_files(repository: Repository, operation: Operation, files: list[Files]) -> None:
    for one in files:
        if one.before is None:
            assert operation.attic is not None
            attic.refuse(operation.attic)
        elif not one.path.is_dir():
            raise CannotUndo(f"the worktree {one.path} is gone", f"orchestrator attic restore {operation.name}")
        elif one.after is not None and one.follow is not Follow.INDEX:
            if (stands := checkouts.where(one)) is not Where.BEFORE and stands is not Where.AFTER:
                raise CannotUndo(
                    f"files of {operation.name} that it touched have changed since",
                    f"look at what there was: orchestrator snapshots {operation.name}",
                )
            landing.refuse_worktree(one.path)


def _is_target(repository: Repository, move: Move) -> bool:
    """A branch of the user's, on which work landed."""
    if not move.ref.startswith("refs/heads/") or move.before is None or move.after is None:
        return False
    return operations.value(repository, MADE + short(move.ref)) is None


def _back(repository: Repository, move: Move) -> Move:
    now = operations.value(repository, move.ref)
    if now == move.after:
        return move.back()
    name = short(move.ref)
    if move.after is None:
        raise CannotUndo(f"there is a branch {name} again", f"rename it first: git branch -m {name} NEW")
    if now is None:
        raise CannotUndo(f"{name} is gone by now", f"its commit is still there: git branch {name} {move.after[:10]}")
    if is_ancestor(repository.root, move.after, now):
        count = _count(repository, move.after, now)
        raise CannotUndo(
            f"{name} has moved on by {count} since", f"take it out by a commit there: git revert {move.after[:10]}"
        )
    raise CannotUndo(f"{name} was moved elsewhere since", f"compare: git log {move.after[:10]}...{name}")


def _back_on_target(repository: Repository, move: Move) -> tuple[Move, str]:
    """Back by compare-and-swap, or forward by a commit that reverts; with the word that tells which."""
    assert move.before is not None
    assert move.after is not None
    name = short(move.ref)
    now = operations.value(repository, move.ref)
    if now is None or not is_ancestor(repository.root, move.after, now):
        raise CannotUndo(
            f"{name} does not hold {move.after[:10]} any more", f"nothing is to be taken back: git log {name}"
        )
    if now == move.after and not _pushed(repository, name, move.after):
        return move.back(), ""
    tree, conflicts = _reverted(repository, now, move.before, move.after)
    if conflicts:
        raise Conflicted(
            f"{name} has moved on, and the same lines changed in {', '.join(c.path for c in conflicts[:3])}",
            f"revert it by hand: git revert {move.after[:10]}",
            conflicts,
        )
    root = repository.root
    if tree == tree_of(root, now):
        raise CannotUndo(f"{name} holds nothing of it any more", "it was taken back already")
    subject = shown(run(root, "log", "-1", "--format=%s", move.after).strip())
    message = f'Revert "{subject}"\n\nThis takes back {move.after}.\n'
    commit = objects.authored(root, tree, (now,), message)
    return Move(ref=move.ref, before=now, after=commit), REVERTS


def _reverted(repository: Repository, now: str, before: str, after: str) -> tuple[str, tuple[Conflict, ...]]:
    """The tree of ``now`` without what leads from ``before`` to ``after``."""
    return merge_three(repository.root, after, now, before)


def _pushed(repository: Repository, target: str, commit: str) -> bool:
    """Whether a remote's branch of that name, or the target's upstream, holds the commit as far as is known here."""
    upstream = run(repository.root, "for-each-ref", "--format=%(upstream)", f"refs/heads/{target}").strip()
    refs = [f"refs/remotes/*/{target}", *([upstream] if upstream.startswith("refs/remotes/") else [])]
    return bool(run(repository.root, "for-each-ref", "--contains", commit, *refs).strip())


def _commit(repository: Repository, commit: str | None) -> str:
    """A commit as people read it."""
    assert commit is not None
    return f"{commit[:10]} {shown(run(repository.root, 'log', '-1', '--format=%s', commit).strip())}".strip()


def _count(repository: Repository, one: str | None, other: str | None) -> str:
    """How many commits lie between, in words."""
    number = int(run(repository.root, "rev-list", "--count", "--first-parent", f"{one}..{other}"))
    return f"{number} commit" + ("" if number == 1 else "s")
