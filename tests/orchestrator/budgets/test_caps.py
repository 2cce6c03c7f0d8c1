"""Caps: what is spent by whom, which cap holds, and what raises it. The ledger is real, in memory; time is scripted."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import budgets
from orchestrator.budgets import caps, questions
from orchestrator.budgets.amounts import Amount, amount
from orchestrator.budgets.ask import Allowed, BudgetReply, CapsRead, Parked, Scope, Unparking, Warned
from orchestrator.budgets.book import Spent, day_began, of_day, spent_by, task_of
from orchestrator.budgets.clock import clock
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.budgets.telling import cells, ratio, remarks
from orchestrator.events import Event, Removed, Returned, Unobserved
from orchestrator.fleet import Fleet, kept
from orchestrator.planner.ask import Planned
from orchestrator.store import Store, in_memory
from sessions.events import Counted, Launched, Sent, StatusChanged
from sessions.models import Kind, Response, SessionId, State, Status, Usage
from tests.orchestrator.ledgers import created

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MANY = 300 if os.environ.get("NIGHTLY") else 40


class Ledger:
    """A fleet and the ledger that it is folded from; ``at`` is the time that the next event gets."""

    def __init__(self) -> None:
        self.store: Store = in_memory()
        self.at = NOON
        self.totals: dict[str, tuple[Usage, float | None]] = {}

    @property
    def fleet(self) -> Fleet:
        return self.store.fleet()

    def tell(self, name: str | None, event: Event, after_s: float = 0) -> None:
        self.at += timedelta(seconds=after_s)
        self.store.append(self.at, SessionId(name) if name is not None else None, event)

    def create(self, name: str, agent: str = "coder", prompt: str = "p", budget: Amount | None = None) -> None:
        self.tell(name, created(name).model_copy(update={"agent": agent, "prompt": prompt, "budget": budget}))

    def answer(self, name: str, tokens: int, dollars: float | None, after_s: float = 10) -> None:
        """One more answer of its model."""
        usage, cost = self.totals.get(name, (Usage(), 0.0))
        usage = usage + Usage(output=tokens, input=10 * tokens)
        cost = None if dollars is None or cost is None else cost + dollars
        self.totals[name] = (usage, cost)
        self.at += timedelta(seconds=after_s)
        response = Response(id=f"{name}{usage.output}", usage=Usage(output=tokens), ended_at=self.at)
        self.tell(name, Counted(total=usage, response=response, cost_usd=cost))

    def state(self, name: str, state: State, after_s: float = 0, until: datetime | None = None) -> None:
        at = self.at + timedelta(seconds=after_s)
        self.tell(name, StatusChanged(status=Status(state=state, since=at, until=until)), after_s)

    def lines(self, name: str, said: BudgetSettings) -> list[caps.Line]:
        row = self.fleet.rows[SessionId(name)]
        return caps.of_session(self.fleet, row, said, self.at)


def test_a_repository_only_tightens() -> None:
    mine = BudgetSettings.model_validate({"session": "$5 2h", "day": "$20"})
    theirs = BudgetSettings.model_validate({"session": {"dollars": 9, "hours": 1}, "task": "$7"})
    both = mine.tightened(theirs)
    assert both.session == Amount(dollars=5, hours=1)
    assert both.task == Amount(dollars=7)
    assert both.day == Amount(dollars=20)


def test_spending_is_by_session_task_account_and_day() -> None:
    ledger = Ledger()
    ledger.create("a", "claude", "same")
    ledger.create("b", "codex", "same")
    ledger.create("c", "codex", "other")
    for name, dollars in (("a", 1.0), ("b", 2.0), ("c", 4.0)):
        ledger.answer(name, 100, dollars)
    said = BudgetSettings.model_validate(
        {"session": "$10", "task": "$10", "day": "$10", "account": {"codex": "$10", "claude": "$10"}}
    )
    found = {line.scope: line.measures[0].spent for line in ledger.lines("b", said)}
    assert found == {Scope.SESSION: 2, Scope.TASK: 3, Scope.ACCOUNT: 6, Scope.DAY: 7}
    whole = ledger.fleet.rows[SessionId("a")]
    ledger.tell("a", Removed(attic="x"))
    assert ledger.lines("b", said)[1].measures[0].spent == 3  # what it took was taken
    ledger.tell("a", kept(whole))
    found = {line.scope: line.measures[0].spent for line in ledger.lines("b", said)}
    assert found == {Scope.SESSION: 2, Scope.TASK: 3, Scope.ACCOUNT: 6, Scope.DAY: 7}


def test_a_day_ends_at_midnight_here() -> None:
    ledger = Ledger()
    ledger.create("a")
    ledger.at = day_began(NOON) - timedelta(minutes=1)
    ledger.answer("a", 5, 1.0, after_s=0)
    ledger.at = day_began(NOON) + timedelta(minutes=1)
    ledger.answer("a", 7, 2.0, after_s=0)
    assert of_day(ledger.fleet.budget, ledger.fleet.rows, NOON).dollars == 2
    assert of_day(ledger.fleet.budget, ledger.fleet.rows, NOON).tokens == 7
    assert of_day(ledger.fleet.budget, ledger.fleet.rows, NOON - timedelta(days=1)).dollars == 3


def test_busy_hours_leave_out_waits_and_what_nobody_watched() -> None:
    ledger = Ledger()
    ledger.create("a")
    ledger.state("a", State.WORKING)
    ledger.state("a", State.BLOCKED, 1000)
    ledger.state("a", State.BACKGROUND, 5000)
    began = ledger.at + timedelta(seconds=500)
    ledger.at = began + timedelta(hours=3)
    ledger.tell(None, Unobserved(why="suspend", began=began, ended=ledger.at))
    ledger.at += timedelta(seconds=250)
    row = ledger.fleet.rows[SessionId("a")]
    assert spent_by(row, ledger.at).seconds == 1000 + 500 + 250
    assert of_day(ledger.fleet.budget, ledger.fleet.rows, ledger.at).seconds == 1750
    ledger.state("a", State.DONE)
    assert of_day(ledger.fleet.budget, ledger.fleet.rows, ledger.at).seconds == pytest.approx(1750)


@settings(max_examples=MANY)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.integers(min_value=0, max_value=5000),
            st.one_of(st.none(), st.floats(min_value=0, max_value=3)),
            st.sampled_from([State.WORKING, State.BLOCKED, State.DONE, None]),
            st.integers(min_value=0, max_value=7200),
        ),
        max_size=25,
    )
)
def test_a_day_is_the_sum_of_its_sessions_and_a_restart_changes_nothing(
    steps: list[tuple[str, int, float | None, State | None, int]],
) -> None:
    ledger = Ledger()
    ledger.at = day_began(NOON) + timedelta(hours=1)
    for name in ("a", "b", "c"):
        ledger.create(name)
    for name, tokens, dollars, state, seconds in steps:
        if state is None:
            ledger.answer(name, tokens, dollars, seconds)
        else:
            ledger.state(name, state, seconds)
        if seconds % 3 == 0:
            ledger.store.keep(ledger.fleet)  # the next fold begins there
    ledger.at = min(ledger.at, day_began(NOON) + timedelta(hours=24))
    fleet, now = ledger.fleet, day_began(NOON) + timedelta(hours=49)
    whole = Fleet()
    from orchestrator.fleet import apply

    for envelope in ledger.store.since(0):
        whole = apply(whole, envelope)
    assert whole.budget == fleet.budget
    total = sum((spent_by(row, now) for row in fleet), Spent())
    kept_quarters = sum((spent for of in fleet.budget.quarters.values() for spent in of.values()), Spent())
    for row in fleet:
        if row.busy_since is not None:
            kept_quarters += Spent(seconds=(now - row.busy_since).total_seconds())
    assert kept_quarters.tokens == total.tokens
    assert kept_quarters.dollars == pytest.approx(total.dollars)
    assert kept_quarters.seconds == pytest.approx(total.seconds)


@settings(max_examples=MANY)
@given(
    st.lists(st.floats(min_value=0.01, max_value=2.0), min_size=1, max_size=25),
    st.floats(min_value=0.5, max_value=5.0),
    st.lists(st.sampled_from(["yes", "more", "restart"]), max_size=6),
)
def test_a_cap_is_never_passed_by_more_than_one_answer_and_is_asked_about_once(
    costs: list[float], cap: float, answers: list[str]
) -> None:
    """An agent that works as long as it may, and a human who says yes a few times; then nobody answers any more."""
    ledger = Ledger()
    ledger.create("a", budget=Amount(dollars=cap))
    said = BudgetSettings()
    asked: list[str] = []
    spent, most = 0.0, max(costs)
    replies = iter(answers)
    for cost in costs:
        ledger.answer("a", 10, cost)
        spent += cost
        while (found := caps.reached(ledger.lines("a", said))) is not None:
            line, measure = found
            row = ledger.fleet.rows[SessionId("a")]
            status = questions.asked(ledger.fleet, line, measure, ledger.at)
            assert status.question is not None
            if not row.held:
                asked.append(status.question.id)
                ledger.tell("a", StatusChanged(status=status))
            reply = next(replies, "nobody")
            if reply == "restart":
                ledger.store.keep(ledger.fleet)
                assert ledger.fleet.rows[SessionId("a")].status.question == row.status.question or not row.held
                assert ledger.fleet.rows[SessionId("a")].held
                continue
            if reply == "nobody":
                assert len(asked) == len(set(asked))
                assert spent - measure.cap <= most + 1e-9
                return
            add = questions.more(line, measure, "y", "") if reply == "yes" else amount("$0.30")
            assert add is not None
            ledger.tell(None, Allowed(key=line.key, add=add))
            if caps.reached(ledger.lines("a", said)) is None:
                ledger.state("a", State.WORKING)
            else:
                again = questions.asked(ledger.fleet, *found, ledger.at)
                ledger.tell("a", StatusChanged(status=again))
                assert again.question is not None
                asked.append(again.question.id)
    assert len(asked) == len(set(asked))


def test_the_narrowest_cap_is_asked_about_and_each_answer_says_what_it_does() -> None:
    ledger = Ledger()
    ledger.create("a", budget=amount("$1"))
    ledger.answer("a", 10, 3.0)
    said = BudgetSettings.model_validate({"day": "$2"})
    found = caps.reached(ledger.lines("a", said))
    assert found is not None
    status = questions.asked(ledger.fleet, *found, ledger.at)
    assert status.question is not None
    assert (status.state, status.kind) == (State.BLOCKED, Kind.BUDGET)
    assert status.question.title == "$3 of this session's $1 are spent. Go on?"
    assert status.question.options[0].label == "yes, with $1 more"
    ledger.tell(None, Allowed(key=found[0].key, lift=True))
    found = caps.reached(ledger.lines("a", said))
    assert found is not None
    assert found[0].scope is Scope.DAY
    again = questions.asked(ledger.fleet, *found, ledger.at).question
    assert again is not None
    assert again.options[0].label == "yes, with $0.50 more today"
    assert questions.more(*found, "", "$4 1h") == amount("$4 1h")
    assert questions.more(*found, "7", "") is None
    with pytest.raises(ValueError, match="dollars"):
        questions.more(*found, "", "2h")


def test_the_human_is_warned_once_for_each_value_of_a_cap() -> None:
    ledger = Ledger()
    ledger.create("a", budget=amount("$10"))
    ledger.answer("a", 10, 7.9)
    assert caps.nearly(ledger.fleet, ledger.lines("a", BudgetSettings())) == []
    ledger.answer("a", 10, 0.2)
    (found,) = caps.nearly(ledger.fleet, ledger.lines("a", BudgetSettings()))
    line, measure = found
    ledger.tell(None, Warned(key=line.key, field=measure.field, cap=measure.cap, words="w"))
    ledger.answer("a", 10, 0.2)
    assert caps.nearly(ledger.fleet, ledger.lines("a", BudgetSettings())) == []
    ledger.tell(None, Allowed(key=line.key, add=amount("$0.1")))
    assert len(caps.nearly(ledger.fleet, ledger.lines("a", BudgetSettings()))) == 1


def test_a_model_without_a_price_is_said_and_is_never_nothing() -> None:
    ledger = Ledger()
    ledger.create("a", budget=amount("$10 1k"))
    ledger.answer("a", 100, 1.5)
    ledger.answer("a", 100, None)
    line = ledger.lines("a", BudgetSettings())[0]
    dollars, tokens = line.measures
    assert (dollars.spent, dollars.unpriced) == (1.5, True)
    assert (tokens.spent, tokens.unpriced) == (200, False)
    assert cells(line)[0][3:] == ("$10", "≥$1.50", "$8.50", "15%, no price")
    assert "cannot hold" in remarks(BudgetReply(lines=(line,)))[0]


def test_an_account_at_its_limit_takes_no_start_until_it_lifts_or_is_seen_to_be_usable() -> None:
    ledger = Ledger()
    for name in ("a", "b"):
        ledger.create(name, "codex")
    ledger.state("a", State.RATE_LIMITED, 5, until=ledger.at + timedelta(seconds=60))
    assert budgets.why_not(ledger.fleet, "codex", "/nowhere", ledger.at) is None  # a busy server
    until = ledger.at + timedelta(hours=2)
    ledger.state("a", State.RATE_LIMITED, 5, until=until)
    why = budgets.why_not(ledger.fleet, "codex", "/nowhere", ledger.at)
    assert why == f"codex is rate limited until {clock(until, ledger.at)}"
    assert budgets.why_not(ledger.fleet, "claude", "/nowhere", ledger.at) is None
    ledger.answer("b", 10, None, after_s=5)  # asked for before the limit was seen
    assert budgets.why_not(ledger.fleet, "codex", "/nowhere", ledger.at) == why
    assert budgets.why_not(ledger.fleet, "codex", "/nowhere", until) is None
    ledger.answer("b", 10, None, after_s=100)
    assert budgets.why_not(ledger.fleet, "codex", "/nowhere", ledger.at) is None


@pytest.mark.parametrize(
    ("event", "parked"),
    [
        (Launched(pane="%1", pid=1, argv=("x",)), False),
        (StatusChanged(status=Status(state=State.WORKING, since=NOON)), False),
        (StatusChanged(status=Status(state=State.EXITED, since=NOON)), True),
    ],
)
def test_what_the_human_or_the_agent_does_meanwhile_ends_a_parking(event: Event, parked: bool) -> None:
    ledger = Ledger()
    ledger.create("a")
    ledger.tell("a", Parked(due=NOON + timedelta(hours=1)))
    ledger.tell("a", event)
    assert (ledger.fleet.rows[SessionId("a")].parked is not None) is parked


def test_a_message_ends_the_parking_that_it_was_sent_in_and_no_later_one() -> None:
    ledger = Ledger()
    ledger.create("a")
    ledger.tell("a", Parked(due=NOON + timedelta(hours=1)))
    ledger.tell("a", Unparking())
    ledger.tell("a", Sent(text="mine"))
    assert ledger.fleet.rows[SessionId("a")].parked is None
    ledger.tell("a", Parked(due=NOON + timedelta(hours=1)))
    ledger.tell("a", Unparking())
    again = Parked(due=NOON + timedelta(hours=2), attempt=2)
    ledger.tell("a", again)  # it told of its limit before it was seen that it took the message
    ledger.tell("a", Sent(text="mine"))
    assert ledger.fleet.rows[SessionId("a")].parked == again


def test_tasks_are_told_apart_by_words_and_repository() -> None:
    ledger = Ledger()
    ledger.create("a", prompt="one")
    ledger.create("b", prompt="two")
    one, two = ledger.fleet
    assert task_of(one) != task_of(two)
    assert task_of(one) != task_of(one.model_copy(update={"repository": "/elsewhere"}))
    assert task_of(one) == task_of(one.model_copy(update={"agent": "codex"}))
    assert isinstance(kept(one), Returned)


def test_the_day_is_told_in_the_measure_of_which_the_most_is_spent() -> None:
    ledger = Ledger()
    ledger.create("a")
    ledger.answer("a", 300, 1.0)
    assert caps.of_today(ledger.fleet, ledger.at) is None
    ledger.tell(None, CapsRead(caps=BudgetSettings.model_validate({"day": "$5 500 tokens"})))
    measure = caps.of_today(ledger.fleet, ledger.at)
    assert measure is not None
    assert ratio(measure) == "300/500 tokens"
    ledger.answer("a", 1, 3.9)
    measure = caps.of_today(ledger.fleet, ledger.at)
    assert measure is not None
    assert ratio(measure) == "$4.90/$5"


def test_what_plans_cost_counts_for_the_day() -> None:
    ledger = Ledger()
    response = Response(id="p", usage=Usage(input=900, output=40), ended_at=NOON)
    ledger.tell("plan-1", Planned(repository="/r", goal="g", responses=(response,), cost_usd=0.5))
    ledger.tell("plan-2", Planned(repository="/r", goal="g", responses=(response,)))
    spent = of_day(ledger.fleet.budget, ledger.fleet.rows, ledger.at)
    assert (spent.dollars, spent.tokens, spent.unpriced) == (0.5, 80, 40)
