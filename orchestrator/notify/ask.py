"""What a dashboard asks before it makes itself heard."""

from __future__ import annotations

from typing import ClassVar, Literal

from sessions.models import Model, SessionId

How = Literal["auto", "osc9", "osc777", "bell", "off"]


class Rung(Model):
    """What to tell; an empty ``title``: nothing. All of it is inert."""

    title: str = ""
    body: str = ""
    how: How = "auto"


class Ring(Model):
    """May I tell the human of these? Only the first to ask may. ``marks``: which breakpoint of which session."""

    Reply: ClassVar = Rung
    verb: Literal["ring"] = "ring"
    marks: dict[SessionId, str]
