"""The figures as they cross the wire and stand in JSON and CSV. Times in seconds, exact to the microsecond."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sessions.models import Model


class By(StrEnum):
    """What figures are gathered by."""

    SESSION = "session"
    AGENT = "agent"
    MODEL = "model"
    REPO = "repo"
    TASK = "task"
    DAY = "day"


class Spending(Model):
    """Tokens and what they cost. ``input`` excludes cache, ``output`` includes reasoning.

    ``lower_bound``: interrupted responses are in it, which agents log too low. ``cost_usd`` is of the responses that
    have a price; None: none has; ``unpriced``: those that have none. ``cost_sources``: who said the price.
    """

    responses: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    lower_bound: bool = False
    cost_usd: float | None = None
    unpriced: int = 0
    cost_sources: tuple[str, ...] = ()


class Group(Model):
    """One line of the statistics. ``time``: seconds by state; empty where time has no owner (by model)."""

    key: str
    sessions: int = 0
    time: dict[str, float] = {}
    utilisation: float | None = None
    wait_share: float | None = None
    lost_s: float = 0.0  # waited for the human
    longest_wait_s: float = 0.0
    askings: int = 0
    landed: int = 0
    spending: Spending = Spending()
    output_per_landed: float | None = None
    cost_per_landed: float | None = None


class Waits(Model):
    """How waits for the human were made up: until it was noticed, the human elsewhere, the human at it. Seconds."""

    unnoticed_s: float = 0.0  # WTSA
    queued_s: float = 0.0  # WTQ
    handled_s: float = 0.0  # WTI
    longest_s: float = 0.0
    longest: str = ""  # name of the session
    open: int = 0


class Fit(Model):
    """Agents and human. None: not enough data (below ten interactions), or no such time."""

    interactions: int = 0
    enough: bool = False
    neglect_s: float | None = None  # NT
    interaction_s: float | None = None  # IT
    fan_out: float | None = None
    fan_out_with_waits: float | None = None
    arrivals_per_hour: float | None = None  # λ
    service_per_hour: float | None = None  # μ
    load: float | None = None  # ρ
    queue_wait_s: float | None = None  # Wq
    recommended: int | None = None  # N*
    agents: float = 0.0  # alive, on average


class Figures(Model):
    """All of it. ``behind``: the part of the ledger that is still to be read (0: all is in)."""

    since: datetime
    until: datetime
    by: By
    total: Group
    groups: tuple[Group, ...]
    names: dict[str, str] = {}  # of sessions, by key
    waits: Waits
    fit: Fit
    parallelism: float | None = None
    peak: int = 0
    behind: float = 0.0
