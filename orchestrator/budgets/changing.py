"""Caps are shown and changed on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.budgets import caps
from orchestrator.budgets.amounts import Amount, words
from orchestrator.budgets.ask import Allow, Allowed, AskBudget, BudgetReply, Line, Scope
from orchestrator.budgets.reading import READ
from orchestrator.commands import Done, Refused

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


def show(supervisor: Supervisor, command: AskBudget) -> BudgetReply:
    """The caps with what is spent of them."""
    fleet, now = supervisor.fleet, supervisor.time.now()
    limits = caps.limited(fleet, now)
    if command.session is not None:
        return BudgetReply(lines=tuple(supervisor.budgets.lines(supervisor.row(command.session))), limited=limits)
    return BudgetReply(lines=caps.everything(fleet, READ.caps, now), limited=limits)


def allow(supervisor: Supervisor, command: Allow) -> Done:
    """Change a cap. What it held is not looked at here."""
    now = supervisor.time.now()
    row = supervisor.row(command.session) if command.session is not None else None
    if row is None and command.scope in (Scope.SESSION, Scope.TASK):
        raise Refused("which session?", "orchestrator budget NAME --add '$5'")
    if command.scope is Scope.ACCOUNT and not command.agent:
        raise Refused("whose account?", "for example: orchestrator budget --account claude --add '$5'")
    key = caps.key(command.scope, now, row, command.agent or "")
    if row is not None:
        lines = supervisor.budgets.lines(row)
    else:
        lines = caps.of_start(supervisor.fleet, command.agent or "", READ.caps(None), now)
    line = next(line for line in lines if line.key == key)
    if command.add and not command.own and not command.lift:
        _addable(line, command.add)
    supervisor.intend(None, Allowed(key=key, own=command.own, add=command.add, lift=command.lift))
    after = supervisor.fleet.budget.allowances[key]
    if after.lifted:
        return Done(message=f"{caps.whose(line)} caps are lifted")
    what = f"set to {words(command.own)}" if command.own else f"raised by {words(command.add)}"
    return Done(message=f"{row.name if row is not None else caps.whose(line)}: {what}")


def _addable(line: Line, add: Amount) -> None:
    capped = {measure.field for measure in line.measures}
    missing = [field for field in ("dollars", "tokens", "hours") if getattr(add, field) and field not in capped]
    if missing:
        raise Refused(
            f"{caps.whose(line)} {missing[0]} are not capped, so nothing can be added",
            f"cap them first: --set '{words(add)}'",
        )
