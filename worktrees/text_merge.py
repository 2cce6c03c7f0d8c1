"""A three-way merge of text, hunk by hunk: what both sides have in common, and what each says where they differ.

``git merge-file --diff3`` merges; its marks are made longer than any run of their characters in the text, so that no
line of a file can be taken for one.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from worktrees.cleanroom import run_code
from worktrees.errors import GitFailed
from worktrees.models import Model

_LONGEST = re.compile(r"^(<+|>+|=+|\|+)", re.MULTILINE)
_NO_END = "\x01no line end"
_MARKS = re.compile(r"^(?:<{7}|\|{7}|>{7})(?: |\r?\n|\Z)")


class Hunk(Model):
    """One place where both sides differ from the base and from each other; lines with their ends."""

    ours: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    key: str = ""  # stands for what the two sides say, in whichever order; the base does not count, as in rerere


class Part(Model):
    """A stretch of a file: lines that are settled, or a hunk."""

    lines: tuple[str, ...] = ()
    hunk: Hunk | None = None


def three_way(root: Path, ours: str, base: str, theirs: str) -> tuple[Part, ...]:
    """Merge three texts; the parts in order. Without a hunk they merge cleanly. Raises GitFailed."""
    texts = tuple(map(_ended, (ours, base, theirs)))
    size = 1 + max([7, *(len(found) for text in texts for found in _LONGEST.findall(text))])
    with tempfile.TemporaryDirectory(prefix="three-way-") as folder:
        files = []
        for name, text in zip(("ours", "base", "theirs"), texts, strict=True):
            file = Path(folder) / name
            file.write_bytes(text.encode("utf-8", "surrogateescape"))
            files.append(str(file))
        labels = ("-L", "ours", "-L", "base", "-L", "theirs")
        words = ("merge-file", "-p", "-q", "--diff3", f"--marker-size={size}", *labels, *files)
        code, said = run_code(root, *words, ok=tuple(range(128)))
    parts = _parts(said, size)
    if bool(code) != any(part.hunk is not None for part in parts):
        raise GitFailed(words, code, said)
    return parts


def whole(ours: str, base: str, theirs: str) -> tuple[Part, ...]:
    """The files as a whole, as one hunk."""
    return (Part(hunk=_hunk(*(tuple(lines(text)) for text in (ours, base, theirs)))),)


def marks(text: str, *known: str) -> int | None:
    """The number (from 1) of the first line that is a conflict mark and stands in none of the ``known`` texts."""
    there = {line for one in known for line in lines(one) if _MARKS.match(line)}
    found = (n for n, line in enumerate(lines(text), 1) if _MARKS.match(line) and line not in there)
    return next(found, None)


def lines(text: str) -> list[str]:
    """Lines as git counts them, each with its end."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}{_NO_END}\n"


def _parts(said: str, size: int) -> tuple[Part, ...]:
    found: list[Part] = []
    settled: list[str] = []
    sides: list[list[str]] = []
    begins = {"<" * size + " ours": 0, "|" * size + " base": 1, "=" * size: 2, ">" * size + " theirs": 3}
    for line in lines(said):
        state = begins.get(line.rstrip("\r\n"))
        if state == 0:
            if settled:
                found.append(Part(lines=_lines(settled)))
            settled, sides = [], [[]]
        elif state in (1, 2):
            sides.append([])
        elif state == 3:
            found.append(Part(hunk=_hunk(*map(_lines, sides))))
            sides = []
        elif sides:
            sides[-1].append(line)
        else:
            settled.append(line)
    if settled:
        found.append(Part(lines=_lines(settled)))
    return tuple(found)


def _lines(found: list[str]) -> tuple[str, ...]:
    return tuple(line.replace(f"{_NO_END}\n", "") if _NO_END in line else line for line in found)


def _hunk(ours: tuple[str, ...], base: tuple[str, ...], theirs: tuple[str, ...]) -> Hunk:
    said = "\0".join(sorted(("".join(ours), "".join(theirs))))
    key = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return Hunk(ours=ours, base=base, theirs=theirs, key=key)
