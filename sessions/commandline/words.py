"""The words of a shell's command line, without their quotes, as far as they are certain. Pure; nothing is expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

ENDS = " \t\n|&;<>()"
"""Where an unquoted word ends."""
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9?#@*$!-]", re.ASCII)


class Unclear(Exception):
    """What the line does cannot be told from it; the text says why, for people."""


@dataclass(frozen=True)
class Word:
    """One word without its quotes. ``fixed`` False: something that is not in the line decides what it is.

    ``splits``: ... and may make several words of it. ``bare`` counts the leading characters without a quote; ``glob``
    is where the first wildcard stands.
    """

    text: str
    fixed: bool = True
    bare: int = 0
    glob: int | None = None
    splits: bool = False
    quoted: bool = False  # some of it, or nothing at its end

    @property
    def plain(self) -> bool:
        """It is exactly what it looks like: a keyword may be one."""
        return self.fixed and self.glob is None and not self.quoted

    @property
    def hidden(self) -> bool:
        """It may be an option that is not in the line: a variable's, or a file's name."""
        return self.splits or self.glob == 0 or (not self.fixed and (not self.text or self.text.startswith("-")))

    @property
    def optional(self) -> bool:
        """It is an option, or may be one."""
        return self.text.startswith("-") or self.hidden


class Words:
    """Reads words of one text, from its beginning on. Commands within a word are read by :meth:`sequence`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.documents: list[tuple[str, bool, bool]] = []  # here-documents to come: delimiter, quoted, tabs are cut

    def sequence(self, end: str) -> None:
        """Commands up to ``end``, which is consumed."""
        raise NotImplementedError

    def word(self) -> Word:
        text, fixed, glob, splits = "", True, None, False
        bare: int | None = None
        start = self.at
        while self.more() and self.peek() not in ENDS:
            sign = self.peek()
            if sign in "'\"\\":
                bare = len(text) if bare is None else bare
            if sign == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise Unclear("a quote is not closed")
                text += self.text[self.at + 1 : end]
                self.at = end + 1
            elif sign == '"':
                said, known = self._double()
                text, fixed = text + said, fixed and known
            elif sign == "\\":
                text += self.text[self.at + 1 : self.at + 2].replace("\n", "")
                self.at += 2
            elif sign == "$":
                bare = len(text) if bare is None else bare
                self._expansion(quoted=False)
                fixed, splits = False, True
            elif sign == "`":
                raise Unclear("it holds a command in backquotes")
            else:
                if sign in "*?[" and glob is None:
                    glob = len(text)
                braces = sign == "{" and not self.text.startswith("{}", self.at)
                if (braces and not self._alone(start)) or (sign == "=" and self.at == start and not self._alone(start)):
                    fixed, splits = False, True
                text += sign
                self.at += 1
        if self.text.startswith("(", self.at):
            raise Unclear("a word goes on with a bracket")
        return Word(text, fixed, len(text) if bare is None else bare, glob, splits, bare is not None)

    def _alone(self, start: int) -> bool:
        """The sign here is a word of its own."""
        return self.at == start and self.text[self.at + 1 : self.at + 2] in (*ENDS, "")

    def _double(self) -> tuple[str, bool]:
        text, fixed = "", True
        self.at += 1
        while self.more():
            sign = self.peek()
            if sign == '"':
                self.at += 1
                return text, fixed
            if sign == "\\":
                after = self.text[self.at + 1 : self.at + 2]
                text += "" if after == "\n" else after if after in '$`"\\' else sign + after
                self.at += 2
            elif sign == "$":
                known, said = self._expansion(quoted=True)
                text, fixed = text + said, fixed and known
            elif sign == "`":
                raise Unclear("it holds a command in backquotes")
            else:
                text += sign
                self.at += 1
        raise Unclear("a quote is not closed")

    def _expansion(self, *, quoted: bool) -> tuple[bool, str]:
        """Step over what follows a ``$``; whether that is fixed text, and which."""
        self.at += 1
        if self.text.startswith("((", self.at):
            raise Unclear("it calculates")
        if self.text.startswith("(", self.at):
            if self.documents:
                raise Unclear("a command stands behind the beginning of a here-document")
            self.at += 1
            self.sequence(")")
            return False, ""
        if self.text.startswith("{", self.at):
            name = _NAME.match(self.text, self.at + 1)
            if name is None or not self.text.startswith("}", name.end()):
                raise Unclear("it changes a variable while it reads it")
            self.at = name.end() + 1
            return False, ""
        name = _NAME.match(self.text, self.at)
        if name is not None:
            self.at = name.end()
            if self.text.startswith(("[", ":"), self.at) and not quoted:
                raise Unclear("it changes a variable while it reads it")
            return False, ""
        if quoted and (not self.more() or self.peek() in ' "\\\n\t'):
            return True, "$"
        raise Unclear("a $ stands before something that is not read here")

    def skip(self, *, lines: bool = False) -> None:
        """Step over blanks, comments and joined lines; with ``lines`` over ends of lines too."""
        while self.more():
            if self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.peek() in " \t":
                self.at += 1
            elif self.peek() == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;|&("):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif lines and self.peek() == "\n":
                self.newline()
            else:
                return

    def newline(self) -> None:
        """The end of a line, and the here-documents that follow it."""
        self.at += 1
        for delimiter, quoted, cut in self.documents:
            while True:
                if not self.more():
                    raise Unclear("a here-document is not closed")
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if (line.lstrip("\t") if cut else line) == delimiter:
                    break
                if not quoted and re.search(r"`|\$[({]|\\$", line):
                    raise Unclear("a here-document is more than its text")
        self.documents = []

    def peek(self) -> str:
        return self.text[self.at]

    def more(self) -> bool:
        return self.at < len(self.text)

    def unclear(self) -> NoReturn:
        raise Unclear(f"it is not understood from {self.text[self.at :][:20].strip()!r} on")
