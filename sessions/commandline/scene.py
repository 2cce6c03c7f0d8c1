"""Where a command may run, and where its paths lead from there. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sessions.commandline.effect import Effect, Place, place
from sessions.commandline.words import Unclear, Word

FOLDERS = 16
"""Folders in which a command may run, by the ``cd`` before it; more are not followed."""


@dataclass(frozen=True)
class Scene:
    """Where a command may run: any of ``folders``; None is one that cannot be told."""

    worktree: str | None
    folders: tuple[str | None, ...]
    depth: int = 0  # of ``sh -c`` within ``sh -c``

    def place(self, word: Word) -> Place:
        """Where a path leads, the worst of all folders."""
        if not word.fixed:
            return Place.UNKNOWN
        if word.text.startswith("~") and word.bare:
            return Place.OUTSIDE
        path = word.text
        if word.glob is not None:
            folder, name = posixpath.split(path[: word.glob])
            rest = (name + path[word.glob :]).split("/")
            if any(part.startswith(".") for part in rest):
                return Place.UNKNOWN  # .* may be ..
            path = posixpath.join(folder, "x")
        if not path.startswith("/") and None in self.folders:
            return Place.UNKNOWN
        if path.startswith("~"):
            path = "./" + path  # quoted: a name
        found = {place(self.worktree, path, folder) for folder in self.folders}
        return next(where for where in (Place.UNKNOWN, Place.OUTSIDE, Place.INSIDE) if where in found)

    def entered(self, word: Word) -> tuple[str | None, ...]:
        """The folders after a ``cd`` to ``word``."""
        if not word.fixed or word.glob is not None or word.text.startswith(("~", "-", "+")) or not word.text:
            return ("/",) if word.text.startswith("~") and word.bare else (None,)
        return tuple(None if folder is None else posixpath.join(folder, word.text) for folder in self.folders)

    def widened(self, more: tuple[str | None, ...]) -> Scene:
        """It may as well run in ``more``."""
        folders = tuple(dict.fromkeys((*self.folders, *more)))
        return replace(self, folders=folders if len(folders) <= FOLDERS else (None,))


@dataclass(frozen=True)
class Inner:
    """How a program's own arguments are judged when they are a command again: as words, or as a line."""

    run: Callable[[tuple[Word, ...], Scene], Iterator[Effect]]
    line: Callable[[str, Scene], list[Effect]]


Judge = Callable[[str, tuple[Word, ...], Scene, Inner], Iterator[Effect]]
"""Judges one program: its name, its arguments, where it runs."""


def paths(words: tuple[Word, ...], options: re.Pattern[str], what: str) -> list[Word]:
    """The arguments that are no options. Raises Unclear for one that is not in ``options``, or that could be one."""
    found = []
    ended = False
    for word in words:
        if ended or word.text == "-":
            found.append(word)
        elif word.fixed and word.text == "--":
            ended = True
        elif word.hidden:
            raise Unclear(f"an option of {what} may not be in the line")
        elif word.text.startswith("-") and not options.fullmatch(word.text):
            raise Unclear(f"what {what} {word.text[:30]} does is not known here")
        elif not word.text.startswith("-"):
            found.append(word)
    return found
