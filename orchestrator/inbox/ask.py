"""What can be asked of the inbox, and what can happen to it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from orchestrator.replies import Done
from sessions.models import Model, SessionId

LONGEST_SNOOZE_S = 7 * 86400
LEAST, MOST = -1000, 1000
"""Priorities, the same as the queue's. 0 is that of everything that nobody gave one."""


class Pace(Model):
    """What the human took for items of one kind so far: how many, and seconds from focus to answer in all."""

    count: int = 0
    total_s: float = 0.0


class Paced(Model):
    """How long the human takes for each kind of item, when that changed by enough to matter for the order."""

    event: Literal["paced"] = "paced"
    pace: dict[str, Pace]


class Prioritised(Model):
    """The human said how much a session matters. Each step up doubles the weight in the order of attention."""

    event: Literal["prioritised"] = "prioritised"
    priority: int


class Snoozed(Model):
    """The human will look later. ``mark`` names the very item; another one of the session is shown at once.

    ``until`` None: until something changes. An empty ``mark`` ends it.
    """

    event: Literal["snoozed"] = "snoozed"
    mark: str
    until: datetime | None = None


class Prioritise(Model):
    """Say how much a session matters beside the others; 0 is as usual."""

    Reply: ClassVar = Done
    verb: Literal["prioritise"] = "prioritise"
    session: str
    priority: int = Field(ge=LEAST, le=MOST)


class Snooze(Model):
    """Put what a session wants to the end of the inbox. ``for_s`` None: until something changes; ``off``: end that."""

    Reply: ClassVar = Done
    verb: Literal["snooze"] = "snooze"
    session: str
    for_s: float | None = Field(default=None, gt=0, le=LONGEST_SNOOZE_S)
    off: bool = False


class Listed(Model):
    """One item of the inbox with what put it where it is. Times in seconds."""

    names: tuple[str, ...]
    sessions: tuple[SessionId, ...]
    kind: str
    what: str
    blocks: bool  # an agent waits for it
    pinned: bool
    why: tuple[str, ...]
    score: float
    cost: float  # c
    expected_s: float  # E[IT | kind], 1/μ
    dependants: tuple[str, ...]
    conflicts: int
    priority: int
    age_s: float
    snoozed: bool = False
    until: datetime | None = None
    keys: str = ""  # what acts on it on the screen


class InboxReply(Model):
    """The first is where attention is worth most; what is snoozed is at the end."""

    items: tuple[Listed, ...] = ()


class AskInbox(Model):
    """All that is worth attention."""

    Reply: ClassVar = InboxReply
    verb: Literal["inbox"] = "inbox"
