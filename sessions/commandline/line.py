"""A shell's command line taken apart, as far as that is certain. Pure; nothing is run and nothing is expanded.

Understood is what ``sh``, ``bash`` and ``zsh`` agree on: quotes, lists, pipes, redirections, here-documents, subshells,
``$( )``, ``if``, ``while`` and ``for``. Everything else raises :class:`Unclear`: who judges a command by its words must
not judge one that may mean something else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from sessions.commandline.words import ENDS, Unclear, Word, Words

DEPTH = 8
"""How deep commands may stand in each other."""
LENGTH = 20_000
"""Characters of a line that is read at all."""

_OPERATORS = ("&&", "||", "|&", ";;", "|", ";", "&")
_REDIRECTIONS = ("&>>", "<<<", "<<-", "&>", ">>", ">|", ">&", "<<", "<&", "<>", ">", "<")
_OPENERS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{"})
_CLOSERS = frozenset({"fi", "done", "}"})
_UNREAD = frozenset({"case", "esac", "select", "function", "coproc", "[[", "repeat", "foreach"})
_NUMBER = re.compile(r"[0-9]+(?=[<>])")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?=)", re.ASCII)


@dataclass(frozen=True)
class Redirection:
    operator: str
    target: Word


@dataclass(frozen=True)
class Simple:
    """A program with its words. ``before`` and ``after`` are the operators around it, "(" and ")" at a scope's ends."""

    words: tuple[Word, ...] = ()
    assignments: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()
    before: str = ""
    after: str = ""
    negated: bool = False
    loop: bool = False  # ``for NAME in WORDS``: runs nothing itself


def commands(line: str) -> tuple[Simple, ...]:
    """Every command that ``line`` runs, those in ``$( )`` before the one that they are a word of."""
    if len(line) > LENGTH:
        raise Unclear("it is too long to be read")
    for character in line:
        if unicodedata.category(character)[0] in "CZ" and character not in "\n\t ":
            raise Unclear("it holds characters that are not seen")
    if "…" in line:
        raise Unclear("it is not shown whole")
    reader = _Line(line)
    reader.sequence("")
    return tuple(reader.found)


class _Line(Words):
    """``found`` grows in the order in which the commands run."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.found: list[Simple] = []
        self._depth = 0

    def sequence(self, end: str) -> None:
        """Commands up to ``end`` (")" or "" for the end of the text), which is consumed."""
        self._depth += 1
        if self._depth > DEPTH:
            raise Unclear("commands stand too deep in each other")
        before = "("
        while True:
            self.skip(lines=True)
            if not self.more() or self.peek() == ")":
                if bool(end) is not self.more() or before in ("&&", "||", "|", "|&"):
                    self.unclear()
                break
            made = self._command(before)
            self.skip()
            before = self._operator()
            self.found.append(replace(made, after=before))
        self.at += len(end)
        self._depth -= 1
        if self.documents:
            raise Unclear("a here-document is not closed")

    def _command(self, before: str) -> Simple:
        if self.peek() == "(":
            if self.text.startswith("((", self.at):
                raise Unclear("it calculates")
            self.at += 1
            self.sequence(")")
            return Simple(redirections=self._redirections_only(), before=")")
        return self._simple(before)

    def _simple(self, before: str) -> Simple:
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirections: list[Redirection] = []
        negated = False
        count = len(self.found)
        while True:
            self.skip()
            if not self.more() or self.peek() in "\n;|)" or (self.peek() == "&" and not self._redirects()):
                break
            if self._redirects():
                redirections.append(self._redirection())
                continue
            if self.peek() == "(":
                self.unclear()
            word = self.word()
            if word.text.isdecimal() and word.plain and self._redirects():
                continue  # the number of a file: 2>&1
            given = _ASSIGNMENT.match(word.text)
            if not words and given and given.end() <= word.bare:
                assignments.append((given[1], Word(word.text[given.end() :], word.fixed, 0, None)))
                continue
            if not words and not assignments and word.plain:
                if word.text in _OPENERS:
                    negated = negated or word.text == "!"
                    self.skip(lines=True)
                    continue
                if word.text in _CLOSERS:
                    return Simple(redirections=(*redirections, *self._redirections_only()), before=before)
                if word.text in _UNREAD:
                    raise Unclear(f"{word.text} is not read here")
                if word.text == "for":
                    return self._for(before)
            words.append(word)
        if not (words or assignments or redirections or len(self.found) > count):
            self.unclear()
        return Simple(tuple(words), tuple(assignments), tuple(redirections), before, negated=negated)

    def _for(self, before: str) -> Simple:
        words: list[Word] = []
        self.skip()
        while self.more() and self.peek() not in ENDS:
            words.append(self.word())
            self.skip()
        if len(words) < 2 or not words[0].plain or words[1].text != "in" or not words[1].plain:
            self.unclear()
        return Simple(assignments=((words[0].text, Word("", fixed=False)),), before=before, loop=True)

    def _redirections_only(self) -> tuple[Redirection, ...]:
        found: list[Redirection] = []
        while True:
            self.skip()
            number = _NUMBER.match(self.text, self.at)
            self.at = number.end() if number else self.at
            if not self._redirects():
                return tuple(found)
            found.append(self._redirection())

    def _redirects(self) -> bool:
        return self.text.startswith(_REDIRECTIONS, self.at)

    def _redirection(self) -> Redirection:
        operator = next(sign for sign in _REDIRECTIONS if self.text.startswith(sign, self.at))
        self.at += len(operator)
        if self.text.startswith("(", self.at):
            raise Unclear("it reads or writes another command as a file")
        self.skip()
        if not self.more() or self.peek() in ENDS:
            self.unclear()
        target = self.word()
        if operator in ("<<", "<<-"):
            if not target.fixed:
                self.unclear()
            self.documents.append((target.text, target.quoted, operator == "<<-"))
        return Redirection(operator, target)

    def _operator(self) -> str:
        if not self.more():
            return ""
        for sign in _OPERATORS:
            if self.text.startswith(sign, self.at):
                self.at += len(sign)
                if sign == ";;":
                    self.unclear()
                return sign
        if self.peek() == "\n":
            self.newline()
            return "\n"
        if self.peek() != ")":
            self.unclear()
        return ")"
