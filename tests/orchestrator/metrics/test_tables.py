"""The derived tables: responses count once, an older ledger is taken over, a fault in them never stops the ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

import pytest

from orchestrator import derived
from orchestrator.metrics.states import SECOND, micros
from orchestrator.store import AT_ONCE, Store
from sessions.events import Said
from sessions.models import SessionId, State
from tests.orchestrator.metrics.script import Day, at


def _output(day: Day, until: float = 1000) -> dict[str, int]:
    return {one.session: one.output for one in day.facts(until).tokens}


def test_a_response_counts_once() -> None:
    day = Day()
    day.begin(0, "a")
    day.begin(0, "fork")
    day.count(10, "a", "msg_1", 100)
    day.count(10, "a", "msg_1", 150)  # it grew
    day.count(20, "a", "msg_2", 10)
    day.count(10, "fork", "msg_1", 150)  # the conversation was copied
    day.count(30, "fork", "msg_3", 7)
    day.count(40, "fork", "msg_2", 3)  # another one that has the same name
    assert _output(day) == {"a": 160, "fork": 10}


def test_sums_of_whole_hours_are_those_of_the_responses() -> None:
    chance, day = Random(3), Day()
    day.begin(0, "a")
    told: dict[str, tuple[float, int]] = {}
    for _n in range(300):
        name = f"r{chance.randrange(250)}"  # some are told again, with other figures
        told[name] = (chance.choice((3600.0, 7200.0, chance.uniform(0, 20_000))), chance.randrange(1000))
        day.count(told[name][0], "a", name, told[name][1], took=chance.choice((None, 90)))
    for since, until in ((0, 20_000), (3600, 7200), (100, 200), (3599, 14_401), (10_000, 10_500)):
        wanted = [output for at_, output in told.values() if since < at_ <= until]
        found = day.facts(until, since).tokens
        assert sum(one.output for one in found) == sum(wanted)
        assert sum(one.responses for one in found) == len(wanted)
    drawn = day.store.outputs(micros(at(-3600)), micros(at(40_000)))
    assert sum(tokens for *_, tokens in drawn) == pytest.approx(sum(output for _, output in told.values()))


def test_a_response_that_tells_only_its_end_is_spread_over_the_gap_before_it() -> None:
    day = Day()
    day.begin(0, "a")
    for second, name in ((1000, "r1"), (1060, "r2"), (2000, "r3"), (2001, "r3")):
        day.count(second, "a", name, 60)
    spans = day.store.outputs(micros(at(0)), micros(at(2001)))
    assert sorted((ended - began) // SECOND for began, ended, _ in spans) == [0, 60, 300]


def test_a_ledger_opened_again_goes_on_where_it_was(tmp_path: Path) -> None:
    once, twice = Day(), Day(Store(tmp_path / "l.sqlite3"))
    for second in range(0, 300, 10):
        for day in (once, twice):
            if second == 0:
                day.begin(0, "a")
            day.state(second, "a", State.BLOCKED if second % 20 else State.WORKING, str(second))
            day.focus(second + 1, "a" if second % 30 else None)
            day.count(second, "a", f"r{second}", second)
        twice.store.close()
        twice.store = Store(tmp_path / "l.sqlite3")
    assert twice.facts(400) == once.facts(400)


def test_an_older_ledger_is_taken_over_in_portions(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    day, reference = Day(Store(path)), Day()
    for one in (day, reference):
        one.begin(0, "a")
        for second in range(1, AT_ONCE):
            one.state(second, "a", State.BLOCKED if second % 2 else State.WORKING, str(second))
            one.count(second, "a", f"r{second}", 1)
    day.store.close()
    with sqlite3.connect(path) as database:
        for table in derived.TABLES:
            database.execute(f"DROP TABLE {table}")
    day.store = Store(path)
    assert 0 < day.store.behind < 1
    for one in (day, reference):
        one.state(4000, "a", State.IDLE)  # what happens meanwhile waits for its turn
    assert day.facts(5000) != reference.facts(5000)
    while not day.store.catch_up(500):
        pass
    assert day.store.behind == 0
    for one in (day, reference):
        one.state(4010, "a", State.WORKING)
    assert day.facts(5000) == reference.facts(5000)


def test_other_tables_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(Store(tmp_path / "l.sqlite3"))
    day.begin(0, "a")
    day.count(10, "a", "r", 100)
    wanted = day.facts(100)
    day.store.close()
    monkeypatch.setattr(derived, "VERSION", derived.VERSION + 1)
    day.store = Store(tmp_path / "l.sqlite3")
    assert day.facts(100) == wanted


def test_a_fault_in_the_statistics_does_not_stop_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day()
    day.begin(0, "a")

    def fails(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(derived, "step", fails)
    day.state(10, "a", State.BLOCKED)
    monkeypatch.undo()
    day.state(20, "a", State.IDLE)
    assert len(list(day.store.since(0))) == 3
    assert sum(day.account("a", 30).values()) == 30


def test_the_last_time_that_somebody_watched(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    assert store.watched() is None
    store.append(at(10), SessionId("a"), Said(text="x"))
    assert store.watched() == at(10)
    store.watch(at(30))
    assert store.watched() == at(30)
    assert store.began() == 0
    Day(store).begin(40, "a")
    assert store.began() == micros(at(40))
