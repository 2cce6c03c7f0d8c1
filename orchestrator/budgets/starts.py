"""Whether a session of an agent may be started now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.budgets import caps
from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.clock import clock
from orchestrator.budgets.reading import READ
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.commands import Refused, Run
from orchestrator.fleet import Fleet
from sessions import prices
from sessions.models import Usage

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


def why_not(fleet: Fleet, agent: str, repository: str, now: datetime) -> str | None:
    """Why no session of ``agent`` should be started in ``repository`` now, in words; None: nothing is against it.

    Its account is at a rate limit, or what may be spent today is spent.
    """
    limit = limited(fleet, agent, now)
    if limit is not None:
        return f"{agent} is rate limited until {clock(limit, now)}"
    return spent(fleet, agent, READ.caps(repository), now)


def require(supervisor: Supervisor, command: Run, agent: str, repository: str) -> None:
    """Raises Refused when a launch should wait, unless the human wants it now."""
    if command.now:
        return
    fleet, now = supervisor.fleet, supervisor.time.now()
    why = why_not(fleet, agent, repository, now)
    if why is None:
        return
    hint = "let it start when that is over: orchestrator add; or all the same now: orchestrator run --now"
    found = caps.reached(caps.of_start(fleet, agent, READ.caps(repository), now))
    if limited(fleet, agent, now) is None and found is not None:
        hint = f"raise it: {caps.raising(*found)}; or start it all the same: orchestrator run --now"
    raise Refused(f"nothing was started: {why}", hint)


def notes(supervisor: Supervisor, command: Run, agent: str, model: str | None, repository: str) -> tuple[str, ...]:
    """What must be said of a launch: a cap in dollars does not hold a model that has no price."""
    known = READ.caps(repository)
    own = command.budget.over(known.session) if command.budget is not None else known.session
    account = known.account.get(agent, Amount())
    capped = any(cap.dollars is not None for cap in (own, known.task, known.day, account))
    if trouble := READ.trouble.get(repository):
        return (f"the caps of the settings cannot be read: {trouble}",)
    if not capped or not model or prices.cost(model, Usage(output=1000)) is not None:
        return ()
    return (
        f"a cap in dollars cannot hold this session: no price is known for {model}, unless {agent} tells its own; "
        "cap its tokens or hours",
    )


def limited(fleet: Fleet, agent: str, now: datetime) -> datetime | None:
    """Until when the account of ``agent`` is at its limit; None: it is not."""
    limit = fleet.budget.limits.get(agent)
    return limit.until if limit is not None and limit.until > now else None


def spent(fleet: Fleet, agent: str, settings: BudgetSettings, now: datetime) -> str | None:
    """Which of the day's caps is used up."""
    found = caps.reached(caps.of_start(fleet, agent, settings, now))
    return f"{caps.said(*found)} are spent" if found is not None else None
