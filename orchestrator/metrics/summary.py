"""From facts to figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from orchestrator.metrics import attention
from orchestrator.metrics.facts import Facts, Tokens
from orchestrator.metrics.figures import By, Figures, Fit, Group, Spending, Waits
from orchestrator.metrics.records import Known, Wait
from orchestrator.metrics.states import (
    SECOND,
    Account,
    Spent,
    added,
    alive,
    busy,
    micros,
    moment,
    utilisation,
    wait_share,
)

_OWNER: dict[By, Callable[[Known], str]] = {
    By.SESSION: lambda known: known.session,
    By.AGENT: lambda known: known.agent,
    By.REPO: lambda known: known.repository,
    By.TASK: lambda known: " ".join(known.task.split()),
}


def figures(facts: Facts, by: By = By.SESSION, days: Sequence[tuple[str, Facts]] = (), behind: float = 0.0) -> Figures:
    """Every figure of a stretch of time. ``days``: the facts of each day, for ``By.DAY``."""
    groups: list[Group]
    if by is By.DAY:
        groups = [
            _group(day, found, found.accounts, found.tokens, found.waits)
            for day, found in days
            if found.accounts or found.tokens
        ]
    elif by is By.MODEL:
        models = sorted({tokens.model for tokens in facts.tokens})
        groups = [_of_model(model, facts) for model in models]
    else:
        groups = _groups(facts, _OWNER[by])
    account = added(facts.accounts.values())
    began = min(
        (facts.known[session].began for session in facts.accounts if session in facts.known), default=facts.until
    )
    wall = facts.until - max(facts.since, min(began, facts.until))
    return Figures(
        since=moment(facts.since),
        until=moment(facts.until),
        by=by,
        total=_group("", facts, facts.accounts, facts.tokens, facts.waits),
        groups=tuple(groups),
        names=_names(facts) if by is By.SESSION else {},
        waits=_waits(facts),
        fit=_fit(facts, alive(account) / wall if wall > 0 else 0.0),
        parallelism=attention.parallelism(busy(account), wall),
        peak=attention.peak((max(one.began, facts.since), min(one.ended, facts.until)) for one in facts.stretches),
        behind=behind,
    )


def _groups(facts: Facts, owner: Callable[[Known], str]) -> list[Group]:
    there = {*facts.accounts, *(tokens.session for tokens in facts.tokens), *facts.landed}
    owners = {
        session: owner(facts.known[session]) if session in facts.known else session
        for session in there | {wait.session for wait in facts.waits}
    }
    parts = {key: _Part({}, [], []) for key in owners.values()}
    for session in there:
        parts[owners[session]].accounts[session] = facts.accounts.get(session, {})
    for tokens in facts.tokens:
        parts[owners[tokens.session]].tokens.append(tokens)
    for wait in facts.waits:
        parts[owners[wait.session]].waits.append(wait)
    found = [_group(key, facts, part.accounts, part.tokens, part.waits) for key, part in parts.items()]
    return sorted(found, key=lambda group: (-group.lost_s, -group.spending.output, group.key))


def _names(facts: Facts) -> dict[str, str]:
    """What to call each session: by its name, with the id where two have the same."""
    called = Counter(known.name for known in facts.known.values())
    return {
        key: known.name if called[known.name] == 1 else f"{known.name} ({key})" for key, known in facts.known.items()
    }


class _Part(NamedTuple):
    """What belongs to one group."""

    accounts: dict[str, Account]
    tokens: list[Tokens]
    waits: list[Wait]


def _group(
    key: str, facts: Facts, accounts: Mapping[str, Account], tokens: Iterable[Tokens], waits: Sequence[Wait]
) -> Group:
    account = added(accounts.values())
    spending = _spending(tokens)
    landed = sum(facts.landed.get(session, 0) for session in accounts)
    return Group(
        key=key,
        sessions=len(accounts),
        time={state.value: account[state] / SECOND for state in Spent if state in account},
        utilisation=utilisation(account),
        wait_share=wait_share(account),
        lost_s=account.get(Spent.BLOCKED, 0) / SECOND,
        longest_wait_s=max((wait.total for wait in waits), default=0) / SECOND,
        askings=len(waits),
        landed=landed,
        spending=spending,
        output_per_landed=attention.per_landed(spending.output, landed),
        cost_per_landed=attention.per_landed(spending.cost_usd, landed),
    )


def _of_model(model: str, facts: Facts) -> Group:
    tokens = [one for one in facts.tokens if one.model == model]
    return Group(key=model, sessions=len({one.session for one in tokens}), spending=_spending(tokens))


def _spending(tokens: Iterable[Tokens]) -> Spending:
    tokens = tuple(tokens)
    costs = [one.cost for one in tokens if one.cost is not None]
    sources = {source for one in tokens for source in (one.sources or "").split(",") if source}
    return Spending(
        responses=sum(one.responses for one in tokens),
        input=sum(one.input for one in tokens),
        output=sum(one.output for one in tokens),
        cache_read=sum(one.cache_read for one in tokens),
        cache_write=sum(one.cache_write for one in tokens),
        reasoning=sum(one.reasoning for one in tokens),
        lower_bound=any(one.least for one in tokens),
        cost_usd=sum(costs) if costs else None,
        unpriced=sum(one.unpriced for one in tokens),
        cost_sources=tuple(sorted(sources)),
    )


def _waits(facts: Facts) -> Waits:
    longest = max(facts.waits, key=lambda wait: wait.total, default=None)
    known = facts.known.get(longest.session) if longest is not None else None
    return Waits(
        unnoticed_s=sum(wait.unnoticed for wait in facts.waits) / SECOND,
        queued_s=sum(wait.queued for wait in facts.waits) / SECOND,
        handled_s=sum(wait.handled for wait in facts.waits) / SECOND,
        longest_s=longest.total / SECOND if longest is not None else 0.0,
        longest=known.name if known is not None else "",
        open=sum(wait.ended >= facts.until for wait in facts.waits),
    )


def _fit(facts: Facts, agents: float) -> Fit:
    found = attention.human(
        [one.ended - one.began for one in facts.stretches],
        [one.ended - one.began for one in facts.interactions],
        agents,
        [wait.unnoticed for wait in facts.waits],
        [wait.queued for wait in facts.waits],
    )

    def seconds(value: float | None) -> float | None:
        return value / SECOND if value is not None else None

    return Fit(
        interactions=found.interactions,
        enough=found.enough,
        neglect_s=seconds(found.neglect),
        interaction_s=seconds(found.interaction),
        fan_out=found.fan_out,
        fan_out_with_waits=found.fan_out_with_waits,
        arrivals_per_hour=found.arrivals * 3600 if found.arrivals is not None else None,
        service_per_hour=found.service * 3600 if found.service is not None else None,
        load=found.load,
        queue_wait_s=seconds(found.queue_wait),
        recommended=found.recommended,
        agents=agents,
    )


def days(since: int, until: int, zone: tzinfo | None) -> list[tuple[str, int, int]]:
    """The calendar days of ``zone`` (None: this machine's) that overlap the window, each with its part of it."""
    found: list[tuple[str, int, int]] = []
    day = moment(since).astimezone(zone).date()
    while True:
        began, ended = (micros(_midnight(one, zone)) for one in (day, day + timedelta(days=1)))
        if began >= until:
            return found
        if ended > since:
            found.append((day.isoformat(), max(began, since), min(ended, until)))
        day += timedelta(days=1)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    naive = datetime.combine(day, time())
    return naive.replace(tzinfo=zone) if zone is not None else naive.astimezone()
