"""Programs that run other programs, and those that only their arguments make harmless. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from sessions.commandline import table
from sessions.commandline.effect import Effect, Place, Risk, written
from sessions.commandline.scene import Inner, Judge, Scene
from sessions.commandline.words import Unclear, Word


def assigned(name: str) -> Iterator[Effect]:
    """The effect of setting a variable."""
    if not (table.ENVIRONMENT.fullmatch(name) or table.NAMES.fullmatch(name)):
        yield Effect(Risk.UNKNOWN, f"{name[:40]} may change what programs do")


def _stripped(rest: tuple[Word, ...], options: str, what: str, *, values: str = "") -> tuple[Word, ...]:
    """``rest`` behind the options: those that match ``options`` stand alone, a value follows those of ``values``."""
    at = 0
    while at < len(rest) and rest[at].optional:
        word = rest[at]
        if word.fixed and word.text == "--":
            return rest[at + 1 :]
        if not word.fixed or word.glob is not None:
            raise Unclear(f"an option of {what} may not be in the line")
        if values and re.fullmatch(values, word.text):
            at += 2
        elif re.fullmatch(options, word.text):
            at += 1
        else:
            raise Unclear(f"what {what} {word.text[:30]} does is not known here")
    return rest[at:]


def _inner(words: tuple[Word, ...], scene: Scene, inner: Inner, what: str) -> Iterator[Effect]:
    if scene.depth > 4 or not words:
        raise Unclear(f"what {what} runs is not in the line")
    yield from inner.run(words, replace(scene, depth=scene.depth + 1))


def _shell(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    """``sh -c LINE``; a file or the standard input may hold anything."""
    line = rest[1] if len(rest) >= 2 and rest[0].fixed and re.fullmatch(r"-[leux]*c", rest[0].text) else None
    if line is None or not line.fixed or line.glob is not None:
        raise Unclear(f"{name} runs what the line does not show")
    yield from inner.line(line.text, scene)


def _sudo(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    yield Effect(Risk.WRITES_OUTSIDE, name)
    yield from _inner(_stripped(rest, r"-[nSEHk]+", name), scene, inner, name)


def _plain(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    """time, command, builtin: nothing but what they run."""
    words = _stripped(rest, r"-p|-[vV]" if name == "command" else r"-p", name)
    if name == "command" and rest and rest[0].text in ("-v", "-V"):
        yield Effect(Risk.READS)
    else:
        yield from _inner(words, scene, inner, name)


def _nice(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    options = {"nice": r"-n-?\d+|-\d+|--adjustment=\S+", "stdbuf": r"-[ioe]\S+"}[name]
    yield from _inner(_stripped(rest, options, name, values="-n" if name == "nice" else ""), scene, inner, name)


def _timeout(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    words = _stripped(rest, r"-v|--(?:foreground|preserve-status|signal=\w+|kill-after=\w+)", name, values="-[ks]")
    if not words or not words[0].fixed or not re.fullmatch(r"\d+(?:\.\d+)?[smhd]?", words[0].text):
        raise Unclear("what timeout runs is not in the line")
    yield from _inner(words[1:], scene, inner, name)


def _nohup(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    yield written(name, scene.place(Word("nohup.out", bare=9)))
    yield from _inner(_stripped(rest, r"(?!)", name), scene, inner, name)


def _env(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    words = _stripped(rest, r"(?!)", name)
    while words and (given := re.match(r"(\w+)=", words[0].text)):
        yield from assigned(given[1])
        words = words[1:]
    if words:
        yield from _inner(words, scene, inner, name)
    else:
        yield Effect(Risk.READS)


def _export(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    for word in rest:
        given = re.fullmatch(r"(\w+)(?:=.*)?", word.text, re.S)
        if given is None or word.bare < len(given[1]):
            raise Unclear(f"what {name} sets is not in the line")
        yield from assigned(given[1])


def _read(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """Reads a line into variables."""
    for word in rest:
        if not word.plain:
            raise Unclear(f"what {name} sets is not in the line")
        if word.text != "-r":
            yield from assigned(word.text)


def _xargs(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    """The words that it adds are not in the line; behind them stands what nobody reads here."""
    words = _stripped(rest, r"-[0rtx]+|-[nPLd]\S+|--(?:null|no-run-if-empty)|-I\S+", name, values="-[nPLdI]")
    marks = [word.text[2:] or after.text for word, after in pairwise((*rest, Word(""))) if word.text.startswith("-I")]
    replaced = [_loose(word) if any(mark in word.text for mark in marks) else word for word in words]
    added = [] if marks else [_loose(Word(""))]
    yield from _inner((*replaced, *added) if words else (Word("echo", bare=4),), scene, inner, name)


_FIND_TESTS = re.compile(
    r"-(?:i?name|i?path|i?wholename|i?regex|regextype|type|xtype|size|[acm]time|[acm]min|newer\w*|(?:max|min)depth|perm"
    r"|user|group|empty|readable|writable|executable|not|a|and|o|or|true|false|prune|print0?|ls|quit|daystart|mount|xdev"
    r"|depth|links|inum|samefile|printf|noleaf|follow|[HLP])"
)


def _find(name: str, rest: tuple[Word, ...], scene: Scene, inner: Inner) -> Iterator[Effect]:
    """``-delete`` deletes below the starting paths; ``-exec`` runs a command on what is found there."""
    first = next((at for at, word in enumerate(rest) if re.match(r"-[a-z]|[!(]", word.text)), len(rest))
    starts = [word for word in rest[:first] if word.text not in ("-H", "-L", "-P")] or [Word(".", bare=1)]
    if any(start.hidden for start in starts):
        raise Unclear("where find looks is not in the line")
    at = first
    while at < len(rest):
        word = rest[at]
        at += 1
        if word.splits or (not word.fixed and not (at > 1 and rest[at - 2].text.startswith("-"))):
            raise Unclear("a test of find is not in the line")
        if word.text == "-delete":
            for start in starts:
                yield Effect(Risk.DELETES, "find -delete", scene.place(start))
        elif word.text in ("-exec", "-execdir"):
            end = next((n for n in range(at, len(rest)) if rest[n].text in (";", "+")), None)
            if end is None:
                raise Unclear("what find runs is not in the line")
            for start in starts:
                yield from _inner(_found(rest[at:end], start), scene, inner, name)
            at = end + 1
        elif word.text.startswith("-") and not _FIND_TESTS.fullmatch(word.text):
            raise Unclear(f"what find {word.text[:30]} does is not known here")
    yield Effect(Risk.READS)


def _found(words: tuple[Word, ...], start: Word) -> tuple[Word, ...]:
    """``{}`` is something below ``start``; as a part of a word, or of a command line, it may be anything."""
    below = Word(f"{start.text}/{{}}", start.fixed, start.bare, start.glob)
    return tuple(below if word.text == "{}" else _loose(word) if "{}" in word.text else word for word in words)


def _loose(word: Word) -> Word:
    return replace(word, fixed=False, splits=True)


_SED_LINES = r"(?:\d+|\$)(?:,(?:\d+|\$|\+\d+))?"
_SED = re.compile(
    rf"(?:(?:{_SED_LINES})?[pdq=]|(?:{_SED_LINES})?s(?P<s>[/|#,@])(?:(?!(?P=s))[^\\\n]|\\[^\n])*(?P=s)"
    r"(?:(?!(?P=s))[^\\\n]|\\[^\n])*(?P=s)[gIip0-9]*)"
)


def _sed(name: str, rest: tuple[Word, ...], scene: Scene, _within: Inner) -> Iterator[Effect]:
    """A script of line prints or one substitution; with ``-i`` it writes its files. Other scripts may run programs."""
    options = [word for word in rest if word.fixed and word.text.startswith("-")]
    words = [word for word in rest if word not in options]
    known = all(re.fullmatch(r"-[nEr]+|-i(?:\.[a-z]+)?|--in-place", word.text) for word in options)
    if not known or not words or not words[0].fixed or not _SED.fullmatch(words[0].text):
        raise Unclear("what sed does by this script is not known here")
    in_place = any(word.text.startswith(("-i", "--in")) for word in options)
    for word in words[1:]:
        if word.optional:
            raise Unclear("an option of sed may not be in the line")
        where = scene.place(word)
        if in_place:
            yield written(name, where)
        elif where is Place.OUTSIDE:
            yield Effect(Risk.READS, word.text, where)
    yield Effect(Risk.READS)


def _uniq(name: str, rest: tuple[Word, ...], scene: Scene, _within: Inner) -> Iterator[Effect]:
    """A second path is written."""
    words = _stripped(rest, r"-[cdDiuz]+|--(?:count|repeated|unique)", name)
    if len(words) > 2 or any(word.optional for word in words):
        raise Unclear("what uniq writes is not known here")
    yield from (written(name, scene.place(word)) for word in words[1:])


def _packages(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """Package managers, by their first argument."""
    reads, fetches = table.PACKAGES[name]
    first = rest[0].text if rest and rest[0].plain else ""
    if first in fetches.split() or (not rest and name == "yarn"):
        yield Effect(Risk.NETWORK, f"{name} {first}".strip())
    elif first in reads.split() and not any(word.optional for word in rest[1:]):
        yield Effect(Risk.READS)
    else:
        raise Unclear(f"{name} {first[:30]}".strip() + " runs what the line does not show")


def _numbers(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """exit, return, wait …: zsh calculates their arguments, and a calculation may run a command."""
    if not all(word.plain and word.text.isdecimal() for word in rest):
        raise Unclear(f"what {name} calculates is not in the line")
    yield Effect(Risk.READS)


def _set(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """The shell's own options."""
    if not all(word.plain and re.fullmatch(r"[-+][a-zA-Z]+|pipefail|errexit|nounset", word.text) for word in rest):
        raise Unclear(f"what {name} sets is not known here")
    yield Effect(Risk.READS)


def _test(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """``-v``, and zsh's numbers, run what stands in brackets."""
    words = rest[:-1] if name == "[" and rest and rest[-1].text == "]" else rest
    compared = len(words) == 3 and words[1].plain and words[1].text in ("=", "==", "!=")
    loose = sum(not word.fixed for word in words)
    numbers = any(re.fullmatch(r"-(?:eq|ne|lt|le|gt|ge)", word.text) for word in words)
    signs = any(re.search(r"[\[$`]", word.text) or word.glob is not None for word in words)
    known = all(re.fullmatch(r"-[a-uw-zA-QS-Z]|-[a-z]{2}|[^-].*|", word.text, re.S) for word in words)
    if signs or not known or (loose and numbers) or (loose > 1 and not compared):
        raise Unclear(f"what {name} calculates is not in the line")
    yield Effect(Risk.READS)


def _printf(name: str, rest: tuple[Word, ...], _scene: Scene, _within: Inner) -> Iterator[Effect]:
    """``-v`` sets a variable; numbers are calculated by zsh."""
    shown = re.compile(r"(?!-)(?:[^%]|%[-0-9.]*[sbq]|%%)*", re.S)
    if not rest or not rest[0].fixed or rest[0].glob is not None or not shown.fullmatch(rest[0].text):
        raise Unclear("what printf calculates is not in the line")
    yield Effect(Risk.READS)


JUDGES: dict[str, Judge] = {
    **dict.fromkeys(("sh", "bash", "zsh", "dash"), _shell),
    **dict.fromkeys(("sudo", "doas"), _sudo),
    **dict.fromkeys(("time", "command", "builtin"), _plain),
    **dict.fromkeys(("nice", "stdbuf"), _nice),
    **dict.fromkeys(table.PACKAGES, _packages),
    **dict.fromkeys(("exit", "return", "break", "continue", "wait"), _numbers),
    **dict.fromkeys(("test", "["), _test),
    "set": _set,
    "printf": _printf,
    "timeout": _timeout,
    "nohup": _nohup,
    "env": _env,
    "export": _export,
    "read": _read,
    "xargs": _xargs,
    "find": _find,
    "sed": _sed,
    "uniq": _uniq,
}
