"""Slots are filled again as they fall free: six tasks on two slots, with a daemon that is killed in between."""

from __future__ import annotations

import pytest

from benchmarks.backfill import Job, Stay, faults, play, utilisation
from tests.machine import Machine


def test_six_tasks_on_two_slots_are_each_done_once_though_the_daemon_is_killed(machine: Machine) -> None:
    jobs = [Job(name, 0.3) for name in ("a", "b", "c")]
    jobs += [Job("d", 0.3, ("a",)), Job("e", 0.3, ("b", "d")), Job("f", 0.3)]
    stays = play(machine, jobs, 2, kill_after=3)  # which complains of one that ran twice, not at all, or too early
    assert sorted(item["name"] for item in machine.json("ls")) == list("abcdef")
    assert {item["generation"] for item in machine.json("ls")} == {1}
    assert stays["e"].taken >= max(stays["b"].ended, stays["d"].ended)
    assert not list((machine.state / "queue").glob("*.json"))


def test_the_share_of_used_slots_by_hand() -> None:
    """Two slots; c waits from 0 to 5 while a takes one until 4 and b the other until 8; then nothing waits."""
    jobs = [Job("a", 4), Job("b", 8), Job("c", 1)]
    stays = {"a": Stay(0, 0, 4), "b": Stay(0, 0, 8), "c": Stay(5, 5, 6)}
    assert utilisation(jobs, stays, 2) == pytest.approx((4 + 5) / 10)
    behind = [Job("a", 4), Job("b", 8), Job("c", 1, ("a",))]
    assert utilisation(behind, stays, 2) == pytest.approx(1 / 2)  # from 4 to 5 only


def test_what_must_not_be_is_found() -> None:
    jobs = [Job("a", 1), Job("b", 1, ("a",))]
    assert faults(jobs, ["began a 1", "ended a 2", "began b 3", "ended b 4"], 1) == []
    assert faults(jobs, ["began a 1", "began b 2", "ended a 3", "ended b 4"], 1) == [
        "b began before a was done",
        "2 ran at once, on 1 slots",
    ]
    assert faults(jobs, ["began a 1", "ended a 2", "began a 3", "ended a 4"], 1) == [
        "a ran 2 times",
        "b ran 0 times",
    ]
