"""From a command line to its effects, as far as they are certain. Pure.

A program that is not listed, an option that is not known, or a word that is not in the line make it ``unknown``. Not
judged is what the human configured: aliases, git's hooks, programs of other names in ``PATH``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from sessions.commandline import git, table, wrappers
from sessions.commandline.effect import Effect, Place, Risk, written
from sessions.commandline.line import Redirection, Simple, commands
from sessions.commandline.scene import Inner, Judge, Scene, paths
from sessions.commandline.words import Unclear, Word

DEPTH = 4
"""How often ``sh -c`` may stand within ``sh -c``."""
_NULL = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/stdin")


def effects(line: str, worktree: str | None) -> list[Effect]:
    """All that ``line`` does, run in ``worktree``; never raises."""
    return _line(line, Scene(worktree, (worktree,)))


def _line(line: str, scene: Scene) -> list[Effect]:
    try:
        if scene.depth > DEPTH:
            raise Unclear("commands stand too deep in each other")
        found = commands(line)
        if any(simple.loop for simple in found) and any(_name(simple) == "cd" for simple in found):
            raise Unclear("it changes the folder in a loop")
        return list(_walk(found, replace(scene, depth=scene.depth + 1)))
    except Unclear as reason:
        return [*_dreaded(line), Effect(Risk.UNKNOWN, str(reason))]


def _dreaded(line: str) -> Iterator[Effect]:
    """What a line that is not understood names all the same."""
    words = set(re.findall(r"(?<![\w./-])(?:rm|rmdir|shred|curl|wget|ssh)(?![\w.-])", line))
    for word in sorted(words):
        yield Effect(Risk.DELETES if word in table.REMOVERS else Risk.NETWORK, word)


def _walk(found: tuple[Simple, ...], scene: Scene) -> Iterator[Effect]:
    """Follows ``cd``: what comes behind it with && runs there, what comes later there or where it was before."""
    kept: tuple[str | None, ...] = ()
    for simple in found:
        if simple.before not in ("&&", "|", "|&") and kept:
            scene, kept = scene.widened(kept), ()
        try:
            yield from _simple(simple, scene)
        except Unclear as reason:
            yield Effect(Risk.UNKNOWN, str(reason))
        if _name(simple) == "cd":
            words = [word for word in simple.words[1:] if word.text != "--"]
            entered = scene.entered(words[0]) if len(words) == 1 else ("/",) if not words else (None,)
            kept = tuple(dict.fromkeys((*kept, *scene.folders)))
            if simple.after == "&&" and not simple.before.startswith("|") and not simple.negated:
                scene = replace(scene, folders=entered)
            else:
                scene = scene.widened(entered)


def _name(simple: Simple) -> str:
    return simple.words[0].text if simple.words and simple.words[0].fixed else ""


def _simple(simple: Simple, scene: Scene) -> Iterator[Effect]:
    for name, _value in simple.assignments:
        yield from wrappers.assigned(name)
    for redirection in simple.redirections:
        yield from _redirected(redirection, scene)
    if simple.words:
        yield from _run(simple.words, scene)


def _redirected(redirection: Redirection, scene: Scene) -> Iterator[Effect]:
    target = redirection.target
    if redirection.operator in ("<<", "<<-", "<<<"):
        return
    if redirection.operator in (">&", "<&") and target.plain and re.fullmatch(r"[0-9]+-?|-", target.text):
        return
    if target.fixed and re.match(r"/+dev/+(tcp|udp)/", posixpath.normpath(target.text)):
        yield Effect(Risk.NETWORK, target.text)
    elif redirection.operator == "<" and target.fixed:
        yield from _reads((target,), scene)
    elif redirection.operator == "<":
        yield Effect(Risk.UNKNOWN, "it reads a file that is not in the line")  # which may be a network's
    elif target.glob is not None:
        yield Effect(Risk.UNKNOWN, "a wildcard decides where it writes")
    elif not target.fixed or target.text not in _NULL:
        yield written(target.text if target.fixed else "a redirection", scene.place(target))


def _run(words: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """The effects of one program with its arguments."""
    first, rest = words[0], words[1:]
    if not first.fixed or (first.glob is not None and first.text != "[") or (first.text.startswith("~") and first.bare):
        raise Unclear("what is run is not in the line")
    folder, name = posixpath.split(first.text)
    if folder and folder not in table.SYSTEM_FOLDERS:
        raise Unclear(f"{first.text[:40]} runs what the line does not show")
    judge = _JUDGES.get(name)
    if len(rest) == 1 and name in table.TOOLCHAINS and rest[0].plain and rest[0].text in ("--version", "--help"):
        yield Effect(Risk.READS)
    elif judge is not None:
        yield from judge(name, rest, scene, Inner(_run, _line))
    elif name in table.NETWORK:
        yield Effect(Risk.NETWORK, name)
    elif name in table.RUNNERS:
        raise Unclear(f"{name} runs what the line does not show")
    else:
        raise Unclear(f"what {name[:40]} does is not known here")


def _reads(rest: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """Names a path that leads out: reading a secret harms no file, but it is worth a look."""
    out = [word for word in rest if re.match(r"~|/|\.\.(/|$)", word.text) and scene.place(word) is Place.OUTSIDE]
    far = next((word.text for word in out if word.text not in _NULL), "")
    yield Effect(Risk.READS, far, Place.OUTSIDE if far else None)


def _reader(_name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    yield from _reads(rest, scene)


def _guarded(name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    """A reader some of whose options do more than read."""
    found = paths(rest, table.GUARDED[name], name)
    if name == "date" and any(not word.text.startswith("+") for word in found):
        raise Unclear("date may set the clock")
    yield from _reads(rest, scene)


def _writer(name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    options, first = table.WRITERS[name]
    for word in paths(rest, options, name)[first:]:
        if not (word.fixed and word.text in _NULL):
            yield written(name, scene.place(word))


def _copier(name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    found = paths(rest, table.COPIERS[name], name)
    folders = name == "install" and any(word.text.startswith("-") and "d" in word.text for word in rest)
    for word in found if folders else found[-1:]:
        yield written(name, scene.place(word))


def _remover(name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    found = [word for word in rest if not (word.fixed and word.text.startswith("-"))]
    for word in found:
        yield Effect(Risk.DELETES, name, scene.place(word))
    if not found:
        yield Effect(Risk.DELETES, name)


def _cd(_name: str, rest: tuple[Word, ...], _scene: Scene, _inner: Inner) -> Iterator[Effect]:
    if len(rest) > 1 or any(word.text.startswith("-") for word in rest):
        raise Unclear("cd leads where it cannot be told")
    yield Effect(Risk.READS)


_JUDGES: dict[str, Judge] = {
    **dict.fromkeys(table.NOTHING | table.READERS, _reader),
    **dict.fromkeys(table.GUARDED, _guarded),
    **dict.fromkeys(table.WRITERS, _writer),
    **dict.fromkeys(table.COPIERS, _copier),
    **dict.fromkeys(table.REMOVERS, _remover),
    **wrappers.JUDGES,
    "cd": _cd,
    "git": git.judge,
}
