"""Which caps hold a session, what is spent of them, and which one is reached. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from orchestrator.budgets.amounts import FIELDS, Amount, told, words
from orchestrator.budgets.ask import Limited, Line, Measure, Scope
from orchestrator.budgets.book import Allowance, Spent, day_began, of_day, spent_by, task_of
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.fleet import Fleet
from orchestrator.rows import Row

WARN = 0.8


def key(scope: Scope, now: datetime, row: Row | None = None, agent: str = "") -> str:
    """Names what a cap holds; that of a day is another one tomorrow."""
    day = f"{day_began(now):%Y-%m-%d}"
    if scope is Scope.DAY:
        return f"day {day}"
    if scope is Scope.ACCOUNT:
        return f"account {agent or (row.agent if row else '')} {day}"
    assert row is not None
    return f"session {row.id}" if scope is Scope.SESSION else f"task {task_of(row)}"


def of_session(fleet: Fleet, row: Row, settings: BudgetSettings, now: datetime) -> list[Line]:
    """The caps that hold ``row``: its own, its task's, its account's, the day's."""
    task = task_of(row)
    alike = [other for other in fleet if task_of(other) == task]
    taken = sum((spent_by(other, now) for other in alike), Spent())
    taken = sum((spent for of, spent in fleet.budget.gone.values() if of == task), taken)
    said = row.budget.over(settings.session) if row.budget is not None else settings.session
    own = _line(fleet, Scope.SESSION, key(Scope.SESSION, now, row), row.name, said, spent_by(row, now))
    whole = _line(fleet, Scope.TASK, key(Scope.TASK, now, row), row.prompt, settings.task, taken)
    whole = whole.model_copy(update={"names": tuple(other.name for other in alike)})
    return [own, whole, *of_start(fleet, row.agent, settings, now)]


def of_start(fleet: Fleet, agent: str, settings: BudgetSettings, now: datetime) -> list[Line]:
    """The caps that hold any session of ``agent``, before it is there."""
    account = settings.account.get(agent, Amount())
    of_account = of_day(fleet.budget, fleet.rows, now, agent)
    return [
        _line(fleet, Scope.ACCOUNT, key(Scope.ACCOUNT, now, agent=agent), agent, account, of_account),
        _line(fleet, Scope.DAY, key(Scope.DAY, now), "today", settings.day, of_day(fleet.budget, fleet.rows, now)),
    ]


def everything(fleet: Fleet, said: Callable[[str | None], BudgetSettings], now: datetime) -> tuple[Line, ...]:
    """All that is capped, and the day in any case; the widest scope first, in it
    what is spent the furthest. ``said``: the settings of a repository,
    or the user's own."""
    mine = said(None)
    found: dict[str, Line] = {}
    for agent in sorted({*mine.account, *(row.agent for row in fleet)}) or [""]:
        for line in of_start(fleet, agent, mine, now):
            found[line.key] = line
    for row in fleet:
        for line in of_session(fleet, row, said(row.repository), now)[:2]:
            found[line.key] = line
    shown = [line for line in found.values() if line.measures or line.lifted or line.scope is Scope.DAY]
    order = (Scope.DAY, Scope.ACCOUNT, Scope.TASK, Scope.SESSION)
    return tuple(sorted(shown, key=lambda line: (order.index(line.scope), -_share(line))))


def _share(line: Line) -> float:
    return max((measure.spent / measure.cap for measure in line.measures), default=0.0)


def limited(fleet: Fleet, now: datetime) -> tuple[Limited, ...]:
    """The accounts that are at a rate limit."""
    return tuple(
        Limited(agent=agent, until=limit.until) for agent, limit in fleet.budget.limits.items() if limit.until > now
    )


def of_today(fleet: Fleet, now: datetime) -> Measure | None:
    """The day's cap of which the most is spent; None: there is none. As the user's own settings say."""
    if not fleet.budget.caps.day and key(Scope.DAY, now) not in fleet.budget.allowances:
        return None
    day = of_start(fleet, "", fleet.budget.caps, now)[1]
    return max(day.measures, key=lambda measure: measure.spent / measure.cap, default=None)


def _line(fleet: Fleet, scope: Scope, name: str, shown: str, said: Amount, spent: Spent) -> Line:
    allowance = fleet.budget.allowances.get(name, Allowance())
    base = allowance.own.over(said) if allowance.own is not None else said
    caps = effective(said, allowance)
    figures = {"dollars": spent.dollars, "tokens": spent.tokens, "hours": spent.seconds / 3600}
    measures = tuple(
        Measure(
            field=_field(field),
            cap=cap,
            base=getattr(base, field),
            spent=figures[field],
            least=field != "hours" and spent.least,
            unpriced=field == "dollars" and spent.unpriced > 0,
        )
        for field in FIELDS
        if (cap := getattr(caps, field)) is not None
    )
    taken = Amount(**{field: value or None for field, value in figures.items()})
    return Line(scope=scope, key=name, name=shown, measures=measures, spent=taken, lifted=allowance.lifted)


def effective(said: Amount, allowance: Allowance) -> Amount:
    """The cap that holds: that of the settings, or the human's own in its place, and what was added to it since."""
    if allowance.lifted:
        return Amount()
    base = allowance.own.over(said) if allowance.own is not None else said
    added = {f: getattr(allowance.added, f) for f in FIELDS if getattr(base, f) is not None}
    return base.plus(Amount(**added))


def reached(lines: Iterable[Line]) -> tuple[Line, Measure] | None:
    """The first cap that is used up; the narrowest scope first."""
    return next(((line, measure) for line in lines for measure in line.measures if measure.reached), None)


def nearly(fleet: Fleet, lines: Iterable[Line]) -> list[tuple[Line, Measure]]:
    """The caps of which :data:`WARN` is spent, and of which the human was not told so far."""
    return [
        (line, measure)
        for line in lines
        for measure in line.measures
        if WARN * measure.cap <= measure.spent < measure.cap
        and (line.key, measure.field, measure.cap) not in fleet.budget.warned
    ]


def said(line: Line, measure: Measure) -> str:
    """``$5.02 of $5 for export-json are spent``."""
    most = "≥" if measure.least or measure.unpriced else ""
    return f"{most}{told(measure.field, measure.spent)} of {whose(line)} {told(measure.field, measure.cap)}"


def whose(line: Line) -> str:
    match line.scope:
        case Scope.SESSION:
            return "this session's"
        case Scope.TASK:
            return "this task's"
        case Scope.DAY:
            return "today's"
        case Scope.ACCOUNT:
            return f"today's {line.name}"


def step(line: Line, measure: Measure) -> Amount:
    """How much more is offered: as much as the cap was for a session or a task, a quarter for a day."""
    part = 1 if line.scope in (Scope.SESSION, Scope.TASK) else 4
    if measure.field == "tokens":
        return Amount(tokens=max(1, round(measure.base / part)))
    return Amount(**{measure.field: measure.base / part})


def raising(line: Line, measure: Measure, row: Row | None = None) -> str:
    """The command that raises a cap."""
    where = {Scope.DAY: "--day", Scope.ACCOUNT: f"--account {line.name}"}.get(line.scope, row.name if row else "NAME")
    task = " --task" if line.scope is Scope.TASK else ""
    return f"orchestrator budget {where}{task} --add '{words(step(line, measure))}'"


def _field(name: str) -> Literal["dollars", "tokens", "hours"]:
    assert name in FIELDS
    return name  # type: ignore[return-value]
