"""The loop that lets parked sessions go on, with a clock that is scripted: it jumps, and the machine sleeps.

The ledger and its fold are real; only the agents, whose panes would need their time, are scripted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from orchestrator.budgets import caps
from orchestrator.budgets.ask import Line
from orchestrator.budgets.parking import LOOK_S, ParkingService
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.events import Event, Intended, Paused
from orchestrator.fleet import Row
from sessions.events import Sent, StatusChanged
from sessions.models import SessionId, State, Status
from tests.orchestrator.budgets.test_caps import NOON, Ledger

AGENTS = 12


class Scripted(Ledger):
    """What a supervisor has of it, at the time ``at``."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[SessionId, Any] = {}
        self.time = self.budgets = self

    def now(self) -> datetime:
        return self.at

    def lines(self, row: Any, said: Any = None) -> list[Line]:
        return caps.of_session(self.fleet, row, BudgetSettings(), self.at)

    def emit(self, session: SessionId, event: Event) -> None:
        self.tell(session, event)

    intend = emit


class Parking(ParkingService):
    """Its agents are told at once, and work."""

    def __init__(self, supervisor: Scripted) -> None:
        super().__init__(cast("Any", supervisor))
        self.scripted = supervisor
        self.told: list[str] = []

    async def _start(self, row: Row) -> None:
        self.told.append(row.name)
        self.scripted.state(row.id, State.WORKING)
        self.scripted.tell(row.id, Sent(text="continue"))

    def forget_the_last_start(self) -> None:
        """As if the time between two starts had passed."""
        self._next.clear()


def parked(count: int, until: timedelta = timedelta(hours=1)) -> tuple[Scripted, Parking]:
    ledger = Scripted()
    parking = Parking(ledger)
    for number in range(count):
        name = f"s{number:02}"
        ledger.create(name, "codex")
        ledger.state(name, State.RATE_LIMITED, until=NOON + until)
        parking.turned(SessionId(name), ledger.fleet.rows[SessionId(name)].status)
    return ledger, parking


async def test_all_that_are_due_after_a_sleep_go_on_one_by_one_and_once() -> None:
    ledger, parking = parked(AGENTS)
    ledger.at = NOON + timedelta(minutes=59)
    await parking.look()
    assert parking.told == []
    ledger.at = NOON + timedelta(hours=9)  # the machine slept
    for number in range(1, AGENTS + 1):
        wait = await parking.look()
        assert len(parking.told) == number
        assert number == AGENTS or 0 < wait <= LOOK_S
        assert await parking.look() <= LOOK_S
        assert len(parking.told) == number  # not two in one moment
        parking.forget_the_last_start()
    await parking.look()
    assert sorted(parking.told) == [f"s{number:02}" for number in range(AGENTS)]


async def test_a_clock_that_is_set_back_starts_nothing_early_and_nothing_twice() -> None:
    ledger, parking = parked(1)
    ledger.at = NOON + timedelta(hours=2)
    await parking.look()
    assert parking.told == ["s00"]
    parking.forget_the_last_start()
    ledger.at = NOON - timedelta(hours=3)
    await parking.look()
    assert parking.told == ["s00"]


async def test_one_that_goes_on_too_early_waits_on_and_a_restart_knows_it() -> None:
    ledger, parking = parked(1)
    ledger.at = NOON + timedelta(hours=2)  # the clock was set ahead
    await parking.look()
    assert parking.told == ["s00"]
    until = ledger.at + timedelta(minutes=30)
    limit = Status(state=State.RATE_LIMITED, since=ledger.at, until=until)
    ledger.tell("s00", StatusChanged(status=limit))
    parking.turned(SessionId("s00"), limit)
    again = Parking(ledger)  # the daemon was started again
    ledger.at = until - timedelta(seconds=1)
    await again.look()
    assert again.told == []
    ledger.at = until + timedelta(minutes=3)
    await again.look()
    assert again.told == ["s00"]


@pytest.mark.parametrize("against", [Paused(paused=True), Intended(action="stop")])
async def test_what_the_human_holds_or_stopped_is_not_started(against: Event) -> None:
    ledger, parking = parked(1)
    ledger.tell("s00", against)
    ledger.at = NOON + timedelta(hours=2)
    await parking.look()
    assert parking.told == []


async def test_nothing_of_an_account_goes_on_while_another_session_knows_a_later_end() -> None:
    ledger, parking = parked(2)
    ledger.at = NOON + timedelta(minutes=50)
    ledger.create("late", "codex")
    ledger.state("late", State.RATE_LIMITED, until=NOON + timedelta(hours=5))
    ledger.at = NOON + timedelta(hours=2)
    await parking.look()
    assert parking.told == []
    ledger.at = NOON + timedelta(hours=6)
    await parking.look()
    assert len(parking.told) == 1
