"""aider's chat history, a Markdown file that it appends to: what was said, and how each turn ended.

Lines of the human begin with ``####``, those of aider itself with ``>``, and both end in two blanks; all others are the
model's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sessions.models import Entry, Role, State

_BEGAN = re.compile(r"^# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$")
_HUMAN = re.compile(r"^#### ?(.*?) {2}$")
_NOTE = re.compile(r"^> ?(.*?) {2}$")
_VERSION = re.compile(r"^Aider v(\d\S*)$")
_MODEL = re.compile(r"^(?:Main model|Model): (\S+) with ")
_ERROR = re.compile(r"^litellm\.(\w+): (.*)$")
_GAVE_UP = re.compile(r"has hit a token limit!$|^Only \d+ reflections allowed, stopping\.$")
_AGAIN = re.compile(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?")
"""How a provider of OpenAI's kind says when a limit ends: "6m0s", "1h2m3s", "20.4s"."""
_AUTHENTICATION = ("AuthenticationError", "PermissionDeniedError")
_PERMISSION = re.compile(
    r"^(?:Run shell commands?|Create new file|Allow edits to file .*|Edit the files)\? \(Y\)es.*\]: ([a-z])"
)
_DECLINED = "nsd"


@dataclass(frozen=True)
class Outcome:
    """How the latest turn stands: what is true once aider is at its prompt."""

    state: State
    saw: str
    until: datetime | None = None  # when the provider's limit ends


class Chat:
    """Follows a chat history line by line."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.model: str | None = None
        self.outcome: Outcome | None = None
        self.told = ""  # aider's own latest words; a command that it asks about may have several lines
        self._words: list[str] = []

    def feed(self, line: str, at: datetime) -> str | None:
        """Take a line in that was written ``at``; returns the model's answer when the line ends one."""
        if (note := _NOTE.match(line)) is not None:
            said = "\n".join(self._words).strip() if note[1].startswith("Tokens: ") else None
            self._words = []
            self.told = note[1]
            self._note(note[1], at)
            return said or None
        if _HUMAN.match(line) is not None or _BEGAN.match(line) is not None:
            self._words, self.told, self.outcome = [], "", None
            return None
        self._words.append(line)
        if self.told:
            self.told += "\n" + line
        return None

    def _note(self, text: str, at: datetime) -> None:
        if (found := _VERSION.match(text)) is not None:
            self.version = found[1]
        elif (found := _MODEL.match(text)) is not None:
            self.model = found[1]
        elif text.startswith("Tokens: "):
            self.outcome = Outcome(State.DONE, "the model answered")
        elif text.startswith("^C "):
            self.outcome = Outcome(State.IDLE, "interrupted")
        elif text.startswith("Retrying in "):
            self.outcome = None
        elif (found := _ERROR.match(text)) is not None:
            self.outcome = _failure(found[1], text, at)
        elif _GAVE_UP.search(text):
            self.outcome = Outcome(State.FAILED, text)
        elif (found := _PERMISSION.match(text)) is not None:
            declined = found[1] in _DECLINED
            self.outcome = Outcome(State.IDLE, "declined") if declined else Outcome(State.DONE, "allowed")


def _failure(kind: str, text: str, at: datetime) -> Outcome:
    if kind in _AUTHENTICATION:
        return Outcome(State.FAILED, f"not signed in: {text}")
    wait = _AGAIN.search(text) if kind == "RateLimitError" else None
    if wait is None or not any(wait.groups()):
        return Outcome(State.FAILED, text)
    hours, minutes, seconds = (float(part or 0) for part in wait.groups())
    return Outcome(State.RATE_LIMITED, text, at + timedelta(hours=hours, minutes=minutes, seconds=seconds))


def entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading; it has no times but those at which aider was started."""
    found: list[Entry] = []
    began: datetime | None = None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if (start := _BEGAN.match(line)) is not None:
            began = datetime.fromisoformat(start[1]).astimezone()
            found.append(Entry(at=began, role=Role.NOTE, text="aider was started"))
        elif (human := _HUMAN.match(line)) is not None:
            _add(found, Role.USER, human[1])
        elif (note := _NOTE.match(line)) is not None:
            _add(found, Role.NOTE, note[1])
        else:
            _add(found, Role.AGENT, line)
    trimmed = (entry.model_copy(update={"text": entry.text.strip()}) for entry in found)
    return tuple(entry for entry in trimmed if entry.text)


def _add(found: list[Entry], role: Role, text: str) -> None:
    """Lines of one speaker are one entry."""
    if found and found[-1].role is role and found[-1].at is None:
        found[-1] = found[-1].model_copy(update={"text": f"{found[-1].text}\n{text}"})
    else:
        found.append(Entry(role=role, text=text))
