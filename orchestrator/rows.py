"""One session as a screen or ``ls`` shows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.ask import Parked
from orchestrator.checks.ask import Checked
from orchestrator.commands import Isolation
from orchestrator.inbox.ask import Snoozed
from sessions.models import ENDED, Kind, Model, Response, SessionId, State, Status, Usage
from worktrees.models import Conflict, Drift, Landing, Method, Totals

RECENT = timedelta(minutes=10)
"""Responses kept in a row for rates; older ones are in the ledger."""
CRASHES = timedelta(minutes=5)
"""How long a crash counts."""


class Rival(Model):
    """Another session whose work conflicts with a row's. ``earlier``: it began earlier: expected to land first."""

    session: SessionId
    paths: tuple[str, ...]
    earlier: bool = False


class Row(Model):
    """Everything that a screen or ``ls`` shows of one session."""

    id: SessionId
    name: str
    agent: str
    prompt: str
    repository: str
    branch: str
    base: str
    base_commit: str
    target: str
    worktree: str
    model: str | None = None
    isolation: Isolation = Isolation.WORKTREE
    boxed: bool = False
    method: Method | None = None
    on: SessionId | None = None  # the session that it is stacked on
    resolves: SessionId | None = None  # the session whose conflicts it was asked about: it never lands
    group: str | None = None  # of variants of one task
    created_at: datetime
    status: Status
    pane: str | None = None
    pid: int | None = None
    generation: int = 0
    agent_session_id: str | None = None
    transcript: str | None = None
    agent_version: str | None = None
    usage: Usage = Usage()
    responses: tuple[Response, ...] = ()  # the last RECENT
    cost_usd: float | None = None
    cost_source: str | None = None
    priced_usd: float = 0.0  # what was known to be spent before a model without a price came in
    unpriced: int = 0  # output tokens without a price
    busy_s: float = 0.0  # at work so far, but for what goes on since `busy_since`
    busy_since: datetime | None = None
    budget: Amount | None = None  # its own cap, as it was launched with
    priority: int = 0  # how much it matters beside the others
    snoozed: Snoozed | None = None  # what of it the human will look at later
    parked: Parked | None = None  # waits for a rate limit to lift
    parkings: int = 0  # since its model last answered
    active: bool = False  # the pane prints
    active_at: datetime  # last change of `active`, or the last thing we did to it
    said: str = ""
    asks: bool = False
    totals: Totals = Totals()
    drift: Drift | None = None
    head: str | None = None
    conflicts: tuple[str, ...] = ()  # paths that would conflict with the target today
    rivals: tuple[Rival, ...] = ()
    outdated: tuple[str, ...] = ()  # files that the agent read and the target changed since
    snapshot: str | None = None  # newest snapshot's ref
    strayed: str = ""  # how the worktree is not as we made it
    checks: Checked | None = None  # what they say of the work since the agent last stopped
    unsent: tuple[str, ...] = ()  # comments that its agent does not have
    merging: str | None = None  # step of a landing under way
    merge_failure: str | None = None
    merge_conflicts: tuple[Conflict, ...] = ()
    landing: Landing | None = None
    part: str | None = None  # the target's commit when part of the work landed last
    request: str | None = None  # address of its pull request
    paused: bool = False
    launch_failure: str | None = None
    intent: str | None = None  # asked for and not finished: resume, stop, remove
    stopped: str | None = None  # ended on request: by "you" for itself, or with all by "down"
    recovered: datetime | None = None  # started again after it was lost or crashed
    crashes: tuple[datetime, ...] = ()  # the last CRASHES, since the human last started it

    @property
    def state(self) -> State:
        """The state to show: held by the human wins over what the agent does, while it does anything."""
        return State.PAUSED if self.paused and self.status.state not in ENDED else self.status.state

    @property
    def held(self) -> bool:
        """Held because a cap is reached; the question about it is open."""
        return self.status.kind is Kind.BUDGET

    @property
    def needs_human(self) -> bool:
        return self.state is State.BLOCKED

    def idle_s(self, now: datetime) -> float:
        """Seconds since the agent last did anything that we could see; 0 while it prints."""
        return 0.0 if self.active else max(0.0, (now - self.active_at).total_seconds())
