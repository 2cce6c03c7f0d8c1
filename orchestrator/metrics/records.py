"""What the fold of the ledger writes down: one row of a table each. Times in microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.metrics.states import Spent
from sessions.models import Usage


@dataclass(frozen=True, slots=True)
class Known:
    """A session began, or came back."""

    session: str
    name: str
    agent: str
    model: str
    repository: str
    task: str
    began: int


@dataclass(frozen=True, slots=True)
class Removal:
    session: str
    at: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one state that is over."""

    session: str
    began: int
    ended: int
    state: Spent


@dataclass(frozen=True, slots=True)
class Stretch:
    """Uninterrupted work, from its beginning to its end."""

    session: str
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Wait:
    """One asking, answered or gone. The three parts are all of its time, but for what nobody watched.

    ``unnoticed``: until the human first saw it (WTSA); ``queued``: seen, the human was elsewhere (WTQ);
    ``handled``: the human was at it (WTI).
    """

    session: str
    began: int
    ended: int
    kind: str
    unnoticed: int
    queued: int
    handled: int

    @property
    def total(self) -> int:
        return self.unnoticed + self.queued + self.handled


@dataclass(frozen=True, slots=True)
class Interaction:
    """From the human's turning to a session to the answer or message."""

    session: str
    began: int
    ended: int
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's response with its tokens. ``cost_usd`` None: no price; ``source``: who said what it cost."""

    session: str
    id: str
    model: str
    usage: Usage
    began: int
    ended: int
    cost_usd: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Landed:
    """Work came to its target (``by`` 1), or was taken back (-1)."""

    session: str
    at: int
    by: int


Record = Known | Removal | Span | Stretch | Wait | Interaction | Answer | Landed
