"""A patch as git prints it, found its way around in: where each file and hunk begins, without reading its lines. Pure.

A line of a hunk begins with its sign, so what begins a line with ``diff --git`` or ``@@`` is no content. A hunk has a
digest of its path and lines, not of its place: it stays the same when lines above it come or go.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from worktrees.models import Model

_FILE = "diff --git "
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A hunk. Lines are counted from 1; with a count of 0 the start is the line before (git's own convention)."""

    start: int  # of its lines in the patch
    end: int
    old: int
    old_count: int
    new: int
    new_count: int
    header: str
    digest: str
    lines: int  # in the patch, notes about a missing line end included


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a patch. ``digest`` is of what no hunk shows: names, modes, binary content."""

    start: int
    end: int
    digest: str
    pieces: tuple[Piece, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """What there is to be looked at: its hunks, and the head where that says more than they do."""
        hunks = tuple(piece.digest for piece in self.pieces)
        return (self.digest, *hunks) if self.digest else hunks


class Entry(Model):
    """A file of a diff: kind (git's letter), modes and blobs before and after, names, lines added and removed.

    Without counts it is binary.
    """

    kind: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    old: str
    new: str
    added: int | None = 0
    removed: int | None = 0

    @property
    def whole(self) -> bool:
        """It can only be taken as a whole: no file of lines before and after."""
        return self.added is None or self.kind not in "MR" or "160000" in (self.old_mode, self.new_mode)


def entries(raw: str, counts: Mapping[str, tuple[int | None, int | None]]) -> tuple[Entry, ...]:
    """The rows of ``git diff --raw -z --abbrev=40``. ``counts``: lines added and removed by new name."""
    fields = raw.split("\0")
    found: list[Entry] = []
    position = 0
    while position + 1 < len(fields) and fields[position].startswith(":"):
        old_mode, new_mode, old_blob, new_blob, letter = fields[position][1:].split(" ")
        old = new = fields[position + 1]
        position += 2
        if letter[:1] in "RC":
            new = fields[position]
            position += 1
        added, removed = counts.get(new, (0, 0))
        found.append(
            Entry(
                kind=letter[:1],
                old_mode=old_mode,
                new_mode=new_mode,
                old_blob=old_blob,
                new_blob=new_blob,
                old=old,
                new=new,
                added=added,
                removed=removed,
            )
        )
    return tuple(found)


def read(patch: str, files: Sequence[Entry]) -> tuple[Part, ...]:
    """The parts of ``patch``, one for each of ``files``, which are in its order; fewer when the patch was cut."""
    starts = _starts(patch)
    parts: list[Part] = []
    at = 0
    for side in files:
        if at >= len(starts):
            break
        last = at + (2 if side.kind == "T" else 1)  # another type: git prints a removal and a new file
        end = starts[last] if last < len(starts) else len(patch)
        parts.append(_part(patch, starts[at], end, side))
        at = last
    return tuple(parts)


def whole(patch: str, limit: int) -> str:
    """The beginning of ``patch``, at most ``limit`` characters: only files that are in it as a whole."""
    if len(patch) <= limit:
        return patch
    cut = patch.rfind("\n" + _FILE, 0, limit)
    return patch[: cut + 1]


def _starts(patch: str) -> list[int]:
    starts = [0] if patch.startswith(_FILE) else []
    at = patch.find("\n" + _FILE)
    while at >= 0:
        starts.append(at + 1)
        at = patch.find("\n" + _FILE, at + 1)
    return starts


def _part(patch: str, start: int, end: int, side: Entry) -> Part:
    heads = []
    at = patch.find("\n@@ -", start, end)
    while at >= 0:
        heads.append(at + 1)
        at = patch.find("\n@@ -", at + 1, end)
    name = f"{side.old}\0{side.new}\0"
    seen: dict[str, int] = {}
    pieces = []
    for n, head in enumerate(heads):
        begins = patch.find("\n", head, end) + 1
        stops = heads[n + 1] if n + 1 < len(heads) else end
        if side.kind == "T" and (other := patch.find("\n" + _FILE, begins, stops)) >= 0:
            stops = other + 1
        found = _HUNK.match(patch, head, begins - 1)
        if begins == 0 or found is None:
            continue
        digest = _digest(name, patch[begins:stops])
        seen[digest] = seen.get(digest, 0) + 1
        if seen[digest] > 1:  # the very same change twice in a file
            digest = _digest(digest, str(seen[digest]))
        old, old_count, new, new_count, header = found.groups()
        lines = patch.count("\n", begins, stops)
        pieces.append(
            Piece(begins, stops, int(old), _count(old_count), int(new), _count(new_count), header, digest, lines)
        )
    more = not pieces or side.kind in "RCT" or (side.kind == "M" and side.old_mode != side.new_mode)
    blobs = "" if pieces else f"{side.old_blob}\0{side.new_blob}"
    head_digest = _digest(name, f"{side.kind}\0{side.old_mode}\0{side.new_mode}\0{blobs}") if more else ""
    return Part(start, end, head_digest, tuple(pieces))


def _count(text: str | None) -> int:
    return 1 if text is None else int(text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Body:
    """The lines of one hunk, read. Indexes are those of its lines in the patch."""

    def __init__(self, patch: str, piece: Piece) -> None:
        self.lines = patch[piece.start : piece.end].split("\n")
        if self.lines and not self.lines[-1]:
            self.lines.pop()
        self.signs = "".join([line[0] if line else " " for line in self.lines])
        olds = [sign in " -" for sign in self.signs]
        news = [sign in " +" for sign in self.signs]
        first_old, first_new = piece.old or 1, piece.new or 1
        self._olds = list(accumulate(olds, initial=first_old))
        self._news = list(accumulate(news, initial=first_new))
        self._blocks: list[tuple[int, int, int]] | None = None
        self._rows: list[tuple[int, int]] | None = None
        self._of: dict[int, int] | None = None

    @cached_property
    def offsets(self) -> list[int]:
        """Where each line begins, counted from the hunk's first; one more for the end."""
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))

    def sign(self, index: int) -> str:
        return self.signs[index]

    def text(self, index: int) -> str:
        return self.lines[index][1:]

    def old(self, index: int) -> int | None:
        return self._olds[index] if self.signs[index] in " -" else None

    def new(self, index: int) -> int | None:
        return self._news[index] if self.signs[index] in " +" else None

    def number(self, index: int) -> int:
        """The number by which a line is named: that of the new file, of the old one for what is gone."""
        return self._olds[index] if self.signs[index] == "-" else self._news[index]

    @property
    def blocks(self) -> list[tuple[int, int, int]]:
        """Changes without an unchanged line in them: index of the first line, lines removed, lines added."""
        if self._blocks is None:
            self._blocks = [
                (found.start(), found[0].count("-"), found[0].count("+"))
                for found in re.finditer(r"(?:-\\?)+(?:\+\\?)*|(?:\+\\?)+", self.signs)
            ]
        return self._blocks

    def partner(self, index: int) -> int | None:
        """The line that stands in the place of this changed one on the other side."""
        sign = self.signs[index]
        if sign not in "-+":
            return None
        if self._of is None:
            self._of = {}
            for start, removed, added in self.blocks:
                minus, plus = self._sides(start, removed, added)
                for one, other in zip(minus, plus, strict=False):
                    if "\\" not in (self.signs[one], self.signs[other]):
                        self._of[one], self._of[other] = other, one
        return self._of.get(index)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """The lines side by side: index of the left and of the right one, -1 where there is none."""
        if self._rows is None:
            rows: list[tuple[int, int]] = []
            at = 0
            for start, removed, added in self.blocks:
                rows += [(n, n) for n in range(at, start)]
                minus, plus = self._sides(start, removed, added)
                longest = max(len(minus), len(plus))
                minus += [-1] * (longest - len(minus))
                plus += [-1] * (longest - len(plus))
                rows += list(zip(minus, plus, strict=True))
                at = self._end(start, removed + added)
            rows += [(n, n) for n in range(at, len(self.lines))]
            self._rows = rows
        return self._rows

    def _end(self, start: int, changed: int) -> int:
        at, left = start, changed
        while left or (at < len(self.signs) and self.signs[at] == "\\"):
            left -= self.signs[at] != "\\"
            at += 1
        return at

    def _sides(self, start: int, removed: int, added: int) -> tuple[list[int], list[int]]:
        """Indexes of the removed and of the added lines, notes about a missing line end among them."""
        end = self._end(start, removed + added)
        middle = self._end(start, removed)
        return list(range(start, middle)), list(range(middle, end))
