"""Commands about time and tokens, and what the human looks at."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from orchestrator.metrics.figures import By, Figures
from orchestrator.metrics.states import Spent
from sessions.models import Model


class Noted(Model):
    """It was written down, or was known already."""


class Stats(Model):
    """The figures from ``since`` to now; None: from the first session on."""

    Reply: ClassVar = Figures
    verb: Literal["stats"] = "stats"
    since: datetime | None = None
    by: By = By.SESSION


class Attend(Model):
    """What a dashboard shows while its human is active. Only what is new is written down.

    ``focus``: the session that the human is at; None: none, or the human is not active. ``noticed``: sessions whose
    questions are on the screen. Nothing of it leaves the machine.
    """

    Reply: ClassVar = Noted
    verb: Literal["attend"] = "attend"
    focus: str | None = None
    noticed: tuple[str, ...] = ()


class Drawn(Model):
    """A window in equal parts, the oldest first: output tokens per second of all, and the state that took most of each.

    None: the session was not there.
    """

    since: datetime
    until: datetime
    rates: tuple[float, ...]
    states: dict[str, tuple[Spent | None, ...]] = {}


class Throughput(Model):
    """What the last ``window_s`` looked like, in ``columns`` parts, and what ``sessions`` (ids) were in."""

    Reply: ClassVar = Drawn
    verb: Literal["throughput"] = "throughput"
    window_s: int = Field(ge=1, le=400 * 86400)
    columns: int = Field(ge=1, le=1000)
    sessions: tuple[str, ...] = Field(default=(), max_length=500)


class ImportReply(Model):
    """``files`` were read, ``unchanged`` had nothing new; ``failed``: path and reason."""

    files: int = 0
    unchanged: int = 0
    responses: int = 0
    failed: tuple[str, ...] = ()


class ImportUsage(Model):
    """Take over the usage of conversations that were held without us. ``env`` says where the agents keep them."""

    Reply: ClassVar = ImportReply
    verb: Literal["import_usage"] = "import_usage"
    env: dict[str, str] = {}
