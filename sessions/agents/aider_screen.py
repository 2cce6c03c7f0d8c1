"""What stands at aider's cursor: its prompt, or a question that is answered by one letter and Enter. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime

from sessions.agents.contract import Screen
from sessions.models import Kind, Option, Question, QuestionId

PROMPT = ("at its prompt", "failed", "interrupted")
"""Names of the rules that see the prompt."""
SHELL = "shell left"
"""Name of a rule. aider runs commands by ``$SHELL -i -c``; dash, interrupted, stays and asks for more of them."""
EXIT = Option(key="e", label="Exit the shell", detail="aider goes on")
ANSWERED = "⏎"
"""Stands for the empty row that the cursor is in: the question above it is answered."""
_CONFIRM = re.compile(r"^(?P<asked>.+?\?) (?P<options>\(Y\)es/\(N\)o.*?) \[(?:Yes|No)\]:")
_OPTION = re.compile(r"\(([A-Z])\)([^/]*)")
_ABOUT = {"run commands": "command", "create file": "path", "edit file": "path", "add file": "path"}
_WITH_SUBJECT = (*_ABOUT, "add url", "open url")
_ROWS = 30
"""Rows above a question that its subject may take."""
_DETAILS = {"d": "declines, now and whenever it is asked again", "s": "declines this one and those that follow"}


@dataclass(frozen=True)
class Confirm:
    """A question at the cursor. ``subject`` is the command, file or address that it is about.

    ``whole``: the subject is not only what the pane shows of it, the chat history has it too.
    """

    asked: str
    subject: str
    options: tuple[Option, ...]
    whole: bool = False

    @property
    def gist(self) -> str:
        """What makes it this question, however wide the pane is."""
        return squeezed(f"{self.asked} {self.subject}")


def at_cursor(screen: Screen) -> Screen:
    """``screen`` down to the cursor: what is below are completions; a question that wraps becomes one row."""
    if screen.in_mode:
        return screen
    rows = list(screen.lines[: screen.cursor_row + 1])
    if len(rows) <= screen.cursor_row or not rows[-1].strip():
        rows = [*rows[: screen.cursor_row], ANSWERED]
    for count in (2, 3):
        whole = "".join(_padded(row, screen.width) for row in rows[-count:-1]) + rows[-1]
        if len(rows) >= count and not _CONFIRM.match(rows[-1]) and _wraps(rows[-count:-1], screen.width):
            rows = [*rows[:-count], whole] if _CONFIRM.match(whole) else rows
    return replace(screen, lines=tuple(rows))


def confirm(screen: Screen, rule: str | None, told: str = "") -> Confirm | None:
    """The question at the cursor of a screen from :func:`at_cursor`; None when there is none.

    ``rule``: the screen rule that saw it. ``told``: what the chat history says last; it holds the subject unwrapped.
    """
    found = _CONFIRM.match(screen.lines[-1]) if screen.lines else None
    if found is None:
        return None
    subject = unwrapped(_above(screen.lines[:-1]), screen.width) if rule in _WITH_SUBJECT else ""
    whole = bool(subject) and squeezed(told).endswith(squeezed(subject))
    if whole:
        subject = "\n".join(line.rstrip() for line in told.strip().splitlines())
    options = tuple(
        Option(key=key.lower(), label=(key + rest).strip(), detail=_DETAILS.get(key.lower(), ""))
        for key, rest in _OPTION.findall(found["options"])
    )
    return Confirm(found["asked"], subject, options, whole)


def question(seen: Confirm, kind: Kind, title: str, rule: str | None, at: datetime) -> Question:
    """``seen`` as data."""
    first = seen.subject.splitlines()[0] if seen.subject else ""
    about = _ABOUT.get(rule or "")
    seed = "\0".join((kind, seen.gist))
    return Question(
        id=QuestionId("s" + hashlib.sha256(seed.encode()).hexdigest()[:11]),
        kind=kind,
        title=f"{title} {first}".strip()[:120],
        text=f"{seen.asked}\n{seen.subject}".strip(),
        options=seen.options,
        command=seen.subject or None if about == "command" else None,
        path=seen.subject or None if about == "path" else None,
        tool=title,
        asked_at=at,
    )


def unwrapped(rows: tuple[str, ...], width: int) -> str:
    """Rows as the lines they were: one that was too long is broken at a blank, or where the pane ends."""
    text = ""
    for number, row in enumerate(rows):
        before = rows[number - 1] if number else ""
        if not number:
            text = row
        elif len(before) >= width > 0:
            text += row
        else:
            word = row.split(" ", 1)[0]
            text += (" " if 0 < width < len(before) + 1 + len(word) else "\n") + row
    return text


def squeezed(text: str) -> str:
    return "".join(text.split())


def _above(rows: tuple[str, ...]) -> tuple[str, ...]:
    """The rows right above the question, up to the empty one that aider prints before a subject."""
    for count in range(1, min(len(rows), _ROWS) + 1):
        if not rows[-count].strip():
            return rows[len(rows) - count + 1 :]
    return rows[-_ROWS:]


def _padded(row: str, width: int) -> str:
    return row.ljust(width)[:width] if width else row


def _wraps(rows: list[str], width: int) -> bool:
    """Every row reaches the pane's edge, but for a blank that was cut."""
    return width > 0 and all(len(row) >= width - 1 for row in rows)
