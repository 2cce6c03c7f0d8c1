"""A conflict for what it is, and how it can be resolved: models of :mod:`worktrees.three_way`.

``ours`` is the target, ``theirs`` the session's branch, as in a merge of the branch into the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from worktrees.errors import WorktreeError
from worktrees.models import Model
from worktrees.text_merge import Hunk, Part, marks


class Kind(StrEnum):
    CONTENT = "content"  # both changed the same lines
    ADDED = "add/add"  # both added a file of that name
    DELETED = "delete/modify"  # one deleted what the other changed
    RENAMED = "rename/rename"  # both renamed one file, to different names
    RENAMED_AWAY = "rename/delete"  # one renamed what the other deleted
    PLACE = "directory/file"  # one has a folder where the other has a file
    MOVED = "file location"  # one added a file to a folder that the other renamed
    MODE = "mode"  # the same content, executable on one side only
    TYPE = "type"  # a file on one side, a link or a submodule on the other
    BINARY = "binary"  # no text that could be merged by lines
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    OTHER = "several at once"  # what the above do not cover: taken as one side has it


class Choice(Model):
    """A way out that is no text. ``key`` is ours, theirs, base or both."""

    key: str
    words: str


class Problem(Model):
    """A conflict. Where there are ``choices`` one is to be chosen; where ``parts`` have hunks each is to be picked."""

    id: str  # stands for the conflict as it is: other versions of the files give another
    kind: Kind
    path: str  # fit to be shown
    words: str  # what happened, as a sentence
    choices: tuple[Choice, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        return tuple(part.hunk for part in self.parts if part.hunk is not None)


class Take(StrEnum):
    OURS = "ours"
    THEIRS = "theirs"
    OURS_THEIRS = "ours, theirs"
    THEIRS_OURS = "theirs, ours"
    BASE = "base"
    EDIT = "edit"


class Pick(Model):
    """What a hunk becomes. ``text`` is what was typed, for EDIT alone."""

    take: Take
    text: str = ""

    def of(self, hunk: Hunk) -> str:
        match self.take:
            case Take.OURS:
                return "".join(hunk.ours)
            case Take.THEIRS:
                return "".join(hunk.theirs)
            case Take.OURS_THEIRS:
                return _joined(hunk.ours, hunk.theirs)
            case Take.THEIRS_OURS:
                return _joined(hunk.theirs, hunk.ours)
            case Take.BASE:
                return "".join(hunk.base)
            case Take.EDIT:
                return self.text


class Resolution(Model):
    """How one conflict is resolved; incomplete ones are drafts. ``text``: the whole file, instead of picks."""

    problem: str
    choice: str = ""
    picks: tuple[Pick | None, ...] = ()
    text: str | None = None


class Entry(Model):
    """A file of a tree. ``oid`` None: the text that the hunks give."""

    mode: str
    oid: str | None


Effect = Mapping[str, Entry | None]
"""By path, what becomes of it; None: it is not there."""


@dataclass(frozen=True)
class ThreeWay:
    """A merge in conflict. ``effects`` tells what each choice does; one without choices has its effect at ""."""

    ours: str
    theirs: str
    tree: str  # with git's marks in it
    problems: tuple[Problem, ...] = ()
    effects: Mapping[tuple[str, str], Effect] = field(default_factory=dict)

    def problem(self, id_: str) -> Problem | None:
        return next((one for one in self.problems if one.id == id_), None)


def take(problem: Problem, side: Take) -> Resolution:
    """All of ``problem`` as one side has it. A choice that it does not offer stays open."""
    offered = {choice.key for choice in problem.choices}
    key = "both" if side in (Take.OURS_THEIRS, Take.THEIRS_OURS) else side
    return Resolution(
        problem=problem.id,
        choice=key if key in offered else "",
        picks=tuple(Pick(take=side) for _ in problem.hunks),
    )


def left(problem: Problem, resolution: Resolution | None) -> int:
    """How many decisions of ``problem`` are open."""
    made = resolution or Resolution(problem=problem.id)
    offered = {choice.key for choice in problem.choices}
    open_ = int(bool(offered) and made.choice not in offered)
    if made.text is not None:
        return open_
    picks = (*made.picks, *(None for _ in problem.hunks))[: len(problem.hunks)]
    return open_ + sum(pick is None for pick in picks)


def decisions(problem: Problem) -> int:
    return int(bool(problem.choices)) + len(problem.hunks)


def text_of(problem: Problem, resolution: Resolution) -> str:
    """The file as resolved. Raises WorktreeError for an open hunk, or a conflict mark that neither side has."""
    if resolution.text is not None:
        text = resolution.text
    else:
        picks = iter((*resolution.picks, *(None for _ in problem.hunks)))
        said: list[str] = []
        for part in problem.parts:
            pick = next(picks) if part.hunk is not None else None
            if part.hunk is None:
                said.extend(part.lines)
            elif pick is None:
                raise WorktreeError(f"{problem.path} has hunks that nobody decided", "decide them, then accept")
            else:
                said.append(pick.of(part.hunk))
        text = joined(said)
    if (line := marks(text, *_versions(problem))) is not None:
        raise WorktreeError(
            f"{problem.path} would have a conflict mark in line {line}",
            "edit that hunk again: take out what <<<<<<<, ||||||| and >>>>>>> begin",
        )
    return text


def joined(pieces: Iterable[str]) -> str:
    """Pieces of a file in order: only the last of them may lack its line end."""
    said = ""
    for piece in pieces:
        if piece and said and not said.endswith("\n"):
            said += "\n"
        said += piece
    return said


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> str:
    return joined(("".join(first), "".join(second)))


def _versions(problem: Problem) -> tuple[str, ...]:
    """All that either side says."""
    hunks = problem.hunks
    settled = ("".join(part.lines) for part in problem.parts if part.hunk is None)
    sides = ("".join(lines) for hunk in hunks for lines in (hunk.ours, hunk.base, hunk.theirs))
    return (*settled, *sides)
