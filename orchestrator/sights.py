"""What the radar is asked, and what it answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from sessions.models import Model, SessionId
from worktrees.models import Clash, Conflict


class Cell(Model):
    """What merging two works would do now. ``other`` is empty for the target of ``one``.

    With ``error`` git could not say, which is not a conflict.
    """

    one: SessionId
    other: str
    conflicts: tuple[Conflict, ...] = ()  # without their text
    shared: int = 0  # files that both changed, conflicting or not
    error: str = ""


class Turn(Model):
    """A session in the suggested order of landing, and why it is there."""

    session: SessionId
    name: str
    target: str
    why: str


class Sight(Model):
    """All works of a repository. ``pending``: sessions that were not looked at yet, by name."""

    repository: str
    order: tuple[Turn, ...]
    cells: tuple[Cell, ...]
    pending: tuple[str, ...] = ()


class RadarReply(Model):
    sights: tuple[Sight, ...]


class Foresee(Model):
    """Which works would conflict, and an order to land them in. ``repository``: only of that one."""

    Reply: ClassVar = RadarReply
    verb: Literal["radar"] = "radar"
    repository: str | None = None


class ClashReply(Model):
    """What is behind a cell. The messages tell each agent what the other side did, ready to be edited and sent."""

    one: str
    other: str
    clashes: tuple[Clash, ...] = ()
    to_one: str = ""
    to_other: str = ""  # empty for a target


class LookInto(Model):
    """The files and hunks in which a session conflicts with ``other``; empty: with its target."""

    Reply: ClassVar = ClashReply
    verb: Literal["clash"] = "clash"
    session: str
    other: str = ""
