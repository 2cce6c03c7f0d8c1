"""A review as rows under each other, of which only those that are seen are ever read.

A *stretch* is what of the rows is alike: the head of a file, lines of a hunk, lines around it, a comment. There are as
many as files and hunks, not as lines; a row is found in them by bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum, auto

from orchestrator.review.ask import Remark, ReviewReply
from worktrees.partial import Chosen, Pick
from worktrees.patches import Body, Entry, Part, Piece, read

MORE = 20
"""Unchanged lines that are unfolded at a time."""


class Kind(Enum):
    FILE = auto()
    NOTE = auto()  # what is to say of a file as a whole
    HUNK = auto()  # head of a hunk, and what is folded above it
    AROUND = auto()  # unchanged lines that were unfolded
    BODY = auto()
    REMARK = auto()
    TAIL = auto()  # the rest of the file, folded


@dataclass(frozen=True, slots=True)
class Stretch:
    """``first`` is the first line (of the hunk, of the file for AROUND, of the comment), ``hidden`` lines folded."""

    kind: Kind
    file: int
    hunk: int = -1
    first: int = 0
    count: int = 1
    hidden: int = 0
    text: str = ""
    remark: Remark | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A row as it is found again when rows come and go."""

    kind: Kind
    file: int
    hunk: int = -1
    line: int = 0
    remark: str = ""


@dataclass
class Sheet:
    """A review and how it is shown. :meth:`build` after every change; all else only looks."""

    reply: ReviewReply
    split: bool = False
    marks: set[str] = field(default_factory=set)
    remarks: tuple[Remark, ...] = ()
    picks: dict[int, set[int] | None] = field(default_factory=dict)  # hunks by file; None: all of it
    folded: dict[tuple[int, int], bool] = field(default_factory=dict)  # as the human wants it; hunk -1: the file
    around: dict[tuple[int, int], int] = field(default_factory=dict)  # unfolded lines above a hunk, or at the end
    texts: dict[str, list[str]] = field(default_factory=dict)  # by blob
    parts: tuple[Part, ...] = ()
    stretches: list[Stretch] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # first row of each stretch
    heads: list[int] = field(default_factory=list)  # row of each file
    total: int = 0
    _bodies: dict[tuple[int, int], Body] = field(default_factory=dict)

    @classmethod
    def of(cls, reply: ReviewReply, split: bool = False) -> Sheet:
        sheet = cls(reply, split, set(reply.marks), reply.remarks)
        sheet.parts = read(reply.patch, reply.files)
        sheet.build()
        return sheet

    # -- what there is

    def piece(self, file: int, hunk: int) -> Piece:
        return self.parts[file].pieces[hunk]

    def body(self, file: int, hunk: int) -> Body:
        """The lines of a hunk, read when they are first needed."""
        if (file, hunk) not in self._bodies:
            self._bodies[file, hunk] = Body(self.reply.patch, self.piece(file, hunk))
        return self._bodies[file, hunk]

    def seen(self, file: int, hunk: int = -1) -> bool:
        """A hunk, or all of a file, was looked at."""
        if file >= len(self.parts):
            return False
        part = self.parts[file]
        return part.pieces[hunk].digest in self.marks if hunk >= 0 else self.marks.issuperset(part.items)

    def picked(self, file: int, hunk: int = -1) -> bool:
        """A hunk, or anything of a file, is picked to land."""
        hunks = self.picks.get(file, set())
        return hunks is None or (hunk in hunks if hunk >= 0 else bool(hunks))

    def closed(self, file: int, hunk: int = -1) -> bool:
        """Its lines are folded away: as the human says, else when it was looked at."""
        return self.folded.get((file, hunk), self.seen(file, hunk))

    def said(self, file: int) -> list[Remark]:
        entry = self.reply.files[file]
        return [one for one in self.remarks if one.path == (entry.old if one.side == "old" else entry.new)]

    def chosen(self) -> Chosen | None:
        """What is picked, as a merge takes it; None: nothing."""
        picks = tuple(
            Pick(file=file, hunks=None if hunks is None else tuple(sorted(hunks)))
            for file, hunks in sorted(self.picks.items())
        )
        return Chosen(origin=self.reply.origin, tree=self.reply.tree, picks=picks) if picks else None

    # -- changes of what is shown

    def pick(self, file: int, hunk: int = -1) -> None:
        """Pick, or leave again. A file that only makes sense as a whole is picked as one."""
        count = len(self.parts[file].pieces) if file < len(self.parts) else 0
        if hunk < 0 or self.reply.files[file].whole:
            if self.picked(file):
                del self.picks[file]
            else:
                self.picks[file] = None
            return
        now = self.picks.get(file, set())
        hunks = set(range(count)) if now is None else set(now)
        hunks ^= {hunk}
        if not hunks:
            self.picks.pop(file, None)
        else:
            self.picks[file] = None if len(hunks) == count else hunks

    def mark(self, file: int, hunk: int = -1) -> bool:
        """Looked at, or again not; returns which."""
        part = self.parts[file]
        items = {part.pieces[hunk].digest} if hunk >= 0 else set(part.items)
        done = not items <= self.marks
        if done:
            self.marks |= items
        else:
            self.marks -= items
        self.folded.pop((file, hunk), None)
        for n in range(-1, len(part.pieces)) if hunk < 0 else ():
            self.folded.pop((file, n), None)
        return done

    def build(self) -> None:
        """Lay all rows out anew: takes time with files and hunks, with lines only side by side."""
        self.stretches, self.heads = [], []
        for file in range(len(self.reply.files)):
            self._file(file)
        self.starts = []
        at = 0
        for stretch in self.stretches:
            self.starts.append(at)
            if stretch.kind is Kind.FILE:
                self.heads.append(at)
            at += stretch.count
        self.total = at

    def _file(self, file: int) -> None:
        entry, add = self.reply.files[file], self.stretches.append
        add(Stretch(Kind.FILE, file))
        if self.closed(file):
            return
        for note in _notes(entry, file < len(self.parts)):
            add(Stretch(Kind.NOTE, file, text=note))
        part = self.parts[file] if file < len(self.parts) else None
        placed = self._placed(file)
        for remark in placed.pop((-1, 0), ()):
            add(Stretch(Kind.REMARK, file, count=_height(remark), remark=remark, hidden=1))
        after = 1
        for hunk, piece in enumerate(part.pieces if part else ()):
            begin = piece.new if piece.new_count else piece.new + 1
            hidden = begin - after
            around = min(self.around.get((file, hunk), 0), hidden)
            if entry.kind not in "AD":  # of those the head of the file says it all
                add(Stretch(Kind.HUNK, file, hunk, hidden=hidden - around))
            if around:
                add(Stretch(Kind.AROUND, file, hunk, begin - around, around))
            if not self.closed(file, hunk):
                self._body(file, hunk, placed)
            after = begin + piece.new_count
        if part and part.pieces and entry.kind in "MR":
            around = self.around.get((file, len(part.pieces)), 0)
            if (lines := self.texts.get(entry.new_blob)) is not None:
                around = min(around, len(lines) - after + 1)
            if around > 0:
                add(Stretch(Kind.AROUND, file, len(part.pieces), after, around))
        add(Stretch(Kind.TAIL, file, len(part.pieces) if part else 0))

    def _body(self, file: int, hunk: int, placed: dict[tuple[int, int], list[Remark]]) -> None:
        count = len(self.body(file, hunk).rows) if self.split else self.piece(file, hunk).lines
        at = 0
        for line in sorted(line for of, line in placed if of == hunk):
            row = self._row_of_line(file, hunk, line)
            if row + 1 > at:
                self.stretches.append(Stretch(Kind.BODY, file, hunk, at, row + 1 - at))
                at = row + 1
            for remark in placed[hunk, line]:
                self.stretches.append(Stretch(Kind.REMARK, file, hunk, count=_height(remark), remark=remark))
        if at < count:
            self.stretches.append(Stretch(Kind.BODY, file, hunk, at, count - at))

    def _row_of_line(self, file: int, hunk: int, line: int) -> int:
        if not self.split:
            return line
        return next((n for n, row in enumerate(self.body(file, hunk).rows) if line in row), 0)

    def _placed(self, file: int) -> dict[tuple[int, int], list[Remark]]:
        """Comments by the hunk and line that they stand under; (-1, 0): their lines are not shown (any more)."""
        placed: dict[tuple[int, int], list[Remark]] = {}
        for remark in self.said(file):
            placed.setdefault(self._anchor(file, remark), []).append(remark)
        return placed

    def _anchor(self, file: int, remark: Remark) -> tuple[int, int]:
        wanted = remark.quote[-1] if remark.quote else ""
        best: tuple[int, int, int] | None = None
        for hunk in range(len(self.parts[file].pieces)) if file < len(self.parts) else ():
            body = self.body(file, hunk)
            for n in range(len(body.lines)):
                number = body.old(n) if remark.side == "old" else body.new(n)
                if number is None or body.text(n).rstrip("\r")[:500] != wanted:
                    continue
                off = abs(number - remark.last)
                if best is None or off < best[0]:
                    best = off, hunk, n
        return (best[1], best[2]) if best else (-1, 0)

    # -- rows

    def at(self, row: int) -> tuple[Stretch, int]:
        """The stretch of a row, and how far in it the row is."""
        n = bisect_right(self.starts, row) - 1
        return self.stretches[n], row - self.starts[n]

    def place(self, row: int) -> Place:
        stretch, off = self.at(row)
        line = stretch.first + off
        if stretch.kind is Kind.BODY and self.split:
            left, right = self.body(stretch.file, stretch.hunk).rows[line]
            line = right if right >= 0 else left
        return Place(stretch.kind, stretch.file, stretch.hunk, line, stretch.remark.id if stretch.remark else "")

    def row(self, place: Place) -> int:
        """Where a place is now; where it is folded away, the head that it is under."""
        if not self.heads:
            return 0
        row = self.heads[min(place.file, len(self.heads) - 1)]
        n = bisect_right(self.starts, row) - 1
        while n < len(self.stretches) and self.stretches[n].file == place.file:
            stretch = self.stretches[n]
            if stretch.hunk == place.hunk or place.kind is Kind.REMARK:
                if stretch.kind is Kind.HUNK and stretch.hunk == place.hunk:
                    row = self.starts[n]
                if stretch.kind is place.kind:
                    line = place.line
                    if stretch.kind is Kind.BODY:
                        line = self._row_of_line(place.file, place.hunk, place.line)
                    if stretch.kind is Kind.REMARK:
                        if stretch.remark is not None and stretch.remark.id == place.remark:
                            return self.starts[n]
                    elif stretch.first <= line < stretch.first + stretch.count:
                        return self.starts[n] + line - stretch.first
            n += 1
        return row


def _notes(entry: Entry, shown: bool) -> list[str]:
    """What no hunk says of a file, in words of ours and modes of git's."""
    notes = []
    if "160000" in (entry.old_mode, entry.new_mode):
        notes.append(f"submodule {entry.old_blob[:10]} → {entry.new_blob[:10]}")
    elif entry.kind == "T":
        notes.append(f"another kind of file: {_type(entry.old_mode)} → {_type(entry.new_mode)}")
    elif entry.kind == "A" and entry.new_mode != "100644":
        notes.append(f"new {_type(entry.new_mode)}")
    elif entry.kind in "MR" and entry.old_mode != entry.new_mode:
        notes.append(f"mode {entry.old_mode} → {entry.new_mode}: {_type(entry.new_mode)}")
    if entry.added is None:
        notes.append("binary")
    elif not shown:
        notes.append("too large to be shown here")
    elif entry.kind in "AD" and not (entry.added or entry.removed):
        notes.append("empty")
    return notes


def _type(mode: str) -> str:
    return {"100755": "executable file", "120000": "link", "160000": "submodule"}.get(mode, "file")


def _height(remark: Remark) -> int:
    return 1 + len(remark.text.splitlines() or [""])
