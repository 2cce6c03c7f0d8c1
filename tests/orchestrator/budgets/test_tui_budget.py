"""Budgets on the dashboard: the screen of caps, a held and a parked session at a glance, the day in the top line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.budgets import caps, questions
from orchestrator.budgets.amounts import Amount, amount
from orchestrator.budgets.ask import Allow, BudgetReply, CapsRead, Parked, Scope
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.commands import Answer
from sessions.events import StatusChanged
from sessions.models import State, Status
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import SIZES, compare, dashboard

SAID = BudgetSettings.model_validate(
    {"day": "$4 2M", "session": "200k 8h", "account": {"claude": "$3", "codex": "$10"}, "task": "$5"}
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times to come are shown as a clock here shows them."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Capped(SampleLink):
    """Its supervisor tells the caps of the sample, as the real one does."""

    def __init__(self, said: BudgetSettings = SAID) -> None:
        super().__init__()
        self.said = said
        self._append(None, CapsRead(caps=said), self.now)

    async def call(self, command: object) -> object:
        if getattr(command, "verb", "") == "budget":
            lines = caps.everything(self.fleet, lambda _: self.said, self.now)
            self.answers["budget"] = BudgetReply(lines=lines, limited=caps.limited(self.fleet, self.now))
        return await super().call(command)  # type: ignore[arg-type]

    def hold(self, name: str, cap: str) -> None:
        row = self.fleet.named(name)
        assert row is not None
        said = BudgetSettings(session=amount(cap))
        found = caps.reached(caps.of_session(self.fleet, row, said, self.now))
        assert found is not None
        self.emit(name, StatusChanged(status=questions.asked(self.fleet, *found, self.now)))

    def park(self, name: str, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        self.emit(name, StatusChanged(status=Status(state=State.RATE_LIMITED, since=self.now, until=until)))
        self.emit(name, Parked(until=until, due=until))


@SIZES
async def test_the_caps(size: tuple[int, int]) -> None:
    link = Capped()
    link.park("flaky-test", 125)
    async with dashboard(link, size) as shown:
        await shown.press("B")
        await shown.sees("codex is rate limited until 14:05")
        await compare(f"budget-{size[0]}", shown)


@SIZES
async def test_nothing_is_capped(size: tuple[int, int]) -> None:
    async with dashboard(Capped(BudgetSettings()), size) as shown:
        await shown.press("B")
        await shown.sees("Nothing is capped")
        await compare(f"budget-empty-{size[0]}", shown)


@SIZES
async def test_held_and_parked_sessions_and_the_day_are_seen_at_a_glance(size: tuple[int, int]) -> None:
    link = Capped()
    link.hold("api-retry", "$0.40")
    link.park("flaky-test", 125)
    async with dashboard(link, size) as shown:
        await shown.sees("→14:05")
        await compare(f"budget-main-{size[0]}", shown)


@SIZES
async def test_the_question_of_a_cap_is_answered_in_the_inbox(size: tuple[int, int]) -> None:
    link = Capped()
    link.hold("api-retry", "$0.40")
    async with dashboard(link, size) as shown:
        await shown.press("w")
        await shown.sees("Needs you")
        for _ in range(4):
            if "this session's $0.40" in shown.text() and "is held by a cap" in shown.text():
                break
            await shown.press("j")
        await shown.sees("is held by a cap")
        await compare(f"budget-inbox-{size[0]}", shown)
        await shown.settled()
        await shown.press("y")
        await shown.until(lambda: shown.asked("answer"))
        (answer,) = shown.asked("answer")
        assert isinstance(answer, Answer)
        assert answer.choice == questions.MORE
        assert (answer.question or "").startswith("budget session ")


async def test_plus_raises_the_cap_under_the_cursor() -> None:
    link = Capped()
    async with dashboard(link) as shown:
        await shown.press("B")
        await shown.sees("claude")
        await shown.press("j", "j", "plus")
        await shown.sees("Raise the cap of claude by")
        await shown.press("enter")
        await shown.until(lambda: shown.asked("allow"))
        assert shown.asked("allow") == [Allow(scope=Scope.ACCOUNT, agent="claude", add=Amount(dollars=0.75))]
        await shown.press("plus")
        await shown.sees("Raise the cap of claude by")
        await shown.press("x", "enter")
        await shown.until(lambda: any("is no amount" in said for said in shown.said()))
        await shown.press("escape")
        await shown.sees("Fleet")
