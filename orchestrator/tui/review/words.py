"""What changed within a line: the words that differ from the line in its place on the other side. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LONGEST = 1000
"""Characters of a line beyond which words are not compared."""
ALIKE = 0.4
"""Share of common words below which two lines are not the same line changed."""
Span = tuple[int, int]


@lru_cache(maxsize=4096)
def changed(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans of what is only in ``old``, and of what is only in ``new``; none when the two have too little in common."""
    if max(len(old), len(new)) > LONGEST or not old.strip() or not new.strip():
        return (), ()
    one, other = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return (), ()
    same = [(a, b, size) for a, b, size in matcher.get_matching_blocks() if size]
    common = sum(len(word) for a, _b, size in same for word in one[a : a + size] if not word.isspace())
    if common < ALIKE * max(_solid(one), _solid(other)):
        return (), ()
    return _rest(one, [(a, size) for a, _b, size in same]), _rest(other, [(b, size) for _a, b, size in same])


def _solid(words: list[str]) -> int:
    return sum(len(word) for word in words if not word.isspace())


def _rest(words: list[str], same: list[tuple[int, int]]) -> tuple[Span, ...]:
    """Spans of the words that are in no block."""
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word))
    spans: list[Span] = []
    at = 0
    for begin, size in [*same, (len(words), 0)]:
        if begin > at:
            spans.append((ends[at], ends[begin]))
        at = begin + size
    return tuple(spans)
