"""Sleep and a clock that was set are told apart by three clocks."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestrator.clocks import Clocks, read
from orchestrator.events import Unobserved
from tests.orchestrator.metrics.script import at


class Machine:
    def __init__(self) -> None:
        self.wall, self.through, self.awake = at(0), 50.0, 40.0

    def read(self) -> tuple[datetime, float, float]:
        return self.wall, self.through, self.awake

    def pass_(self, seconds: float, *, asleep: float = 0.0, set_by: float = 0.0) -> None:
        self.wall += timedelta(seconds=seconds + asleep + set_by)
        self.through += seconds + asleep
        self.awake += seconds


def test_time_that_passes_is_nothing() -> None:
    machine = Machine()
    clocks = Clocks(machine.read)
    machine.pass_(20)
    assert clocks.look() == (at(20), [])


def test_sleep() -> None:
    machine = Machine()
    clocks = Clocks(machine.read)
    machine.pass_(15, asleep=3600)
    assert clocks.look()[1] == [Unobserved(why="suspend", began=at(0), ended=at(3600))]
    assert clocks.look()[1] == []


def test_a_clock_that_is_set() -> None:
    machine = Machine()
    clocks = Clocks(machine.read)
    machine.pass_(10, set_by=600)
    assert clocks.look()[1] == [Unobserved(why="clock", began=at(0), ended=at(600))]
    machine.pass_(10, set_by=-600)
    assert clocks.look() == (at(20), [])
    machine.pass_(10, asleep=100, set_by=50)
    assert clocks.look()[1] == [
        Unobserved(why="suspend", began=at(20), ended=at(120)),
        Unobserved(why="clock", began=at(120), ended=at(170)),
    ]


def test_the_clocks_of_this_machine_agree() -> None:
    assert Clocks(read).look()[1] == []
