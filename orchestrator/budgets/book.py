"""What was spent, what the human allowed and which limits hold: a pure fold of the ledger, kept in the fleet.

Spending is kept by the quarter of an hour, so that a day can begin at midnight in any time zone. What nobody watched is
not counted as busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.ask import Allowed, CapsRead, Warned
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.planner.ask import Planned
from sessions.events import Counted, StatusChanged
from sessions.models import Model, SessionId, State

if TYPE_CHECKING:
    from orchestrator.events import Envelope
    from orchestrator.rows import Row

QUARTER_S = 900
KEPT = timedelta(hours=50)
"""How long spending is kept by the quarter: a day, twice over."""
GONE = 500
"""Removed sessions whose spending still counts for their task."""
OF_ACCOUNT = timedelta(minutes=2)
"""A limit that lasts longer is one of the account; a shorter one is a busy server's."""
ANY = "command"
"""An agent that is any program: two of them share no account."""
PLANNER = "planner"
"""What plans cost counts for the day under this name."""
BUSY = frozenset({State.WORKING, State.BACKGROUND})
"""What hours are counted of: the same states as utilisation counts as work."""


class Spent(Model):
    """``dollars`` of what has a price; ``unpriced`` output tokens have none; ``least``: the true figure is higher."""

    dollars: float = 0.0
    tokens: int = 0  # output, reasoning included
    seconds: float = 0.0  # busy
    unpriced: int = 0
    least: bool = False

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            dollars=self.dollars + other.dollars,
            tokens=self.tokens + other.tokens,
            seconds=self.seconds + other.seconds,
            unpriced=self.unpriced + other.unpriced,
            least=self.least or other.least,
        )


class Allowance(Model):
    """What the human said of one cap. ``changes`` numbers what was said: a question about the cap carries it."""

    own: Amount | None = None
    added: Amount = Amount()
    lifted: bool = False
    changes: int = 0


class Limit(Model):
    """An account's limit, as one of its sessions was told at ``seen``."""

    until: datetime
    seen: datetime


class Book(Model):
    quarters: Mapping[int, Mapping[str, Spent]] = {}  # by the agent program
    gone: Mapping[SessionId, tuple[str, Spent]] = {}  # removed sessions: their task, what they took
    allowances: Mapping[str, Allowance] = {}
    warned: tuple[tuple[str, str, float], ...] = ()  # key, measure, cap
    limits: Mapping[str, Limit] = {}  # by the agent program
    caps: BudgetSettings = BudgetSettings()  # those of the user's own settings, as they were read last


def task_of(row: Row) -> str:
    """Names the task of a session: the same words in the same repository, as in ``stats --by task``."""
    return _task(row.repository, row.prompt)


@lru_cache(maxsize=2000)
def _task(repository: str, prompt: str) -> str:
    return blake2b(f"{repository}\0{prompt}".encode(errors="replace"), digest_size=6).hexdigest()


def spent_by(row: Row, now: datetime) -> Spent:
    """What a session took up to ``now``."""
    still = (now - row.busy_since).total_seconds() if row.busy_since is not None else 0.0
    return Spent(
        dollars=row.cost_usd if row.cost_usd is not None else row.priced_usd,
        tokens=row.usage.output,
        seconds=row.busy_s + max(0.0, still),
        unpriced=row.unpriced,
        least=row.usage.lower_bound,
    )


def timed(row: Row, state: State | None, at: datetime) -> dict[str, Any]:
    """The change of a row's busy time when it is in ``state`` from ``at`` on; None: unwatched until then."""
    if row.busy_since is None:
        return {"busy_since": at} if state in BUSY else {}
    if state in BUSY:
        return {}
    return {"busy_s": row.busy_s + max(0.0, (at - row.busy_since).total_seconds()), "busy_since": None}


def counted(row: Row, event: Counted) -> dict[str, Any]:
    """The change of a row's priced and unpriced parts. A figure that is told for a while and then no more stays."""
    if event.cost_usd is not None:
        return {"priced_usd": max(0.0, event.cost_usd), "unpriced": 0}
    new = max(0, event.total.output - row.usage.output)
    return {"unpriced": row.unpriced + new} if new else {}


def step(book: Book, before: Row | None, after: Row | None, envelope: Envelope) -> Book:
    """The book after ``envelope``, which changed a row from ``before`` to ``after``; the same object when it is none
    of its."""
    event, at = envelope.event, envelope.at
    match event:
        case Allowed():
            return _allowed(book, event)
        case CapsRead():
            return book.model_copy(update={"caps": event.caps})
        case Warned():
            return book.model_copy(update={"warned": (*book.warned, (event.key, event.field, event.cap))[-200:]})
        case Counted() if before is not None and after is not None:
            when = event.response.ended_at if event.response is not None else at
            told = spent_by(after, at)
            known = spent_by(before, at)
            new = Spent(
                dollars=max(0.0, told.dollars - known.dollars),
                tokens=max(0, told.tokens - known.tokens),
                unpriced=max(0, told.unpriced - known.unpriced),
                least=told.least and not known.least,
            )
            book = _unlimited(book, after.agent, event, at)
            return _spend(book, after.agent, min(when, at), new)
        case Planned():
            out = sum(response.usage.output for response in event.responses)
            unpriced = out if event.cost_usd is None else 0
            return _spend(book, PLANNER, at, Spent(dollars=event.cost_usd or 0.0, tokens=out, unpriced=unpriced))
        case StatusChanged() if after is not None:
            if before is not None and before.busy_since is not None and after.busy_since is None:
                book = _busy(book, after.agent, before.busy_since, at)
            status = event.status
            if (
                status.state is State.RATE_LIMITED
                and after.agent != ANY
                and status.until is not None
                and status.until - at >= OF_ACCOUNT
            ):
                known_limit = book.limits.get(after.agent)
                until = max(status.until, known_limit.until) if known_limit is not None else status.until
                return book.model_copy(
                    update={"limits": {**book.limits, after.agent: Limit(until=until, seen=at)}},
                )
            return book
        case _:
            return _other(book, before, after, at)


def _other(book: Book, before: Row | None, after: Row | None, at: datetime) -> Book:
    if before is not None and after is None:
        kept = dict(list(book.gone.items())[-(GONE - 1) :])
        book = book.model_copy(update={"gone": {**kept, before.id: (task_of(before), spent_by(before, at))}})
        return _busy(book, before.agent, before.busy_since, at) if before.busy_since is not None else book
    if before is None and after is not None and after.id in book.gone:
        return book.model_copy(update={"gone": {id_: of for id_, of in book.gone.items() if id_ != after.id}})
    return book


def unobserved(book: Book, rows: Mapping[SessionId, Row], began: datetime) -> Book:
    """The book when nobody watched from ``began`` on: what was busy is counted up to it."""
    for row in rows.values():
        if row.busy_since is not None:
            book = _busy(book, row.agent, row.busy_since, began)
    return book


def _allowed(book: Book, event: Allowed) -> Book:
    known = book.allowances.get(event.key, Allowance())
    new = Allowance(
        own=event.own if event.own is not None else known.own,
        added=Amount() if event.own is not None else known.added.plus(event.add),
        lifted=event.lift,
        changes=known.changes + 1,
    )
    kept = {key: of for key, of in book.allowances.items() if key != event.key}
    return book.model_copy(update={"allowances": {**dict(list(kept.items())[-999:]), event.key: new}})


def _unlimited(book: Book, agent: str, event: Counted, at: datetime) -> Book:
    """An answer that was asked for after the limit was seen: the account can be used again."""
    limit = book.limits.get(agent)
    response = event.response
    if limit is None or response is None:
        return book
    began = response.started_at or response.ended_at - timedelta(seconds=30)
    if began <= limit.seen and at < limit.until:
        return book
    return book.model_copy(update={"limits": {name: of for name, of in book.limits.items() if name != agent}})


def _busy(book: Book, agent: str, began: datetime, ended: datetime) -> Book:
    """Busy time, put where it was spent."""
    at, end = max(began.timestamp(), (ended - KEPT).timestamp()), ended.timestamp()
    while at < end:
        until = min(end, (at // QUARTER_S + 1) * QUARTER_S)
        book = _spend(book, agent, datetime.fromtimestamp(at, ended.tzinfo), Spent(seconds=until - at))
        at = until
    return book


def _spend(book: Book, agent: str, at: datetime, new: Spent) -> Book:
    if new == Spent():
        return book
    quarter = int(at.timestamp() // QUARTER_S)
    quarters = book.quarters
    if quarter not in quarters:
        oldest = max([quarter, *quarters]) - KEPT.total_seconds() // QUARTER_S
        quarters = {number: of for number, of in quarters.items() if number >= oldest}
    of = quarters.get(quarter, {})
    changed = {**quarters, quarter: {**of, agent: of.get(agent, Spent()) + new}}
    return book.model_copy(update={"quarters": changed})


def day_began(now: datetime) -> datetime:
    """The midnight before ``now`` here."""
    local = now.astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None).astimezone()


def of_day(book: Book, rows: Mapping[SessionId, Row], now: datetime, agent: str | None = None) -> Spent:
    """What was spent since midnight; with ``agent`` by the sessions of that program alone."""
    began = day_began(now)
    first = int(began.timestamp() // QUARTER_S)
    total = Spent()
    for quarter, agents in book.quarters.items():
        if quarter >= first:
            for name, spent in agents.items():
                if agent in (None, name):
                    total = total + spent
    for row in rows.values():
        if row.busy_since is not None and agent in (None, row.agent):
            total = total + Spent(seconds=max(0.0, (now - max(began, row.busy_since)).total_seconds()))
    return total
