"""What an adapter is: how one agent CLI is launched, read and answered.

An adapter holds no state of a running session; its :class:`Reader` does. Neither touches tmux, the network or a
clock: they get readings and give findings, so all of it is tested by tables of recorded material.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sessions.models import Entry, Evidence, Question, Response, Spec


@dataclass(frozen=True)
class Place:
    """Where a session lives. ``folder`` is private to the session (0700); ``env`` is the caller's environment."""

    folder: Path
    worktree: Path
    env: Mapping[str, str]

    @property
    def spool(self) -> Path:
        """Hooks append here, one JSON object a line."""
        return self.folder / "hooks.jsonl"

    @property
    def events(self) -> Path:
        """``$ORCHESTRATOR_EVENTS``: any program may append JSON lines here."""
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        """Raw bytes of the pane."""
        return self.folder / "pane.log"

    def own(self, path: Path) -> Path:
        """What stands in the place of ``path`` for a sealed program (see :class:`Needs`)."""
        return self.folder / "sealed" / str(path).strip("/").replace("%", "%25").replace("/", "%2F")

    def outside(self, path: Path) -> Path:
        """Where a file lies for us that the program knows as ``path``: a sealed one has folders of its own."""
        for above in (path, *path.parents):
            if (own := self.own(above)).exists():
                return own / path.relative_to(above) if above != path else own
        return path


@dataclass(frozen=True)
class Needs:
    """What a sealed program must have of the user's home to run, to sign in, and to go on with its conversation.

    ``own``: folders that are empty ones of the session's own, kept from launch to launch. ``copies``: the user's files
    and where in those folders a copy of each is put at the first launch, so that nothing it changes in them is ever
    read by a program outside of the box. ``read`` and ``write`` are shown as the user has them; in what it may write
    there must be no code and no configuration. ``folders``: those of ``write`` that are folders, made when they are not
    there yet. ``files``: names in the session's private folder that the program writes itself. ``env`` is added to
    its environment.
    """

    own: tuple[Path, ...] = ()
    copies: tuple[tuple[Path, Path], ...] = ()
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    files: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Launch:
    """How to start the program. ``files`` are written (0600) into the session's folder before the start."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)  # added to the caller's environment
    files: Mapping[str, str] = field(default_factory=dict)  # name in the session's folder -> content
    agent_session_id: str | None = None  # when the adapter could choose it
    prompt_given: bool = True  # False: the prompt must be typed once the agent is at its prompt


class Mode(StrEnum):
    """How a watched file is read."""

    LINES = "lines"  # appended lines from the last offset
    BYTES = "bytes"  # appended bytes from the last offset
    WHOLE = "whole"  # a small file, replaced or rewritten: read whole at each change; absent -> data None
    STAMP = "stamp"  # only that it changed matters; its content is not read


@dataclass(frozen=True)
class Watch:
    """A file to follow. It may not exist yet. ``feed`` is the adapter's own name for it.

    With ``pattern`` set, ``path`` is a folder and every file below it (one level) that matches is followed.
    """

    feed: str
    path: Path
    mode: Mode = Mode.LINES
    pattern: str | None = None


@dataclass(frozen=True)
class Ask:
    """A GET of the agent's own server whose whole answer is a reading of ``feed``."""

    feed: str
    path: str


@dataclass(frozen=True)
class Stream:
    """Server-sent events of the agent's own server on this machine; the data of each is a line of ``feed``.

    ``server`` is a file in the session's private folder (see :class:`Server`): no password is held here. A stream has
    no past, so what ``asks`` name is fetched in their order after each connection, and one that is added later at once;
    the last of them also tells, before it, whether the server is ready.
    A reading of ``feed`` without lines tells that the stream was cut.
    """

    feed: str
    server: Path
    path: str
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True)
class Server:
    """Where an agent's own server listens, as its launch wrote it down (JSON) and each request reads it."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reading:
    """What a watched file or stream gave; of a stream ``path`` is the request's.

    ``replay``: it was already there when we began to watch, so ``at`` is not its time.
    """

    feed: str
    path: Path
    at: datetime
    lines: tuple[bytes, ...] = ()
    data: bytes | None = None
    replay: bool = False


@dataclass(frozen=True)
class Screen:
    """What the pane shows: plain text, one string per row, trailing blanks cut."""

    lines: tuple[str, ...]
    title: str
    at: datetime
    width: int = 0
    height: int = 0
    cursor_row: int = 0
    in_mode: bool = False  # tmux copy mode: not the program's own screen


@dataclass(frozen=True)
class Findings:
    """What a reading told. Empty by default."""

    evidence: tuple[Evidence, ...] = ()
    responses: tuple[Response, ...] = ()
    agent_session_id: str | None = None
    transcript: Path | None = None
    version: str | None = None
    said: str | None = None  # the agent's latest message to the human
    asks: bool = False  # ... which ends in a question in plain words


class Reader(Protocol):
    """Turns what one running session shows into findings. Stateful, deterministic, no I/O but its arguments."""

    def watches(self) -> tuple[Watch | Stream, ...]:
        """The files and streams to follow now.

        Asked again after every reading: it may grow when a transcript becomes known.
        """
        ...

    def read(self, reading: Reading) -> Findings: ...

    def look(self, screen: Screen) -> Findings: ...


@dataclass(frozen=True)
class Keys:
    """Keys in tmux's names ("Enter", "Escape", "1"), pressed one by one."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Paste:
    """Text put in by a bracketed paste."""

    text: str


@dataclass(frozen=True)
class Say:
    """A message for when the dialog is gone and the agent rests: typed any sooner it could answer the dialog."""

    text: str


@dataclass(frozen=True)
class Append:
    """One line for a file that the agent reads commands from: its own channel, surer than keys.

    A relative ``path`` is one of the session's private folder.
    """

    path: Path
    line: str


@dataclass(frozen=True)
class Post:
    """A request to the agent's own server on this machine: its own channel, surer than keys.

    ``server`` is the name of a file in the session's folder (see :class:`Server`); ``{session}`` in ``path`` stands for
    the agent's own id of the conversation.
    """

    server: str
    path: str
    body: Mapping[str, object]


Step = Keys | Paste | Say | Append | Post


class Agent(Protocol):
    """One agent CLI."""

    name: str
    title: str  # "Claude Code"

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        """Path of the program. Raises AgentMissing with the command that installs it."""
        ...

    def launch(self, spec: Spec, place: Place) -> Launch: ...

    def reader(self, spec: Spec, place: Place) -> Reader: ...

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        """Steps that give ``choice`` (an option's key; "" with free ``text``) to ``question``.

        Raises QuestionGone when ``screen`` does not show that question any more, NotAnOption when the choice is none.
        """
        ...

    def message(self, text: str) -> tuple[Step, ...]:
        """Steps that type ``text`` as a prompt, up to but not including Enter, so that it is taken literally."""
        ...

    def interrupt(self) -> tuple[Step, ...]: ...

    def quit(self) -> tuple[Step, ...]:
        """Steps that end the program in its own clean way."""
        ...

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        """The conversation for reading. A torn or unknown line is skipped."""
        ...
