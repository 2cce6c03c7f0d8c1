"""What can be asked of budgets, and what can happen to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.replies import Done
from sessions.models import Model


class Scope(StrEnum):
    """What a cap holds: one session, a task's sessions, all of today's, all of today's of one agent program."""

    SESSION = "session"
    TASK = "task"
    DAY = "day"
    ACCOUNT = "account"


class Allowed(Model):
    """A cap was set, raised or lifted by the human. ``key`` names what it holds (``caps.key``)."""

    event: Literal["allowed"] = "allowed"
    key: str
    own: Amount | None = None  # takes the place of the settings' from now on
    add: Amount = Amount()
    lift: bool = False  # no cap any more


class CapsRead(Model):
    """The user's own settings say other caps than before."""

    event: Literal["caps_read"] = "caps_read"
    caps: BudgetSettings


class Warned(Model):
    """The human was told that a cap is nearly reached, once for each value of the cap."""

    event: Literal["budget_warned"] = "budget_warned"
    key: str
    field: str
    cap: float
    words: str


class Parked(Model):
    """A session waits for a rate limit to lift, and is started again at ``due``, not before.

    ``attempt`` counts parkings without a response in between; ``until`` is what the agent told, if it told any.
    """

    event: Literal["parked"] = "parked"
    until: datetime | None = None
    due: datetime
    attempt: int = 1
    begun: bool = False  # it is being started again


class Unparking(Model):
    """The session is about to be told to go on, by itself or by the human. Written ahead, so that it is done once."""

    event: Literal["unparking"] = "unparking"
    attempt: int = 1


class Measure(Model):
    """One cap in one measure. ``spent`` may be too low: ``least``; ``unpriced``: a model without a price was used."""

    field: Literal["dollars", "tokens", "hours"]
    cap: float
    spent: float
    base: float  # the cap before it was raised
    least: bool = False
    unpriced: bool = False

    @property
    def left(self) -> float:
        return max(0.0, self.cap - self.spent)

    @property
    def reached(self) -> bool:
        return self.spent >= self.cap


class Line(Model):
    """A scope with its caps. ``names``: the sessions of a task."""

    scope: Scope
    key: str
    name: str
    measures: tuple[Measure, ...]
    spent: Amount = Amount()
    lifted: bool = False
    names: tuple[str, ...] = ()


class Limited(Model):
    """An agent program whose account is at its limit, as one of its sessions was told."""

    agent: str
    until: datetime


class BudgetReply(Model):
    lines: tuple[Line, ...]
    limited: tuple[Limited, ...] = ()


class AskBudget(Model):
    """Show the caps, what is spent and what is left; with ``session`` only those that hold it."""

    Reply: ClassVar = BudgetReply
    verb: Literal["budget"] = "budget"
    session: str | None = None


class Allow(Model):
    """Set, raise or lift a cap. ``session`` None: ``scope`` day, or the account of ``agent``."""

    Reply: ClassVar = Done
    verb: Literal["allow"] = "allow"
    scope: Scope = Scope.SESSION
    session: str | None = None
    agent: str | None = None
    own: Amount | None = None
    add: Amount = Amount()
    lift: bool = False
