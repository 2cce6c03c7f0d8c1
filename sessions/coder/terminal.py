"""The coder's terminal: output that cannot act on it, an input line, dialogs, and input that comes while it works."""

from __future__ import annotations

import os
import re
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sessions.coder.typeahead import Typeahead, cbreak
from worktrees import inert

_BODY_LINES = 200
_KEYLIKE = re.compile(r"\d{1,2}|[a-zA-Z]")
_BOLD, _DIM, _RED, _OFF = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"


@dataclass(frozen=True)
class Choice:
    key: str
    label: str
    detail: str = ""


def complain(text: str) -> None:
    """Say on stderr why there is no terminal to talk on."""
    print(inert.block(text), file=sys.stderr)  # noqa: T201


def one_line(text: str) -> str:
    """``text`` with a mark where its lines end: two commands must not look like one."""
    return " ↵ ".join(" ".join(line.split()) for line in inert.block(text).splitlines() if line.strip())


class Terminal:
    """Prints and asks. Not interactive, it asks nothing, and only the model's words go to stdout."""

    def __init__(self, *, interactive: bool) -> None:
        self.interactive = interactive
        self._talk = sys.stdout if interactive else sys.stderr
        self._history: object = None
        self._typeahead = Typeahead(self.note)
        self._column = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        """The terminal is ours inside of this."""
        if not self.interactive:
            yield
            return
        with cbreak():
            yield

    def stream(self, piece: str) -> None:
        """A piece of the model's text."""
        text = inert.block(piece)
        sys.stdout.write(text)
        sys.stdout.flush()
        if text:
            self._column = len(text.rsplit("\n", 1)[-1]) + (0 if "\n" in text else self._column)

    def line(self, text: str = "", style: str = "") -> None:
        """A line of its own."""
        self.end()
        body = inert.block(text)
        self._talk.write(f"{style}{body}{_OFF}\n" if style and self.interactive else f"{body}\n")
        self._talk.flush()

    def end(self) -> None:
        """Close a line that was streamed."""
        if self._column:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._column = 0

    def tool(self, name: str, what: str) -> None:
        self.line(f"● {name} {what}"[:200], _BOLD)

    def note(self, text: str) -> None:
        self.line("  " + text, _DIM)

    def error(self, text: str) -> None:
        self.line("✗ " + text, _RED)

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the model works: what is typed is kept for later, Escape interrupts."""
        if not self.interactive:
            yield
            return
        with self._typeahead:
            yield

    def queue(self, message: str) -> None:
        """To be returned by :meth:`message` next."""
        self._typeahead.queued.append(message)

    def message(self) -> str | None:
        """The human's next message; None when they want to end."""
        if self._typeahead.queued:
            text = self._typeahead.queued.pop(0)
            self.line("> " + text, _BOLD)
            return text
        if self._typeahead.ended:
            return None
        self.line()
        return self._input("> ", self._typeahead.take_draft(), keep=True)

    def ask(self, name: str, title: str, body: str, choices: Sequence[Choice]) -> tuple[str, str]:
        """A question with options; returns the key, or "" and words. Raises KeyboardInterrupt when it is dismissed.

        The input line carries ``[q:name]``, so that a supervisor sees which question takes keys now. What
        was typed before the question stood there does not answer it.
        """
        self.end()
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        self.line(f"? {title}", _BOLD)
        lines = inert.block(body).splitlines()
        for line in lines[:_BODY_LINES]:
            self.line("  │ " + line)
        if len(lines) > _BODY_LINES:
            self.error(f"{len(lines) - _BODY_LINES} more lines are not shown")
        for choice in choices:
            self.line(f"   {choice.key}  {choice.label}" + (f": {choice.detail}" if choice.detail else ""))
        while True:
            said = self._input(f"answer [q:{name}] > ")
            if said is None:
                raise KeyboardInterrupt
            key = _chosen(said, choices)
            if key is not None:
                return key, ""
            if said.strip() and not (choices and _KEYLIKE.fullmatch(said.strip())):
                return "", said.strip()
            keys = ", ".join(choice.key for choice in choices)
            self.note(f"{said.strip()!r} is none of them; type {keys or 'an answer'}" + (" or words" if keys else ""))

    def _input(self, prompt: str, draft: str = "", *, keep: bool = False) -> str | None:
        """What the human types; None when they end it by Ctrl-D. ``keep``: the arrow keys find it again."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import DummyHistory, InMemoryHistory
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.output.vt100 import Vt100_Output

        keys = KeyBindings()

        @keys.add("enter")
        def _(event) -> None:  # type: ignore[no-untyped-def]
            event.current_buffer.validate_and_handle()

        @keys.add("escape", "enter")
        def _(event) -> None:  # type: ignore[no-untyped-def]
            event.current_buffer.insert_text("\n")

        if not isinstance(self._history, InMemoryHistory):
            self._history = InMemoryHistory()
        # A late answer to a cursor position request would be taken for something typed.
        output = Vt100_Output.from_pty(sys.stdout, term=os.environ.get("TERM"))
        output.enable_cpr = False
        session: PromptSession[str] = PromptSession(
            multiline=True,
            key_bindings=keys,
            history=self._history if keep else DummyHistory(),
            output=output,
        )
        try:
            return session.prompt(prompt, default=draft)
        except EOFError:
            return None


def _chosen(said: str, choices: Sequence[Choice]) -> str | None:
    """The key of the choice that was meant: its key, or the beginning of its label and of no other."""
    wanted = said.strip().lower()
    if not wanted:
        return None
    for choice in choices:
        if wanted == choice.key.lower():
            return choice.key
    meant = [choice.key for choice in choices if choice.label.lower().startswith(wanted)]
    return meant[0] if len(meant) == 1 else None
