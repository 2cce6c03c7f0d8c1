"""Finding words in a review: in the lines of its hunks, from a place on, around its end. Pure."""

from __future__ import annotations

from bisect import bisect_right

from orchestrator.tui.review.sheet import Kind, Place, Sheet


class Search:
    """All that is asked of one patch. Capitals count when the words have some."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._exact = sheet.reply.patch
        self._lower: str | None = None
        self._parts = [part.start for part in sheet.parts]

    def find(self, words: str, place: Place | None, forward: bool = True) -> Place | None:
        """The next line that has ``words``; None when no line has them."""
        if not words or not self._parts:
            return None
        text, words = self._text(words)
        at = self._offset(place, forward)
        found = self._from(text, words, at, forward)
        return found if found is not None else self._from(text, words, 0 if forward else len(text), forward)

    def _text(self, words: str) -> tuple[str, str]:
        if words != words.lower():
            return self._exact, words
        if self._lower is None:
            lower = self._exact.lower()
            self._lower = lower if len(lower) == len(self._exact) else self._exact  # ``İ`` becomes two characters
        return self._lower, words

    def _offset(self, place: Place | None, forward: bool) -> int:
        """Where in the patch to go on."""
        if place is None or place.file >= len(self._sheet.parts):
            return 0 if place is None else len(self._exact)
        part = self._sheet.parts[place.file]
        if not 0 <= place.hunk < len(part.pieces):
            return part.end if place.kind is Kind.TAIL else part.start
        piece = part.pieces[place.hunk]
        if place.kind is not Kind.BODY:
            return piece.start
        offsets = self._sheet.body(place.file, place.hunk).offsets
        return piece.start + offsets[place.line + 1 if forward else place.line]

    def _from(self, text: str, words: str, at: int, forward: bool) -> Place | None:
        while True:
            at = text.find(words, at) if forward else text.rfind(words, 0, at)
            if at < 0:
                return None
            file = bisect_right(self._parts, at) - 1
            part = self._sheet.parts[max(0, file)]
            hunk = bisect_right([piece.start for piece in part.pieces], at) - 1
            if hunk >= 0 and at < part.pieces[hunk].end:
                offsets = self._sheet.body(file, hunk).offsets
                line = bisect_right(offsets, at - part.pieces[hunk].start) - 1
                if at - part.pieces[hunk].start > offsets[line] - (words[:1] in " +-"):
                    return Place(Kind.BODY, file, hunk, line)
                at += 1 if forward else 0  # the sign itself
                continue
            if forward:  # a head: go on behind it
                later = [piece.start for piece in part.pieces if piece.start > at]
                at = later[0] if later else max(part.end, at + 1)
