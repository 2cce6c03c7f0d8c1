"""Commands about time and tokens, and what the human looks at."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from orchestrator.metrics.figures import By, Figures
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
