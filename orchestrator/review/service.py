"""A review as the supervisor does it: shows a session's work, remembers what was looked at, and passes comments on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import standing
from orchestrator.commands import Command, Done, Refused
from orchestrator.fleet import Row
from orchestrator.review import known
from orchestrator.review.ask import (
    Blob,
    BlobReply,
    Comment,
    Commented,
    CommentsSent,
    MarkReviewed,
    Remark,
    Review,
    Reviewed,
    ReviewReply,
    SendComments,
)
from worktrees import changes, partial, reviewed, snapshots
from worktrees.cleanroom import run, run_code
from worktrees.errors import GitFailed
from worktrees.partial import Pick, Work

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

BLOB_LIMIT = 8 << 20


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    row = supervisor.row(getattr(command, "session", ""))
    match command:
        case Review():
            seen = known.fold(supervisor.store.of(row.id, known.KINDS))
            return await asyncio.to_thread(look, row, command, seen)
        case MarkReviewed():
            return await mark(supervisor, row, command)
        case Comment():
            return await comment(supervisor, row, command)
        case SendComments():
            return await send(supervisor, row, command)
        case Blob():
            return await asyncio.to_thread(blob, row, command.blob)
        case other:
            raise Refused(f"{other.verb} is not a command", "")


def look(row: Row, command: Review, seen: known.Known) -> ReviewReply:
    """All of the session's work, or what of it changed since it was looked at."""
    worktree, root = standing.worktree(row), Path(row.repository)
    origin, tree = changes.origin(worktree, row.base_commit), snapshots.tree_of(worktree)
    work = _work(root, origin, tree)
    left = sum(1 for part in work.parts if not seen.marks.issuperset(part.items)) + len(work.files) - len(work.parts)
    if command.since:
        origin = reviewed.state(root, row.id, origin)
        work = _work(root, origin, tree)
    return ReviewReply(
        base="what you looked at" if command.since else row.base,
        origin=origin,
        tree=tree,
        files=work.shown,
        patch=work.patch if command.patch else "",
        marks=tuple(sorted(seen.marks)),
        remarks=tuple(seen.remarks.values()),
        since=command.since,
        left=left,
    )


async def mark(supervisor: Supervisor, row: Row, command: MarkReviewed) -> Done:
    """Write down what was looked at, and keep how it was."""
    marks = set(known.fold(supervisor.store.of(row.id, known.KINDS)).marks)

    def go() -> Reviewed:
        root = Path(row.repository)
        origin = changes.origin(standing.worktree(row), row.base_commit)
        chosen = command.chosen
        work = _work(root, chosen.origin, chosen.tree)
        items = _items(work, chosen.picks)
        if chosen.origin != origin:  # what was shown is what changed since a look: all of a file, or nothing
            commit = reviewed.keep(root, row.id, work, origin, chosen.picks)
            items += _finished(root, _work(root, origin, chosen.tree), commit, work, chosen.picks)
        else:
            now = marks | set(items) if command.done else marks - set(items)
            picks = tuple(_standing(work, pick.file, now) for pick in chosen.picks)
            reviewed.keep(root, row.id, work, origin, picks)
        paths = tuple(work.shown[pick.file].new for pick in chosen.picks[:4])
        return Reviewed(items=tuple(items), done=command.done, paths=paths)

    async with supervisor.landing_lock(row.repository + "\0review"):
        supervisor.intend(row.id, await asyncio.to_thread(go))
    return Done()


def _items(work: Work, picks: Sequence[Pick]) -> list[str]:
    """Digests of what is picked."""
    parts, items = work.parts, []
    for pick in picks:
        if not 0 <= pick.file < len(parts):
            raise Refused("this file was too large to be shown", "look at it with: orchestrator diff")
        part = parts[pick.file]
        wanted = range(len(part.pieces)) if pick.hunks is None else pick.hunks
        items += [part.pieces[n].digest for n in wanted if n < len(part.pieces)]
        items += [part.digest] if pick.hunks is None and part.digest else []
    return items


def _standing(work: Work, file: int, marks: set[str]) -> Pick:
    """The hunks of a file that were looked at so far."""
    part = work.parts[file]
    hunks = tuple(n for n, piece in enumerate(part.pieces) if piece.digest in marks)
    if marks.issuperset(part.items):
        return Pick(file=file)
    return Pick(file=file, hunks=hunks)


def _finished(root: Path, full: Work, commit: str, shown: Work, picks: Sequence[Pick]) -> list[str]:
    """Digests of the files of ``picks`` that are now as they were looked at, in the whole of the work."""
    names = {shown.files[pick.file].new for pick in picks}
    differing = snapshots.differing(root, commit, full.tree)
    files = [n for n, file in enumerate(full.files) if file.new in names and file.new not in differing]
    return _items(full, [Pick(file=n) for n in files if n < len(full.parts)])


async def comment(supervisor: Supervisor, row: Row, command: Comment) -> Remark:
    """Make, edit or take back a comment."""
    seen = known.fold(supervisor.store.of(row.id, known.KINDS))
    text = command.text.strip()
    if command.id is not None:
        old = seen.remarks.get(command.id)
        if old is None:
            raise Refused(f"there is no comment {command.id}", f"list them: orchestrator comments {row.name}")
        made = old.model_copy(update={"text": text, "sent": False})
    else:
        if not text:
            raise Refused("the comment is empty", "say what should be different")
        made = await asyncio.to_thread(_placed, row, command, str(seen.made + 1))
    supervisor.intend(row.id, Commented(**made.model_dump(exclude={"sent"})))
    return made


def _placed(row: Row, command: Comment, number: str) -> Remark:
    worktree, root = standing.worktree(row), Path(row.repository)
    origin = changes.origin(worktree, row.base_commit)
    tree = command.tree or snapshots.tree_of(worktree)
    files = _work(root, origin, tree).files
    wanted = [file for file in files if changes.shown(file.old if command.side == "old" else file.new) == command.path]
    name = (wanted[0].old if command.side == "old" else wanted[0].new) if wanted else command.path
    of = origin if command.side == "old" else tree
    code, said = run_code(root, "cat-file", "blob", f"{of}:{name}", ok=(0, 128))
    if code != 0:
        raise Refused(f"there is no file {command.path} in the work of {row.name}", f"orchestrator diff {row.name}")
    lines = said.split("\n")
    last = max(command.first, command.last)
    if not 0 <= command.first <= last <= len(lines) or (command.first == 0 < last):
        raise Refused(f"{command.path} has no line {last}", f"it has {len(lines)}")
    quote = lines[command.first - 1 : last] if command.first else []
    return Remark(
        id=number,
        path=command.path,
        side=command.side,
        first=command.first,
        last=last,
        quote=tuple(changes.shown(line.rstrip("\r"))[:500] for line in quote[:100]),
        text=command.text.strip(),
    )


async def send(supervisor: Supervisor, row: Row, command: SendComments) -> Done:
    """All comments that the agent does not have, as one message."""
    seen = known.fold(supervisor.store.of(row.id, known.KINDS))
    remarks = [
        remark
        for remark in seen.remarks.values()
        if (not remark.sent if command.ids is None else remark.id in command.ids)
    ]
    if not remarks:
        raise Refused(f"there is no comment to send to {row.name}", "c on a line of its review makes one")
    supervisor.budgets.refuse(row, "send")
    await supervisor.git.begins(row)
    await supervisor.session(row).talk.send(command.text or known.message(remarks))
    supervisor.emit(row.id, CommentsSent(ids=tuple(remark.id for remark in remarks)))
    count = "one comment" if len(remarks) == 1 else f"{len(remarks)} comments"
    return Done(message=f"sent {count} to {row.name}")


def blob(row: Row, wanted: str) -> BlobReply:
    """The text of a file by its id."""
    try:
        size = int(run(Path(row.repository), "cat-file", "-s", wanted))
        if size > BLOB_LIMIT:
            raise Refused(f"the file has {size >> 20} MiB, too much to be shown", "e opens the worktree in your editor")
        return BlobReply(text=changes.shown(run(Path(row.repository), "cat-file", "blob", wanted)))
    except GitFailed as error:
        raise Refused("this file is not known any more", "R looks at the work again") from error


@lru_cache(maxsize=3)
def _work(root: Path, origin: str, tree: str) -> Work:
    """Two trees never differ otherwise than before."""
    return partial.between(root, origin, tree)
