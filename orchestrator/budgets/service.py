"""Holds sessions whose cap is reached, asks the human, and lets them go on: the supervisor's part of budgets.

What costs money is the next request, so a session is held when an answer of its model was counted, and when it would go
on after a question of its own. Holding is SIGSTOP to its processes (``Session.hold``): an interrupt would throw away
the tool that runs and leave a broken-off turn in the conversation, and a signal is faster than a key, so the next
request is less often under way. A yes is SIGCONT. Nothing is ever ended but by the answer "stop".

The question is written to the ledger as a status before the signal, and taken back before SIGCONT: a daemon that is
started again finds who is held, and asks no second time.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.budgets import caps, changing, notices, questions
from orchestrator.budgets.amounts import words
from orchestrator.budgets.ask import Allow, Allowed, AskBudget, CapsRead, Line, Measure
from orchestrator.budgets.reading import READ
from orchestrator.commands import Answer, Command, Done, Refused
from orchestrator.fleet import Row
from sessions.errors import SessionError
from sessions.events import Answered, Counted, StatusChanged
from sessions.models import BUSY, Evidence, Model, QuestionId, SessionId, Source, State, Status
from worktrees.faultpoints import point

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

RESTS = frozenset({State.DONE, State.IDLE, State.FAILED, State.EXITED, State.CRASHED, State.LOST})
"""Nothing more is asked of a model before a human turns to it."""
LET_GO = "let-go"
"""Why a session that was held is in its state: written before it hears of it."""
MOMENT_S = 0.25
"""How long an agent may take from its last answer to its rest."""
OVERTIME_H = 1 / 60
"""A cap on hours holds at the next answer; after so long without one it holds at once."""


class BudgetService:
    """Of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._trouble = ""

    def freed(self) -> frozenset[SessionId]:
        """Who was let go on by what the ledger says last. Asked before anything is looked at anew."""
        fleet = self._supervisor.fleet
        return frozenset(row.id for row in fleet if row.status.why and row.status.why[0].channel == LET_GO)

    def start(self, freed: frozenset[SessionId]) -> None:
        """After a restart: hold again what is held, let go on what was let go and may not have heard of it."""
        self._read()
        for row in tuple(self._supervisor.fleet):
            live = self._supervisor.live.get(row.id)
            if live is None or not live.running:
                continue
            if row.held:
                self._signal(row, hold=True)
            elif row.id in freed and not row.paused:
                self._signal(row, hold=False)
        self._look_again()

    def look(self) -> None:
        """Every now and then: caps on hours, and caps that changed in the settings."""
        self._read()
        self._look_again()
        for row in tuple(self._supervisor.fleet):
            if row.busy_since is not None and row.status.state in BUSY:
                found = caps.reached(self.lines(row))
                if found is not None and found[1].field == "hours" and found[1].spent > found[1].cap + OVERTIME_H:
                    self._hold(row, *found)

    def _read(self) -> None:
        mine = READ.caps(None)
        if mine != self._supervisor.fleet.budget.caps:
            self._supervisor.emit(None, CapsRead(caps=mine))
        trouble = READ.trouble.get(None, "")
        if trouble and trouble != self._trouble:
            self._supervisor.notice("warning", "Caps cannot be read", f"{trouble}; until then the last known hold")
        self._trouble = trouble

    def counted(self, session: SessionId, event: Counted) -> None:
        """An answer of its model was counted: before the next request it is time to hold it.

        An answer that ends the turn is followed by none. Where the agent does not tell, it has a moment to be at rest.
        """
        row = self._supervisor.fleet.rows.get(session)
        if row is None:
            return
        lines = self.lines(row)
        notices.warn(self._supervisor, row, lines)
        final = event.response.final if event.response is not None else None
        if row.held:
            self._signal(row, hold=True)  # somebody let it go on otherwise
        if caps.reached(lines) is None or final:
            return
        if final is None:
            self._supervisor.run(self._hold_soon(session))
        else:
            self._hold_now(session)

    async def _hold_soon(self, session: SessionId) -> None:
        await asyncio.sleep(MOMENT_S)
        self._hold_now(session)

    def _hold_now(self, session: SessionId) -> None:
        row = self._supervisor.fleet.rows.get(session)
        if row is None or row.held or row.state in RESTS:
            return
        if (found := caps.reached(self.lines(row))) is not None:
            self._hold(row, *found)

    def turned(self, before: Row | None, session: SessionId, status: Status) -> None:
        """A status was written: one that goes on after a question may be about to ask its model again."""
        answered = before is not None and before.status.state is State.BLOCKED and not before.held
        if answered and status.state in BUSY:
            self._hold_now(session)

    def lines(self, row: Row) -> list[Line]:
        now = self._supervisor.time.now()
        return caps.of_session(self._supervisor.fleet, row, READ.caps(row.repository), now)

    def refuse(self, row: Row, verb: str) -> None:
        """Raises Refused for what would go round a cap that is reached, or would be typed to a held program."""
        if row.held:
            raise Refused(
                f"{row.name} is held: {row.status.question.title if row.status.question else 'its cap is reached'}",
                f"answer it: orchestrator answer {row.name} y (or: orchestrator show {row.name})",
            )
        if verb == "send" and (found := caps.reached(self.lines(row))) is not None:
            raise Refused(
                f"{row.name} gets no further message: {caps.said(*found)} are spent",
                f"raise it: {caps.raising(*found, row)}",
            )

    async def call(self, command: Command) -> Model:
        supervisor = self._supervisor
        match command:
            case AskBudget():
                return changing.show(supervisor, command)
            case Allow():
                done = changing.allow(supervisor, command)
                self._look_again()
                return done
            case other:
                raise Refused(f"{other.verb} is not a command", "")

    async def answer(self, row: Row, command: Answer) -> Done:
        """What the human says to our question. An answer to one that was settled meanwhile changes nothing."""
        question = row.status.question
        if not row.held or question is None:
            return Done(message=f"{row.name} goes on already")
        if command.question not in (None, question.id):
            raise Refused(
                f"{row.name} asks something else by now: {question.title}",
                f"look at it again: orchestrator show {row.name}",
            )
        found = self._of(row, question.id)
        choice = command.choice.lower()
        if choice in (questions.STOP, "n", "no"):
            self._supervisor.emit(row.id, Answered(question=question.id, choice="stop"))
            return await self._stop(row)
        if found is None:
            self._look_again()
            return Done(message=f"{row.name} goes on already")
        line, measure = found
        if choice in (questions.ALWAYS, "a") and not command.text:
            event = Allowed(key=line.key, lift=True)
            what = f"without {caps.whose(line)} cap"
        else:
            try:
                add = questions.more(line, measure, choice, command.text)
            except ValueError as error:
                raise Refused(str(error), f"for example: orchestrator answer {row.name} --text '$2'") from error
            if add is None:
                raise Refused(
                    f"{command.choice!r} is no answer here",
                    "y (1) goes on, a (2) goes on without this cap, n (3) stops it, or --text '$2'",
                )
            event, what = Allowed(key=line.key, add=add), f"with {words(add)} more"
        self._supervisor.intend(None, event)
        point("budget.allowed")
        self._supervisor.emit(row.id, Answered(question=question.id, choice=command.text or command.choice))
        self._look_again()
        after = self._supervisor.fleet.rows[row.id]
        if after.held and after.status.question is not None:
            return Done(message=f"{row.name} is still held: {after.status.question.title}")
        return Done(message=f"{row.name} goes on {what}")

    def _of(self, row: Row, asked: QuestionId) -> tuple[Line, Measure] | None:
        """The cap that is asked about, while it is reached."""
        return next(
            (
                (line, measure)
                for line in self.lines(row)
                for measure in line.measures
                if measure.reached and str(asked).startswith(f"budget {line.key} {measure.field} ")
            ),
            None,
        )

    def _hold(self, row: Row, line: Line, measure: Measure) -> None:
        supervisor = self._supervisor
        status = questions.asked(supervisor.fleet, line, measure, supervisor.time.now())
        supervisor.emit(row.id, StatusChanged(status=status))
        point("budget.asked")
        self._signal(row, hold=True)

    def _let_go(self, row: Row) -> None:
        """Say what it does, then let it. The status that it had is looked at anew at once."""
        supervisor = self._supervisor
        live = supervisor.live.get(row.id)
        known = live.status if live is not None else None
        now = supervisor.time.now()
        known = known or Status(state=State.UNKNOWN, since=now)
        because = Evidence(source=Source.ACTIVITY, channel=LET_GO, state=known.state, at=now, saw="its cap was raised")
        status = known.model_copy(update={"since": now, "why": (because, *known.why)})
        supervisor.emit(row.id, StatusChanged(status=status))
        point("budget.freed")
        if not row.paused:
            self._signal(row, hold=False)

    def _signal(self, row: Row, *, hold: bool) -> None:
        live = self._supervisor.live.get(row.id)
        with suppress(SessionError, OSError):
            if live is not None and live.running:
                live.hold(hold)

    async def _stop(self, row: Row) -> Done:
        from orchestrator import resuming

        return await resuming.stop(self._supervisor, row)

    def _look_again(self) -> None:
        """Who is held by a cap that is not reached any more goes on; by another one: that is asked about."""
        for row in tuple(self._supervisor.fleet):
            question = row.status.question
            if not row.held or question is None:
                continue
            found = caps.reached(self.lines(row))
            if found is None:
                self._let_go(row)
                continue
            status = questions.asked(self._supervisor.fleet, *found, self._supervisor.time.now())
            if status.question is not None and status.question.id != question.id:
                self._supervisor.emit(row.id, StatusChanged(status=status))
