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
            told(measure.field, measure.cap),
            _least(measure) + told(measure.field, measure.spent),
            told(measure.field, measure.left),
            mark(measure),
        )
        for measure in line.measures
    ]


def mark(measure: Measure) -> str:
    """How far it is spent, and whether it can hold."""
    if measure.reached:
        return "spent"
    share = f"{measure.spent / measure.cap * 100:.0f}%"
    return f"{share}, does not hold: no price" if measure.unpriced else share


def limits(reply: BudgetReply, now: datetime) -> list[str]:
    """The accounts that are at a rate limit."""
    return [f"{one.agent} is rate limited until {clock(one.until, now)}" for one in reply.limited]


def remarks(reply: BudgetReply) -> list[str]:
    """What the figures do not say."""
    measures = [measure for line in reply.lines for measure in line.measures]
    found = []
    if any(measure.unpriced for measure in measures):
        found.append(
            "A model without a price was used: what it costs is unknown, and a cap in dollars cannot hold it. "
            "Cap its tokens or hours."
        )
    if any(measure.least for measure in measures):
        found.append("≥: interrupted answers are logged too low by the agents")
    return found


def _least(measure: Measure) -> str:
    return "≥" if measure.least or measure.unpriced else ""
