"""A scripted day: real events in a real ledger, told by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from orchestrator.events import Event, Focused, Looked, Paused, Removed, Seen, Unobserved
from orchestrator.metrics.facts import Facts
from orchestrator.metrics.states import SECOND, Spent, micros
from orchestrator.store import Store, in_memory
from sessions.events import Answered, Counted, StatusChanged
from sessions.models import Kind, Question, QuestionId, Response, SessionId, State, Status, Usage
from tests.orchestrator.ledgers import created

ZERO = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return ZERO + timedelta(seconds=second)


class Day:
    """Appends to a ledger; seconds count from ``ZERO``."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or in_memory()

    def tell(self, second: float, session: str | None, event: Event) -> None:
        self.store.append(at(second), SessionId(session) if session is not None else None, event)

    def begin(self, second: float, session: str) -> None:
        self.tell(second, session, created(session))

    def state(self, second: float, session: str, state: State, question: str = "q") -> None:
        asked = None
        if state is State.BLOCKED:
            asked = Question(
                id=QuestionId(question), kind=Kind.PERMISSION, title="run it?", text="", asked_at=at(second)
            )
        kind = asked.kind if asked else None
        self.tell(
            second, session, StatusChanged(status=Status(state=state, kind=kind, question=asked, since=at(second)))
        )

    def answer(self, second: float, session: str) -> None:
        """As ``talk`` does it: the question is gone, then the answer is written down."""
        self.state(second, session, State.WORKING)
        self.tell(second, session, Answered(question=QuestionId("q"), choice="y"))

    def look(self, second: float, session: str) -> None:
        self.tell(second, session, Looked())

    def focus(self, second: float, session: str | None) -> None:
        self.tell(second, session, Focused())

    def hold(self, second: float, session: str, paused: bool) -> None:
        self.tell(second, session, Paused(paused=paused))

    def see(self, second: float, session: str) -> None:
        self.tell(second, session, Seen())

    def remove(self, second: float, session: str) -> None:
        self.tell(second, session, Removed(attic="refs/x"))

    def gap(self, began: float, ended: float, why: Literal["daemon", "suspend", "clock"]) -> None:
        self.tell(ended, None, Unobserved(why=why, began=at(began), ended=at(ended)))

    def count(
        self, second: float, session: str, id_: str, output: int, took: float | None = None, **more: object
    ) -> None:
        response = Response(
            id=id_,
            usage=Usage(output=output, **more),  # type: ignore[arg-type]
            started_at=at(second - took) if took is not None else None,
            ended_at=at(second),
        )
        self.tell(second, session, Counted(total=Usage(output=output), response=response))

    def facts(self, until: float, since: float = 0.0) -> Facts:
        return self.store.facts(micros(at(since)), micros(at(until)))

    def account(self, session: str, until: float, since: float = 0.0) -> dict[Spent, float]:
        """Seconds by state."""
        return {state: time / SECOND for state, time in self.facts(until, since).accounts.get(session, {}).items()}
