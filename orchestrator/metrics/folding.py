"""The fold of the ledger into time accounts, waits and interactions. Pure: ``step(book, envelope)``.

What nobody watched (the daemon was down) is the state from before when it is the same afterwards, else unknown. A clock
that steps back is held at the latest time that a session has seen, so nothing is ever negative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from orchestrator.events import (
    Created,
    Envelope,
    Focused,
    Imported,
    LaunchFailed,
    Looked,
    Merged,
    Paused,
    Removed,
    Returned,
    Seen,
    Undone,
    Unobserved,
)
from orchestrator.metrics.records import (
    Answer,
    Interaction,
    Known,
    Landed,
    Record,
    Removal,
    Span,
    Stretch,
    Wait,
)
from orchestrator.metrics.states import BUSY, GONE, NEEDS, SECOND, Spent, micros, spent
from orchestrator.planner.ask import Planned
from orchestrator.throughput import LONGEST_GAP
from sessions.events import Answered, Counted, FailedToStart, Launched, Sent, StatusChanged
from sessions.models import Model, Usage

SETTLES = 10 * SECOND
"""After a restart, how soon the first look at every session is through."""
GAP = LONGEST_GAP // timedelta(microseconds=1)
KINDS = (
    *("created", "returned", "removed", "launched", "launch_failed", "failed_to_start", "status", "seen", "paused"),
    *("counted", "merged", "undone", "answered", "sent", "looked", "focused", "unobserved", "imported", "planned"),
)
"""Events that the fold looks at, by their words."""
Price = Callable[[str, Usage], tuple[float, str] | None]
"""Dollars for tokens of a model, and who told the price."""


class Asked(Model):
    """An asking that is open. What was spent on it up to ``mark`` is in the three parts."""

    began: int
    kind: str
    question: str | None
    noticed: bool = False
    focused: bool = False
    unnoticed: int = 0
    queued: int = 0
    handled: int = 0
    mark: int

    def until(self, at: int) -> Asked:
        """With the time up to ``at`` put where it belongs."""
        part = "handled" if self.focused else "queued" if self.noticed else "unnoticed"
        return self.model_copy(update={part: getattr(self, part) + max(0, at - self.mark), "mark": max(self.mark, at)})


class Open(Model):
    """A session as of now: what it is in, and since when."""

    state: Spent
    began: int
    at: int  # the latest time that it has seen
    status: Spent
    paused: bool = False
    gap: tuple[int, int] | None = None  # nobody watched, and what came after is not known yet
    asked: Asked | None = None
    asked_at_gap: Asked | None = None
    work: int | None = None  # since when it has worked without a break
    need: int = 0  # when it last began to need somebody
    kind: str = "message"  # what it asked last
    submitted: int = -1  # when it last got an answer or a message
    answered: tuple[str, int, int] | None = None  # its model's last response: id, beginning, end


class Book(Model):
    """The fold: all sessions that exist, and which one the human is at."""

    open: Mapping[str, Open] = {}
    focus: str | None = None
    focused_at: int = 0


def step(book: Book, envelope: Envelope, price: Price) -> tuple[Book, list[Record]]:
    """The book after ``envelope``, and what is settled by it. The same book object when nothing changed."""
    event, session = envelope.event, envelope.session
    at = micros(envelope.at)
    if isinstance(event, Unobserved):
        return _unobserved(book, event)
    if isinstance(event, Focused):
        return _focused(book, session, at), []
    if session is None:
        return book, []
    if isinstance(event, (Created, Returned)):
        created = event if isinstance(event, Created) else event.created
        state = Spent.WORKING if isinstance(event, Created) else Spent.ENDED
        known = Known(session, created.name, created.agent, created.model or "", created.repository, created.prompt, at)
        new = Open(state=state, status=state, began=at, at=at, work=at if state in BUSY else None)
        return _with(book, session, new), [known]
    if isinstance(event, Imported):
        return book, _imported(session, event, price)
    if isinstance(event, Planned):
        past = Imported(agent="planner", conversation=session, folder=event.repository, responses=event.responses)
        return book, _imported(session, past, price, event.goal)
    now = book.open.get(session)
    if now is None:
        return book, [_answer(session, event, price)] if isinstance(event, Counted) and event.response else []
    at = max(at, now.at)
    out: list[Record] = []
    match event:
        case Removed():
            _, out = _moved(session, now, at, Spent.ENDED, book)
            left = {key: value for key, value in book.open.items() if key != session}
            return book.model_copy(update={"open": left}), [*_closed(session, now, at, out), Removal(session, at)]
        case Launched():
            now, out = _status(session, now.model_copy(update={"paused": False}), at, Spent.WORKING, book)
        case LaunchFailed() | FailedToStart():
            now, out = _status(session, now, at, Spent.ENDED, book)
        case StatusChanged():
            question = event.status.question
            asks = (event.status.kind.value if event.status.kind else "", question.id if question else None)
            now, out = _status(session, now, at, spent(event.status.state), book, asks)
        case Seen():
            now, out = _status(session, now, at, Spent.IDLE, book) if now.status is Spent.UNREVIEWED else (now, [])
        case Paused():
            now, out = _status(session, now.model_copy(update={"paused": event.paused}), at, now.status, book)
        case Counted():
            if event.response is None:
                return book, []
            answer = _answer(session, event, price, now.answered)
            now = now.model_copy(update={"answered": (answer.id, answer.began, answer.ended)})
            return _with(book, session, now), [answer]
        case Merged():
            return book, [Landed(session, at, 1)]
        case Undone():
            return book, [Landed(session, at, -1)] if event.unlanded else []
        case Looked() if now.asked is not None:
            now = now.model_copy(update={"asked": now.asked.until(at).model_copy(update={"noticed": True}), "at": at})
        case Answered() | Sent():
            now, out = _submitted(session, now, at, "message" if isinstance(event, Sent) else now.kind, book)
        case _:
            return book, []
    return _with(book, session, now), out


def _with(book: Book, session: str, now: Open) -> Book:
    return book.model_copy(update={"open": {**book.open, session: now}})


def _status(
    session: str, now: Open, at: int, status: Spent, book: Book, asks: tuple[str, str | None] = ("", None)
) -> tuple[Open, list[Record]]:
    """The agent is in ``status``; held by the human wins over it while a program is there."""
    now = now.model_copy(update={"status": status})
    state = Spent.PAUSED if now.paused and status not in GONE else status
    return _moved(session, now, at, state, book, asks)


def _moved(
    session: str, now: Open, at: int, state: Spent, book: Book, asks: tuple[str, str | None] = ("", None)
) -> tuple[Open, list[Record]]:
    """The session goes over to ``state``."""
    out: list[Record] = []
    kind, question = asks
    other = state is Spent.BLOCKED and now.asked is not None and question not in (None, now.asked.question)
    if state is now.state and not other:
        return now.model_copy(update={"at": at, "gap": _still(now, at)}), out
    update: dict[str, object] = {"at": at, "gap": None, "asked_at_gap": None}
    if now.asked is not None:
        out.append(_wait(session, now, at, same=state is now.state))
        update["asked"] = None
    if state is not now.state:
        out += _spans(session, now, at)
        broken = state not in BUSY or _known_until(now, at) < at
        if now.work is not None and broken:
            out.append(Stretch(session, now.work, _known_until(now, at)))
        update |= {"state": state, "began": at}
        update["work"] = None if state not in BUSY else at if now.work is None or broken else now.work
    if state is Spent.BLOCKED:
        here = book.focus == session
        update["asked"] = Asked(began=at, mark=at, kind=kind, question=question, noticed=here, focused=here)
        update["kind"] = kind or "message"
    if state in NEEDS:
        update["need"] = at
    return now.model_copy(update=update), [record for record in out if not _empty(record)]


def _closed(session: str, now: Open, at: int, out: list[Record]) -> list[Record]:
    """What is written when a session that had ended already goes away: nothing moved, its last span is over."""
    return out if now.state is not Spent.ENDED else _spans(session, now, at)


def _still(now: Open, at: int) -> tuple[int, int] | None:
    """The gap that is not settled yet: a first look that saw the same state settles it too."""
    return None if now.gap is None or at >= now.gap[1] else now.gap


def _known_until(now: Open, at: int) -> int:
    """When the state from before is known to have ended: another one right after a gap says nothing of the gap."""
    return now.gap[0] if now.gap is not None and at <= now.gap[1] + SETTLES else at


def _spans(session: str, now: Open, at: int) -> list[Record]:
    until = _known_until(now, at)
    found: list[Record] = [Span(session, now.began, until, now.state)]
    if until < at:
        found.append(Span(session, until, at, Spent.UNKNOWN))
    return [record for record in found if not _empty(record)]


def _wait(session: str, now: Open, at: int, *, same: bool) -> Wait:
    asked = now.asked
    assert asked is not None
    if not same and _known_until(now, at) < at and now.asked_at_gap is not None:
        asked = now.asked_at_gap
        at = asked.mark
    asked = asked.until(at)
    return Wait(session, asked.began, at, asked.kind, asked.unnoticed, asked.queued, asked.handled)


def _empty(record: Record) -> bool:
    return isinstance(record, (Span, Stretch)) and record.ended <= record.began


def _unobserved(book: Book, event: Unobserved) -> tuple[Book, list[Record]]:
    """Nobody watched, the machine slept, or the clock jumped: for every session."""
    out: list[Record] = []
    left: dict[str, Open] = {}
    for session, now in book.open.items():
        began = max(micros(event.began), now.at)
        ended = max(micros(event.ended), began)
        if event.why == "daemon":
            first = now.gap is not None and began <= now.gap[1] + SETTLES
            if first and now.gap is not None:
                left[session] = now.model_copy(update={"gap": (now.gap[0], ended), "at": ended})
            else:
                asked = now.asked.until(began) if now.asked is not None else None
                left[session] = now.model_copy(update={"gap": (began, ended), "at": ended, "asked_at_gap": asked})
            continue
        lost = Spent.SUSPENDED if event.why == "suspend" else Spent.UNKNOWN
        now = now.model_copy(update={"gap": None, "asked_at_gap": None})
        out += [*_spans(session, now, began), Span(session, began, ended, lost)]
        if now.work is not None:
            out.append(Stretch(session, now.work, _known_until(now, began)))
        update: dict[str, object] = {"began": ended, "at": ended, "gap": None, "asked_at_gap": None}
        update["work"] = ended if now.work is not None else None
        if now.asked is not None:
            update["asked"] = now.asked.until(began).model_copy(update={"mark": ended})
        left[session] = now.model_copy(update=update)
    return book.model_copy(update={"open": left}), [record for record in out if not _empty(record)]


def _focused(book: Book, session: str | None, at: int) -> Book:
    """The human turned to ``session``, or to none."""
    if session == book.focus:
        return book
    left = dict(book.open)
    for key, here in ((book.focus, False), (session, True)):
        now = left.get(key) if key is not None else None
        if now is not None and now.asked is not None:
            asked = now.asked.until(max(at, now.at))
            update = {"focused": here, "noticed": asked.noticed or here}
            left[str(key)] = now.model_copy(update={"asked": asked.model_copy(update=update), "at": max(at, now.at)})
    return Book(open=left, focus=session, focused_at=at)


def _submitted(session: str, now: Open, at: int, kind: str, book: Book) -> tuple[Open, list[Record]]:
    """An answer or message went out; an interaction when the human was at it, once for each need."""
    if book.focus != session:
        return now.model_copy(update={"submitted": at, "at": at}), []
    began = max(book.focused_at, now.need)
    again = began <= now.submitted
    out: list[Record] = [] if again else [Interaction(session, min(began, at), at, kind)]
    return now.model_copy(update={"submitted": at, "at": at}), out


def _imported(session: str, event: Imported, price: Price, task: str = "imported") -> list[Record]:
    """Tokens without a life: nobody saw what the time was spent on."""
    if not event.responses:
        return []
    before: tuple[str, int, int] | None = None
    answers: list[Record] = []
    for response in event.responses:
        answer = _answer(session, Counted(total=response.usage, response=response), price, before)
        before = (answer.id, answer.began, answer.ended)
        answers.append(answer)
    began = min(micros(response.ended_at) for response in event.responses)
    name = f"{event.agent} {event.conversation.removeprefix('rollout-')[:19]}"
    return [Known(session, name, event.agent, "", event.folder, task, began), *answers]


def _answer(session: str, event: Counted, price: Price, before: tuple[str, int, int] | None = None) -> Answer:
    """One that tells only its end is spread over the gap to the one before, at most 300 s."""
    response = event.response
    assert response is not None
    own = response.cost_usd
    cost, source = (own, "agent") if own is not None else price(response.model, response.usage) or (None, "")
    ended = micros(response.ended_at)
    began = micros(response.started_at) if response.started_at is not None else ended + 1
    if began > ended:
        began = ended if before is None else before[1] if before[0] == response.id else before[2]
        began = max(min(began, ended), ended - GAP)
    return Answer(session, response.id, response.model, response.usage, began, ended, cost, source)
