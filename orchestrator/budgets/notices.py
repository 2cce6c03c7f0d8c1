"""What is said of caps before they are reached: each once for each value of a cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.budgets import caps
from orchestrator.budgets.amounts import told
from orchestrator.budgets.ask import Line, Warned
from orchestrator.fleet import Row

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

NO_PRICE = "price"
"""Stands for the measure in what was said of a model without a price."""


def warn(supervisor: Supervisor, row: Row, lines: list[Line]) -> None:
    """Say once that a cap is nearly reached, and once that it cannot hold."""
    _no_price(supervisor, row, lines)
    for line, measure in caps.nearly(supervisor.fleet, lines):
        said = f"{caps.said(line, measure)} are spent; {told(measure.field, measure.left)} are left"
        supervisor.emit(None, Warned(key=line.key, field=measure.field, cap=measure.cap, words=f"{row.name}: {said}"))
        supervisor.notice("warning", f"{row.name}: a cap is nearly reached", said)


def _no_price(supervisor: Supervisor, row: Row, lines: list[Line]) -> None:
    """A cap in dollars does not hold a model that has no price: that is said once for each cap."""
    known = supervisor.fleet.budget.warned
    found = [(line, one) for line in lines for one in line.measures if one.unpriced and row.cost_usd is None]
    new = [(line, one) for line, one in found if (line.key, NO_PRICE, one.cap) not in known]
    for line, one in new:
        words = f"{row.name}: no price is known for its model"
        supervisor.emit(None, Warned(key=line.key, field=NO_PRICE, cap=one.cap, words=words))
    if new:
        whose = ", ".join(f"{caps.whose(line)} {told(one.field, one.cap)}" for line, one in new)
        supervisor.notice(
            "warning",
            f"{row.name}: a cap that cannot hold",
            f"no price is known for its model, so {whose} cannot hold it; cap its tokens or hours: "
            f"orchestrator budget {row.name} --set '200k 2h'",
        )
