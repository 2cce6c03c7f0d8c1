"""The operation log: which refs and files each step of ours changed, kept in git itself.

As in jujutsu (https://docs.jj-vcs.dev/latest/operation-log/) an operation names every ref that it moves with its value
before and after. It is a commit under ``refs/orchestrator/ops/<id>``: the message holds it as JSON, the parents are all
commits that it names, so every byte stays reachable as long as the operation stands, and the log outlives the ledger.

Each carries a seal (an HMAC under a key in our home): whoever can write refs, an agent in its worktree, could otherwise
plant an operation that makes us write files. One without our seal is listed, and neither finished nor taken back.

Written ahead: first as ``planned``, then the refs and files change, then it is closed. One that is found planned later
was cut off; :mod:`worktrees.reconcile` decides from the refs and files what became of it.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from worktrees import snapshots
from worktrees.cleanroom import run, run_code, signed
from worktrees.errors import GitFailed, RefMoved, WorktreeError
from worktrees.faultpoints import point
from worktrees.models import Landing, Model, Push
from worktrees.repository import Repository
from worktrees.sealing import seal

REFS = "refs/orchestrator/ops/"
_LETTERS = "klmnopqrstuvwxyz"
"""Jujutsu's alphabet for ids: none of them can be taken for a commit id."""
_KEPT_OUTPUT = 2000
_MARK = "\n\noperation: "


class Kind(StrEnum):
    LAND = "land"  # a session's work went into its target
    UPDATE = "update"  # the target's commits went into a session's branch
    COMMIT = "commit"  # uncommitted work was committed on a session's branch
    RESTORE = "restore"  # a worktree's files were brought to a snapshot
    MOVE = "move"  # a branch of ours was moved or brought back
    REMOVE = "remove"  # a session went to the attic
    PUSH = "push"  # a branch went to its remote; only a commit on top takes back what others may have
    UNDO = "undo"  # another operation was taken back


class State(StrEnum):
    PLANNED = "planned"  # written ahead: under way, or cut off
    DONE = "done"
    VOID = "void"  # nothing of it holds: it was given up, or cut off before it began
    HALF = "half"  # cut off, and what was found fits neither before nor after: `note` says what to do


class Move(Model):
    """A ref and the commit that it named; None: it did not exist."""

    ref: str
    before: str | None
    after: str | None

    def back(self) -> Move:
        return Move(ref=self.ref, before=self.after, after=self.before)


class Follow(StrEnum):
    """What of a worktree goes along with an operation."""

    CHECKOUT = "checkout"  # index and files follow the branch that moved; what is uncommitted stays
    INDEX = "index"  # the index follows the branch, files stay as they are
    CONTENT = "content"  # files are those of a snapshot; index and HEAD stay


class Files(Model):
    """What a worktree holds, as commits; None: there is no worktree. Only paths in which the two differ are touched."""

    path: Path
    before: str | None
    after: str | None
    follow: Follow = Follow.CONTENT

    def back(self) -> Files:
        return self.model_copy(update={"before": self.after, "after": self.before})


class Attic(Model):
    """What is needed to bring a removed session back as it was. ``record`` is its owner's own, opaque here."""

    branch: str
    path: Path
    tip: str  # of the branch; where that was gone already, the last commit known of it
    work: str | None  # commit that holds all files, small ignored ones included; None: there was no worktree
    head: str | None = None  # branch that was checked out when it was not `branch`, or the commit of a detached HEAD
    began: str  # commit that the branch began at
    left_out: tuple[str, ...] = ()  # ignored files and folders that were too large to be kept
    record: str = ""


class Operation(Model):
    id: str
    kind: Kind
    state: State = State.PLANNED
    at: datetime
    session: str  # id
    name: str  # the session's name then, for people
    what: str  # what was done, as one line: "landed agent/x on main by squash"
    moves: tuple[Move, ...] = ()
    files: tuple[Files, ...] = ()
    pins: tuple[str, ...] = ()  # further commits that must stay reachable
    undoes: str | None = None  # id of the operation that it takes back
    landing: Landing | None = None
    attic: Attic | None = None
    push: Push | None = None
    note: str = ""
    foreign: bool = False  # without our seal: written under another home, or planted

    @property
    def commits(self) -> tuple[str, ...]:
        """Every commit that it names, each once."""
        named = [commit for move in self.moves for commit in (move.before, move.after)]
        named += [commit for files in self.files for commit in (files.before, files.after)]
        named += self.pins
        if self.attic is not None:
            named += [self.attic.tip, self.attic.work]
        return tuple(dict.fromkeys(commit for commit in named if commit))


def planned(
    kind: Kind,
    what: str,
    *,
    session: str,
    name: str = "",
    moves: tuple[Move, ...] = (),
    files: tuple[Files, ...] = (),
    pins: tuple[str, ...] = (),
    undoes: str | None = None,
    landing: Landing | None = None,
    attic: Attic | None = None,
) -> Operation:
    """An operation with a new id that nobody has written down yet."""
    return Operation(
        id="".join(secrets.choice(_LETTERS) for _ in range(8)),
        kind=kind,
        at=datetime.now(UTC),
        session=session,
        name=name or session,
        what=what,
        moves=moves,
        files=files,
        pins=pins,
        undoes=undoes,
        landing=_brief(landing) if landing is not None else None,
        attic=attic,
    )


@contextmanager
def recorded(repository: Repository, operation: Operation) -> Iterator[Operation]:
    """Around a step that does what ``operation`` says: planned before, done after. Yields it as it was written.

    When the step raises and its refs and files are what they were, it is void; otherwise it stays planned, to be
    reconciled. Its time is after that of every operation before it, also when the clock was set
    back.
    """
    newest = _newest(repository)
    if newest is not None and newest.at >= operation.at:
        operation = operation.model_copy(update={"at": newest.at + timedelta(microseconds=1)})
    with _lease(repository, operation) as held:
        assert held
        _write(repository, operation, None)
        point("operation.planned")
        try:
            yield operation
            point("operation.done")
        except BaseException as error:
            if operation.push is not None:
                raise  # only the remote knows
            if standing(repository, operation.moves) == "before" and all(_untouched(one) for one in operation.files):
                close(repository, operation, State.VOID, getattr(error, "message", "") or str(error))
            raise
        close(repository, operation, State.DONE)
        point("operation.closed")


def close(repository: Repository, operation: Operation, state: State, note: str = "") -> Operation:
    """Write down how it ended; returns it as it is now. Closed twice, the later word holds."""
    held = run(repository.root, "rev-parse", "--verify", REFS + operation.id).strip()
    operation = operation.model_copy(update={"state": state, "note": note})
    _write(repository, operation, held)
    return operation


@contextmanager
def abandoned(repository: Repository, operation: Operation) -> Iterator[bool]:
    """Whether a planned operation was cut off: nobody alive carries it out, and nobody can begin to within."""
    with _lease(repository, operation) as held:
        yield held


def move(repository: Repository, moves: tuple[Move, ...], reason: str) -> None:
    """Move all refs or none. Raises RefMoved when one of them is not what it was before."""
    lines = [_line(one) for one in moves if one.before != one.after]
    if not lines:
        return
    try:
        run(
            repository.root,
            "update-ref",
            *("--create-reflog", "-m", f"orchestrator: {reason}", "--stdin"),
            stdin="".join(lines).encode(),
        )
    except GitFailed:
        for one in moves:
            if value(repository, one.ref) != one.before:
                raise RefMoved(f"{short(one.ref)} has moved meanwhile", "look at it, then try again") from None
        raise


def standing(repository: Repository, moves: tuple[Move, ...]) -> str:
    """Where the refs stand: "before", "after", "between" (some here, some there) or "elsewhere"."""
    seen: set[str] = set()
    for one in moves:
        if one.before == one.after:
            continue
        now = value(repository, one.ref)
        seen.add("before" if now == one.before else "after" if now == one.after else "elsewhere")
    if len(seen) > 1:
        return "elsewhere" if "elsewhere" in seen else "between"
    return seen.pop() if seen else "before"


def value(repository: Repository, ref: str) -> str | None:
    """The object that a ref names; None when it does not exist."""
    code, said = run_code(repository.root, "rev-parse", "--verify", "--quiet", ref, ok=(0, 1, 128))
    return said.strip() if code == 0 else None


def listed(repository: Repository) -> tuple[Operation, ...]:
    """All operations, newest first. One that cannot be read (a newer version's) is left out."""
    return tuple(sorted(_stored(repository), key=lambda one: (one.at, one.id), reverse=True))


def _newest(repository: Repository) -> Operation | None:
    """The operation with the latest time. A commit's own date has it in whole seconds; not so many begin in one."""
    latest = _stored(repository, "--sort=-committerdate", "--count=64")
    return max(latest, key=lambda one: (one.at, one.id), default=None)


def _stored(repository: Repository, *options: str) -> list[Operation]:
    said = run(repository.root, "for-each-ref", *options, "--format=%(refname)%00%(contents)%00", REFS).split("\0")
    pairs = zip(said[::2], said[1::2], strict=False)
    return [one for ref, text in pairs if (one := _read(repository, ref.strip(), text)) is not None]


def undone(operations: tuple[Operation, ...]) -> dict[str, str]:
    """Operations that do not hold any more: the id of each, and of the undo that took it back."""
    found: dict[str, str] = {}
    for one in operations:  # newest first: an undo that was undone itself is known when it is met
        if one.undoes is not None and one.state is State.DONE and one.id not in found and not one.foreign:
            found[one.undoes] = one.id
    return found


def holding(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Those that were done and not taken back: the first of them is what an undo without a name means."""
    gone = undone(operations)
    found = (one for one in operations if one.state is State.DONE and one.id not in gone and not one.foreign)
    return tuple(one for one in found if one.kind is not Kind.PUSH)


def find(operations: tuple[Operation, ...], prefix: str) -> Operation:
    """The operation whose id begins with ``prefix``. Raises WorktreeError when there is none or more than one."""
    matching = [one for one in operations if prefix and one.id.startswith(prefix.lower())]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise WorktreeError(f"there is no operation {prefix!r}", "orchestrator ops lists them")
    ids = ", ".join(one.id for one in matching[:4])
    raise WorktreeError(f"{prefix!r} could be {ids}", "give one letter more")


def prune(
    repository: Repository,
    before: datetime,
    told: Callable[[tuple[Operation, ...]], None] = lambda _going: None,
) -> tuple[Operation, ...]:
    """Forget operations from before that time; returns them. ``told`` hears of them first, with their commits.

    One that is under way, half done, or named by an undo that stays is kept.
    """
    all_ = listed(repository)
    staying = {one.undoes for one in all_ if one.at >= before and one.undoes is not None}
    going = tuple(
        one
        for one in all_
        if one.at < before and one.state in (State.DONE, State.VOID) and one.id not in staying and not one.foreign
    )
    if going:
        told(going)
        for one in going:
            run(repository.root, "update-ref", "-d", REFS + one.id)
            point("operation.pruned")
    return going


def short(ref: str) -> str:
    """A ref as people say it."""
    return ref.removeprefix("refs/heads/")


def _untouched(files: Files) -> bool:
    """A step that restores changes files before refs; with all others the refs tell enough."""
    if files.follow is not Follow.CONTENT or files.before is None or files.after is None:
        return True
    touched = snapshots.differing(files.path, files.before, files.after)
    now = snapshots.tree_of(files.path, ignored=True)
    return not touched & snapshots.differing(files.path, files.before, now)


def _brief(landing: Landing) -> Landing:
    """Without most of what a check printed: that belongs into the ledger."""
    if landing.check is None:
        return landing
    return landing.model_copy(
        update={"check": landing.check.model_copy(update={"output": landing.check.output[-_KEPT_OUTPUT:]})}
    )


def _line(one: Move) -> str:
    """For ``update-ref --stdin``; git allows neither spaces nor line ends in the name of a ref."""
    if one.before is None:
        return f"create {one.ref} {one.after}\n"
    if one.after is None:
        return f"delete {one.ref} {one.before}\n"
    return f"update {one.ref} {one.after} {one.before}\n"


@contextmanager
def _lease(repository: Repository, operation: Operation) -> Iterator[bool]:
    """A file lock that says who carries the operation out: the kernel takes it from a process that dies."""
    path = repository.own / f"operation-{operation.id}.lock"
    # Not followed and not emptied: an agent can write here, and could have made it a link.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def _write(repository: Repository, operation: Operation, held: str | None) -> None:
    commits = operation.commits
    tree = f"{commits[0]}^{{tree}}" if commits else "HEAD^{tree}"
    parents = [word for commit in commits for word in ("-p", commit)]
    text = json.dumps(operation.model_dump(mode="json", exclude={"id", "foreign"}), ensure_ascii=True)
    body = f"{operation.id} {seal(repository.git_dir, operation.id, text)} {text}"
    message = f"{operation.kind} {operation.state}: {' '.join(operation.what.split())}{_MARK}{body}\n"
    env = signed(int(operation.at.timestamp()))
    said = message.encode("utf-8", "replace")
    commit = run(repository.root, "commit-tree", tree, *parents, "-F", "-", stdin=said, env=env).strip()
    # "" as the old value: the ref must not be there, so that no two operations ever share an id.
    run(repository.root, "update-ref", REFS + operation.id, commit, held or "")


def _read(repository: Repository, ref: str, message: str) -> Operation | None:
    name, _, rest = message.partition(_MARK)[2].partition(" ")
    carried, _, text = rest.strip().partition(" ")
    if not text or ref != REFS + name:
        return None
    try:
        found = Operation.model_validate({**json.loads(text), "id": name})
    except (ValidationError, ValueError):
        return None
    sealed = hmac.compare_digest(carried.encode(), seal(repository.git_dir, name, text).encode())
    return found if sealed else found.model_copy(update={"foreign": True})
