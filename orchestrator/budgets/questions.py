"""The question that a used-up cap asks, and what its answers mean. Pure."""

from __future__ import annotations

from datetime import datetime

from orchestrator.budgets import caps
from orchestrator.budgets.amounts import Amount, amount, told, words
from orchestrator.budgets.ask import Line, Measure, Scope
from orchestrator.budgets.book import Allowance
from orchestrator.fleet import Fleet
from sessions.models import Evidence, Kind, Option, Question, QuestionId, Source, State, Status

MORE, ALWAYS, STOP = "1", "2", "3"
_SPAN = {Scope.SESSION: "", Scope.TASK: " for the task", Scope.DAY: " today"}


def asked(fleet: Fleet, line: Line, measure: Measure, now: datetime) -> Status:
    """The status of a session that is held: blocked, with our question. Its id names this cap as it is now."""
    allowance = fleet.budget.allowances.get(line.key, Allowance())
    said = caps.said(line, measure)
    more = words(caps.step(line, measure))
    span = _SPAN.get(line.scope, f" for {line.name} today")
    question = Question(
        id=QuestionId(f"budget {line.key} {measure.field} {allowance.changes}"),
        kind=Kind.BUDGET,
        title=f"{said if line.scope is Scope.SESSION else _cap(line, measure)} are spent. Go on?",
        text=_text(line, measure),
        options=(
            Option(key=MORE, label=f"yes, with {more} more{span}"),
            Option(key=ALWAYS, label=f"yes, always: without this cap{span}"),
            Option(key=STOP, label="no, stop it", detail="the program ends; worktree and conversation stay"),
        ),
        free_text=True,
        asked_at=now,
    )
    why = Evidence(
        source=Source.AGENT,
        channel="budget",
        state=State.BLOCKED,
        kind=Kind.BUDGET,
        question=question,
        at=now,
        saw=f"{said} are spent"[:120],
    )
    return Status(state=State.BLOCKED, kind=Kind.BUDGET, since=now, question=question, why=(why,))


def _cap(line: Line, measure: Measure) -> str:
    """The same words for all that the cap holds, so that one answer is for all of them."""
    return f"{caps.whose(line)} {told(measure.field, measure.cap)}"


def _text(line: Line, measure: Measure) -> str:
    parts = ["Its processes are held where they are: nothing is lost, and nothing more is asked of the model."]
    if measure.unpriced:
        parts.append("A model without a price was used too; what it costs is not in this figure.")
    elif measure.least:
        parts.append("Interrupted answers are logged too low by agents: the true figure is higher.")
    if line.scope is not Scope.SESSION:
        parts.append("A yes lets all go on that this cap holds.")
    parts.append("In words: how much more, as $2, 50k (output tokens) or 30m (busy time).")
    return "\n".join(parts)


def more(line: Line, measure: Measure, choice: str, text: str) -> Amount | None:
    """How much an answer adds; None: it is no yes. Raises ValueError that says what may stand there."""
    if text:
        found = amount(text)
        if getattr(found, measure.field) is None:
            raise ValueError(f"the cap is one of {measure.field}; {text!r} says nothing of that")
        return found
    return caps.step(line, measure) if choice.lower() in (MORE, "y", "yes") else None
