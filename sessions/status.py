"""What a session is doing, decided from ranked evidence. Pure: no clock, no I/O.

1. The end of the process wins over everything that it claimed before; so do its processes that were stopped.
2. The lowest source wins: agent's own state, hook, transcript, title, screen, activity; then the newer.
3. A coarse claim is refined by a weaker source that knows more (busy → background, retrying; idle → failed).
4. A visible blocker overrides a claim of rest at once, and a claim of work that is older than 2 s: a loan, given back
   when its rule stops matching.
5. Leaving work on weak evidence waits for a second look, and so does rest that is older than another channel's news of
   work. Nothing matches: unknown, never a false idle.
6. Rest is done when a strong source saw the turn end, or nothing but the screen tells; an agent whose own state says
   idle, and no end of the turn was seen, was interrupted or refused: idle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sessions.models import Evidence, Kind, Question, Source, State, Status

EXIT = "exit"
HELD = "held"
LOAN = timedelta(seconds=2)
SECOND_LOOK = timedelta(milliseconds=600)
START = timedelta(seconds=30)
TOGETHER = timedelta(seconds=3)
"""Signals of one moment come from several channels within it."""

_REST = frozenset({State.IDLE, State.DONE})
_WORK = frozenset({State.WORKING, State.BACKGROUND, State.RETRYING, State.RATE_LIMITED})
_REFINES = {
    State.WORKING: frozenset({State.BACKGROUND, State.RETRYING, State.RATE_LIMITED}),
    State.IDLE: frozenset({State.FAILED}),
    State.DONE: frozenset({State.FAILED}),
}


@dataclass(frozen=True)
class Verdict:
    """``look_again``: after this time the answer may differ without any new evidence."""

    status: Status
    look_again: timedelta | None = None


def decide(evidence: Iterable[Evidence], now: datetime, before: Status | None) -> Verdict:
    """The status that the latest evidence of every channel speaks for, given the status before."""
    known = sorted(
        (item for item in evidence if item.state is not None), key=lambda item: (item.source, -item.at.timestamp())
    )
    for channel in (EXIT, HELD):
        over = next((item for item in known if item.channel == channel), None)
        if over is not None:
            return Verdict(_status(over, known, now, before))
    if not known:
        return _nothing(now, before)
    winner = known[0]
    look_again: timedelta | None = None
    blocker = next((item for item in known if item.state is State.BLOCKED and item.source is Source.SCREEN), None)
    if blocker is not None and winner.state is not State.BLOCKED:
        patience = _patience(winner, blocker)
        if now - blocker.at >= patience:
            winner = blocker
        else:
            look_again = patience - (now - blocker.at)
    if winner.state in _REFINES:
        allowed = _REFINES[winner.state]
        winner = next((item for item in known if item.state in allowed and _may_refine(item, winner)), winner)
    if (
        before is not None
        and before.state in _WORK
        and winner.source >= Source.TITLE
        and winner.state in _REST
        and now - winner.at < SECOND_LOOK
    ):
        return Verdict(before, SECOND_LOOK - (now - winner.at))
    if before is not None and winner.state in _REST and before.state not in _REST:
        news = [item.at for item in known if item.source < Source.TITLE and item.state in _WORK and item.at > winner.at]
        if news and now - max(news) < SECOND_LOOK:
            # A prompt was taken, and the agent's own state file has not caught up yet.
            return Verdict(before, SECOND_LOOK - (now - max(news)))
    return Verdict(_status(winner, known, now, before), look_again)


def explain(status: Status, now: datetime) -> list[str]:
    """The chain behind a verdict, for people: what won first, then what lost."""
    head = status.state.value + (f" ({status.kind.value})" if status.kind else "")
    lines = [f"{head} for {_age(now - status.since)}"]
    for place, item in enumerate(status.why):
        claim = item.state.value if item.state else "nothing"
        if item.kind:
            claim += f" ({item.kind.value})"
        rule = f", rule {item.rule}" if item.rule else ""
        mark = "because" if place == 0 else "   over"
        lines.append(
            f"{mark} {item.source.name.lower()} [{item.channel}{rule}] says {claim}, "
            f"{_age(now - item.at)} ago: {item.saw or '-'}"
        )
    if not status.why:
        lines.append("because nothing that is seen tells")
    return lines


def _patience(claim: Evidence, blocker: Evidence) -> timedelta:
    if claim.state in _WORK and claim.at <= blocker.at:
        return LOAN
    if claim.state in _WORK:
        # News of work after the dialog appeared: the dialog must outlast it.
        return LOAN + (claim.at - blocker.at)
    return timedelta(0)


def _may_refine(item: Evidence, claim: Evidence) -> bool:
    """A failure must not be older than the rest that it explains, but for the moment between the two signals."""
    return item.state is not State.FAILED or item.at >= claim.at - TOGETHER


def _nothing(now: datetime, before: Status | None) -> Verdict:
    if before is None:
        return Verdict(Status(state=State.STARTING, since=now), START)
    if before.state is State.STARTING:
        left = START - (now - before.since)
        if left > timedelta(0):
            return Verdict(before, left)
    if before.state is State.UNKNOWN:
        return Verdict(before)
    return Verdict(Status(state=State.UNKNOWN, since=now))


def _status(winner: Evidence, known: list[Evidence], now: datetime, before: Status | None) -> Status:
    state = _rested(winner, known, before) if winner.state in _REST else winner.state
    assert state is not None
    question = _question(winner, known) if state is State.BLOCKED else None
    kind = (question.kind if question is not None else winner.kind) if state is State.BLOCKED else None
    if state is State.BLOCKED and kind is None:
        kind = Kind.DIALOG
    same = (
        before is not None
        and before.state is state
        and before.kind is kind
        and (before.question is None or before.question.id == (question.id if question else None))
    )
    return Status(
        state=state,
        kind=kind,
        since=before.since if same and before is not None else now,
        question=question,
        until=winner.until,
        exit_code=winner.exit_code,
        why=(winner, *(item for item in known if item is not winner)),
    )


def _rested(claim: Evidence, known: list[Evidence], before: Status | None) -> State:
    """Idle or done? A turn that ended is done until the human has seen it."""
    ended = _turn_end(claim, known)
    if before is None or before.state is State.STARTING:
        return claim.state or State.IDLE
    if before.state is State.IDLE:
        return State.DONE if ended is not None and ended.at > before.since else State.IDLE
    if before.state is State.DONE or ended is not None or claim.source >= Source.TITLE:
        return State.DONE
    return State.IDLE


def _turn_end(claim: Evidence, known: list[Evidence]) -> Evidence | None:
    """What saw the end of the turn after which the agent rests; work that a strong source saw since then undoes it."""
    if claim.state is State.DONE:
        return claim
    strong = [item for item in known if item.source < Source.TITLE]
    worked = max((item.at for item in strong if item.state in _WORK or item.state is State.BLOCKED), default=None)
    for item in strong:
        if item.state is State.DONE and item.at >= claim.at - TOGETHER and (worked is None or item.at >= worked):
            return item
    return None


def _question(winner: Evidence, known: list[Evidence]) -> Question | None:
    """The question asked: content of the strongest source that has it, options as the screen offers them."""
    asked = [item.question for item in known if item.state is State.BLOCKED and item.question is not None]
    if winner.question is not None:
        asked = [winner.question, *(question for question in asked if question is not winner.question)]
    if winner.kind is Kind.DIALOG:
        asked = [question for question in asked if question.kind is Kind.DIALOG]  # an older request is not this dialog
    if not asked:
        return None
    first = asked[0]
    shown = next(
        (
            item.question
            for item in known
            if item.source is Source.SCREEN and item.question is not None and item.question.kind is first.kind
        ),
        None,
    )
    if shown is None or shown is first or not shown.options or (first.kind is Kind.QUESTION and first.options):
        return first
    return first.model_copy(update={"options": shown.options})


def _age(span: timedelta) -> str:
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 120:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 120 else f"{minutes // 60}h{minutes % 60:02d}m"
