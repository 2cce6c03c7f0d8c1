"""Part of a work: the tree of its base with some of its files and hunks, and what is looked at to choose them.

A review names two trees. All that is asked of it later (what is looked at, what shall land) is asked of exactly
these two, so what lands is what was shown. A file's part is put together from line ranges of its two blobs, byte for
byte: no patch is applied.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pydantic import Field

from worktrees import changes, objects, snapshots, trees
from worktrees.approval import AGAIN
from worktrees.cleanroom import run
from worktrees.errors import ApprovalVoid, WorktreeError
from worktrees.models import Model, Totals
from worktrees.patches import Entry, Part, entries, read, whole

LIMIT = 32 << 20
"""Characters of a patch that are shown; files beyond are named with their counts, and taken as a whole."""
_ID = r"^[0-9a-f]{40,64}$"


class Pick(Model):
    """A file by its place in the diff, and which of its hunks, by theirs; None: all of it."""

    file: int
    hunks: tuple[int, ...] | None = None


class Chosen(Model):
    """Some of what differs from ``origin``, a commit, to ``tree``."""

    origin: str = Field(pattern=_ID)
    tree: str = Field(pattern=_ID)
    picks: tuple[Pick, ...]


class Work(Model):
    """All that differs from ``origin`` to ``tree``. Names in ``files`` are git's own; ``patch`` is valid Unicode."""

    origin: str
    tree: str
    files: tuple[Entry, ...]
    patch: str

    @cached_property
    def shown(self) -> tuple[Entry, ...]:
        """The files with names fit for JSON; they and ``patch`` give :func:`parts`."""
        return tuple(
            file.model_copy(update={"old": changes.shown(file.old), "new": changes.shown(file.new)})
            if not (file.old + file.new).isascii()
            else file
            for file in self.files
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return read(self.patch, self.shown)


def look(worktree: Path, base: str) -> Work:
    """What the worktree holds now against where it left ``base``, uncommitted and untracked files included."""
    return between(worktree, changes.origin(worktree, base), snapshots.tree_of(worktree))


def between(folder: Path, origin: str, tree: str, limit: int = LIMIT) -> Work:
    """What differs from one commit or tree to another."""
    raw, numstat, patch = changes.raw_diff(folder, origin, tree)
    counts = {new: (plus, minus) for plus, minus, _old, new in numstat}
    return Work(origin=origin, tree=tree, files=entries(raw, counts), patch=whole(changes.shown(patch), limit))


def tree(root: Path, work: Work, picks: Sequence[Pick]) -> str:
    """The tree of ``work.origin`` with what is picked, in objects of ``root``. Raises WorktreeError."""
    rows = _rows(root, work, picks)
    _refuse_overwriting(work, picks)
    return trees.edited(root, work.origin, rows)


def put(root: Path, onto: str, work: Work, picks: Sequence[Pick]) -> str:
    """The tree of ``onto`` with the files of ``picks`` as in :func:`tree`; a file with no hunk picked is as before."""
    rows: dict[str, trees.Row | None] = {}
    for pick in picks:
        file = _file(work, pick)
        rows[file.new] = None
        if file.kind != "A":
            rows[file.old] = file.old_mode, file.old_blob
    return trees.edited(root, onto, rows | _rows(root, work, [pick for pick in picks if pick.hunks != ()]))


def _rows(root: Path, work: Work, picks: Sequence[Pick]) -> dict[str, trees.Row | None]:
    """By path; None: it goes."""
    parts = work.parts
    rows: dict[str, trees.Row | None] = {}
    for pick in sorted(picks, key=lambda pick: pick.file):
        file = _file(work, pick)
        part = parts[pick.file] if pick.file < len(parts) else None
        if file.old != file.new or file.kind == "D":
            rows.setdefault(file.old, None)
        if file.kind != "D":
            rows[file.new] = file.new_mode, _blob(root, file, part, pick.hunks)
    return rows


def _file(work: Work, pick: Pick) -> Entry:
    if not 0 <= pick.file < len(work.files):
        raise WorktreeError("there is no such file in what was shown", "look at it again")
    return work.files[pick.file]


def tip(root: Path, worktree: Path, chosen: Chosen, message: str) -> str:
    """A commit of what is chosen on its origin, by the author of the branch's own commits. The branch stays.

    Raises ApprovalVoid when the worktree holds something else than what was chosen from.
    """
    if snapshots.tree_of(worktree) != chosen.tree:
        raise ApprovalVoid("the work is not what was chosen from any more: its files have changed", AGAIN)
    if not chosen.picks:
        raise WorktreeError("nothing of the work is picked", "p picks a hunk or a file")
    made = tree(root, between(root, chosen.origin, chosen.tree), chosen.picks)
    author = {}
    head = run(worktree, "rev-parse", "HEAD").strip()
    if head != chosen.origin:
        name, mail = run(root, "log", "-1", "--format=%an%n%ae", head).split("\n")[:2]
        author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail}
    return objects.authored(root, made, (chosen.origin,), message, author)


def totals(root: Path, origin: str, tip: str) -> Totals:
    """Counts of what differs between two commits."""
    files = between(root, origin, tip).files
    added, removed = sum(file.added or 0 for file in files), sum(file.removed or 0 for file in files)
    return Totals(files=len(files), added=added, removed=removed)


def _blob(root: Path, file: Entry, part: Part | None, hunks: tuple[int, ...] | None) -> str:
    """The blob of a file with the picked hunks only."""
    if hunks is None or file.whole or part is None or set(hunks) >= set(range(len(part.pieces))):
        return file.new_blob
    old, new = _lines(root, file.old_blob), _lines(root, file.new_blob)
    made: list[bytes] = []
    at = 0
    for number, piece in enumerate(part.pieces):
        first = piece.old - 1 if piece.old_count else piece.old
        made += old[at:first]
        at = first + piece.old_count
        if number in hunks:
            begin = piece.new - 1 if piece.new_count else piece.new
            made += new[begin : begin + piece.new_count]
        else:
            made += old[first:at]
    made += old[at:]
    return run(root, "hash-object", "-w", "--stdin", stdin=b"".join(made)).strip()


def _lines(root: Path, blob: str) -> list[bytes]:
    data = os.fsencode(run(root, "cat-file", "blob", blob))
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _refuse_overwriting(work: Work, picks: Sequence[Pick]) -> None:
    """A picked file must not take the place of another one whose going away was left."""
    picked = {pick.file for pick in picks}
    going = {file.old: file for n, file in enumerate(work.files) if n not in picked and file.kind in "DR"}
    for n in picked:
        file = work.files[n]
        if file.kind == "D":
            continue
        above = [file.new[:at] for at, char in enumerate(file.new) if char == "/"]
        for other in going:
            if other == file.new or other in above or other.startswith(file.new + "/"):
                raise WorktreeError(
                    f"{changes.shown(file.new)} takes the place of {changes.shown(other)}, which is left out",
                    "pick both, or none of them",
                )
