"""The four verbs between the supervisor and everything that shows or steers it.

``snapshot`` and ``events`` are the log lane (durable, ordered, resumes by number); ``frames`` is the frame lane
(latest wins, watched panes only); ``call`` carries a command. A new feature is one command and one handler.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol

from orchestrator.commands import Command
from orchestrator.events import Envelope
from orchestrator.fleet import Fleet
from sessions.models import Model

PROTOCOL = 1
"""Version of the wire. A daemon and a client of different versions refuse each other by name."""


class Frame(Model):
    """What a pane shows now. ``lines`` keep their SGR colour sequences and nothing else that acts on a terminal."""

    session: str
    lines: tuple[str, ...]
    width: int
    height: int
    cursor_row: int = 0
    cursor_column: int = 0
    at: datetime


class LinkDown(Exception):
    """The daemon cannot be reached (any more)."""


class Link(Protocol):
    async def snapshot(self) -> Fleet: ...

    def events(self, after: int) -> AsyncIterator[Envelope]:
        """Every envelope with ``seq`` above ``after``, then new ones as they happen. Raises LinkDown at the end."""
        ...

    def frames(self, session: str) -> AsyncIterator[Frame]:
        """The pane's picture at once, then after each change, at most ten a second."""
        ...

    async def call(self, command: Command) -> Any:
        """Carry ``command`` out; returns its ``Reply``, raises Refused or LinkDown."""
        ...

    async def close(self) -> None: ...
