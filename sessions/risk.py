"""What could happen when a permission is given: read off the command, the path and the kind of tool. Pure.

A class is only given when it is certain; all else is ``unknown``. Of several commands the worst class counts, in the
order of :class:`Risk`. Paths are judged by their letters alone, from the worktree on: a symbolic link that leads out of
the worktree is not seen. What programs are known to do is in ``sessions/commandline``.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions.commandline.effect import HARMLESS, ORDER, WORDS, Effect, Place, Risk, place, written
from sessions.commandline.programs import effects

__all__ = ["WORDS", "Judgement", "Risk", "command_risk", "of", "tool_risk"]

if TYPE_CHECKING:
    from sessions.models import Question


@dataclass(frozen=True)
class Judgement:
    """``because`` names what decided, for people; it is text of an agent in part."""

    risk: Risk
    because: str = ""


def judged(effects: Iterable[Effect]) -> Judgement:
    """The worst class, with everything that is not harmless."""
    found = [effect for effect in effects if effect.what or effect.risk is not Risk.READS]
    worst = max((effect.risk for effect in found), key=ORDER.index, default=Risk.READS)
    parts = [", ".join(_named(effect) for effect in _unique(found, worst))]
    for risk in reversed(ORDER[2 : ORDER.index(worst)] if worst not in HARMLESS else ()):
        also = ", ".join(_named(effect) for effect in _unique(found, risk))
        parts += [f"also {WORDS[risk]}: {also}"] if also else []
    return Judgement(worst, "; ".join(filter(None, parts)))


def command_risk(command: str, worktree: str | None) -> Judgement:
    """Of a shell's command line. Never raises, whatever ``command`` is."""
    return judged(effects(command, worktree))


def tool_risk(name: str, text: str, path: str | None, worktree: str | None) -> Judgement:
    """Of a tool that is no shell: ``path`` is the file that it wants, ``text`` what it would do."""
    tool = name.replace("_", "").lower()
    if tool in _FETCH:
        return Judgement(Risk.NETWORK, name)
    if path is None:
        return _patched(text, worktree)
    if any(unicodedata.category(sign)[0] == "C" for sign in path) or "…" in path:
        return Judgement(Risk.UNKNOWN, "the path is not shown as it is")
    where = place(worktree, path)
    if tool in _READ:
        return Judgement(Risk.READS, where.value if where is not Place.UNKNOWN else "")
    if tool in _WRITE:
        return judged([written(posixpath.basename(path.rstrip("/")) or path, where)])
    if tool in _DELETE:
        return judged([Effect(Risk.DELETES, posixpath.basename(path.rstrip("/")) or path, where)])
    return Judgement(Risk.UNKNOWN, "what this tool does is not known here")


def named(title: str) -> str:
    """The tool that a title begins with: ``Write: a.py``, ``Write(a.py)``. Words that go on are no tool's name."""
    found = re.match(r"([A-Za-z_]+)(?:[:(]|$)", title.strip())
    return found[1] if found else ""


def of(question: Question, worktree: str | None, *, seen: bool = False) -> Question:
    """The question with its risk; one that asks for no permission has none.

    ``seen``: it was read off the screen, which may cut what it shows; nothing is called harmless by that.
    """
    if question.command:
        found = command_risk(question.command, worktree)
    elif question.path or question.kind == "permission":
        found = tool_risk(question.tool or named(question.title), question.text, question.path, worktree)
    else:
        return question
    if seen and found.risk in HARMLESS:
        found = Judgement(Risk.UNKNOWN, "the screen may not show all of it")
    return question.model_copy(update={"risk": found.risk, "risk_because": found.because})


_READ = frozenset({"read", "readfile", "readmanyfiles", "notebookread", "view", "grep", "glob", "ls", "list", "search"})
_WRITE = frozenset({"write", "writefile", "edit", "multiedit", "notebookedit", "create", "replace", "update"})
_DELETE = frozenset({"delete", "deletefile", "remove"})
_FETCH = frozenset({"url", "fetch", "webfetch", "websearch", "googlewebsearch"})
_PATCH = re.compile(r"^\*\*\* (Begin Patch|End Patch|Add File|Update File|Delete File|Move to)(?:: (.*))?$", re.M)


def _patched(text: str, worktree: str | None) -> Judgement:
    """A patch names its files; any other text says nothing for certain."""
    lines = _PATCH.findall(text)
    marks = [mark for mark, _ in lines]
    if len(marks) < 3 or marks[0] != "Begin Patch" or marks[-1] != "End Patch" or marks.count("Begin Patch") != 1:
        return Judgement(Risk.UNKNOWN, "what it would do is not shown in a form that can be read")
    effects = []
    for mark, path in lines[1:-1]:
        where = place(worktree, path.strip())
        effects.append(
            Effect(Risk.DELETES, path, where) if mark == "Delete File" else written(posixpath.basename(path), where)
        )
    return judged(effects)


def _unique(effects: list[Effect], risk: Risk) -> list[Effect]:
    return list(dict.fromkeys(effect for effect in effects if effect.risk is risk))[:6]


def _named(effect: Effect) -> str:
    where = effect.place.value if effect.place is not None else ""
    if effect.risk in (Risk.WRITES_INSIDE, Risk.WRITES_OUTSIDE):
        where = ""  # the class says so
    return " ".join(filter(None, (effect.what, where)))
