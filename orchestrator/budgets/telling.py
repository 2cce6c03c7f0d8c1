"""Caps in words, for the command line and the dashboard. Pure."""

from __future__ import annotations

from datetime import datetime

from orchestrator.budgets.amounts import told, words
from orchestrator.budgets.ask import BudgetReply, Line, Measure, Scope
from orchestrator.budgets.clock import clock

HEAD = ("CAP", "OF", "MEASURE", "CAP AT", "SPENT", "LEFT", "")
_MEASURES = {"dollars": "dollars", "tokens": "tokens out", "hours": "busy"}


def cells(line: Line) -> list[tuple[str, ...]]:
    """A row for each of its measures; one without any when there is no cap."""
    name = {Scope.DAY: "all", Scope.TASK: line.name}.get(line.scope, line.name)
    span = {Scope.DAY: "today", Scope.ACCOUNT: "today"}.get(line.scope, line.scope.value)
    if not line.measures:
        said = "lifted" if line.lifted else "none"
        return [(span, name, "", said, words(line.spent), "", "")]
    return [
        (
            span,
            name,
            _MEASURES[measure.field],
            _bare(measure.field, measure.cap),
            _least(measure) + _bare(measure.field, measure.spent),
            _bare(measure.field, measure.left),
            mark(measure),
        )
        for measure in line.measures
    ]


def mark(measure: Measure) -> str:
    """How far it is spent, and whether it can hold."""
    if measure.reached:
        return "spent"
    share = f"{measure.spent / measure.cap * 100:.0f}%"
    return f"{share}, no price" if measure.unpriced else share


def ratio(measure: Measure) -> str:
    """``$3.21/$20``, ``300/500 tokens``."""
    return f"{_least(measure)}{_bare(measure.field, measure.spent)}/{told(measure.field, measure.cap)}"


def limits(reply: BudgetReply, now: datetime) -> list[str]:
    """The accounts that are at a rate limit."""
    return [f"{one.agent} is rate limited until {clock(one.until, now)}" for one in reply.limited]


def remarks(reply: BudgetReply) -> list[str]:
    """What the figures do not say."""
    measures = [measure for line in reply.lines for measure in line.measures]
    found = []
    if any(measure.unpriced for measure in measures):
        found.append(
            "No price: a model that has none was used. What it costs is unknown, and a cap in dollars cannot hold it; "
            "cap tokens or hours."
        )
    if any(measure.least for measure in measures):
        found.append("≥: interrupted answers are logged too low by the agents")
    return found


def _bare(field: str, value: float) -> str:
    return told(field, value).removesuffix(" tokens")  # the column beside it names the measure


def _least(measure: Measure) -> str:
    return "≥" if measure.least or measure.unpriced else ""
