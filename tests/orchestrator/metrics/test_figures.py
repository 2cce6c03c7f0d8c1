"""Each figure against an example that was worked by hand."""

from __future__ import annotations

import pytest

from orchestrator.events import Merged, Undone
from orchestrator.metrics import attention, summary
from orchestrator.metrics.figures import By
from orchestrator.metrics.lines import bottleneck, cost
from orchestrator.metrics.states import SECOND, micros
from sessions.models import State
from tests.orchestrator.metrics.script import Day, at
from worktrees.models import Landing, Method

MINUTE = 60 * SECOND


def test_fan_out_and_the_queue_by_hand() -> None:
    """NT 10 min, IT 1 min, 4 agents: λ = 4/11 a minute, μ = 1 a minute, ρ = 4/11, Wq = (4/11)/(7/11) = 4/7 min."""
    found = attention.human(
        [9 * MINUTE, 10 * MINUTE, 30 * MINUTE],
        [MINUTE] * 10,
        4,
        unnoticed=[2 * MINUTE, 4 * MINUTE],
        queued=[MINUTE] * 2,
    )
    assert found.enough
    assert (found.neglect, found.interaction) == (10 * MINUTE, MINUTE)
    assert found.fan_out == 11
    assert found.fan_out_with_waits == pytest.approx(10 / (1 + 3 + 1) + 1)
    assert found.arrivals == pytest.approx(4 / 11 / 60)
    assert found.service == pytest.approx(1 / 60)
    assert found.load == pytest.approx(4 / 11)
    assert found.queue_wait == pytest.approx(4 / 7 * MINUTE)
    assert found.recommended == 7  # 7·1/11 = 0.64 ≤ 0.7 < 8·1/11


def test_the_queue_grows_without_end_when_too_many_ask() -> None:
    assert attention.human([MINUTE], [MINUTE] * 10, 4).queue_wait is None


@pytest.mark.parametrize(("neglect", "most"), [(9, 7), (9.1, 7), (1, 1), (0, 0)])
def test_the_largest_number_at_or_below_the_rule(neglect: float, most: int) -> None:
    assert attention.recommended(neglect, 1) == most
    assert most == 0 or most / (neglect + 1) <= 0.7 + 1e-9
    assert (most + 1) / (neglect + 1) > 0.7


def test_below_ten_answers_nothing_is_said() -> None:
    found = attention.human([MINUTE] * 50, [MINUTE] * 9, 3)
    assert not found.enough
    assert (found.neglect, found.fan_out, found.load, found.recommended) == (None, None, None, None)


def test_at_once() -> None:
    assert attention.peak([(0, 10), (5, 15), (10, 20), (7, 7)]) == 2
    assert attention.parallelism(30, 20) == 1.5


def _landing() -> Landing:
    return Landing(
        branch="agent/a",
        target="main",
        method=Method.SQUASH,
        before="0" * 40,
        after="1" * 40,
        source="2" * 40,
        at=at(0),
    )


def _day() -> Day:
    """Two sessions from 0 to 1000 s: a works 300 s, is blocked 100 s, is looked at; b works all the time."""
    day = Day()
    day.begin(0, "a")
    day.begin(0, "b")
    day.state(300, "a", State.BLOCKED)
    day.answer(400, "a")
    day.count(450, "a", "r1", 1000, input=10, cache_read=90)
    day.count(460, "b", "r2", 500, lower_bound=True)
    day.state(500, "a", State.IDLE)
    day.tell(600, "a", Merged(landing=_landing()))
    return day


def test_the_figures_of_a_day() -> None:
    found = summary.figures(_day().facts(1000))
    total = found.total
    assert total.utilisation == pytest.approx((300 + 100 + 1000) / 2000)
    assert total.wait_share == pytest.approx(100 / 2000)
    assert (total.lost_s, total.longest_wait_s, total.askings, total.landed) == (100, 100, 1, 1)
    assert (total.spending.output, total.output_per_landed) == (1500, 1500)
    assert total.spending.lower_bound
    assert (found.parallelism, found.peak) == (pytest.approx(1.4), 1)
    assert [group.key for group in found.groups] == ["a", "b"]  # who cost most first
    assert [group.landed for group in found.groups] == [1, 0]
    assert (total.spending.cost_usd, cost(total.spending)) == (None, "no price")
    assert bottleneck(total.lost_s, found.waits) == "You cost 2 agent-minutes today; longest wait a 2 min"


def test_a_landing_that_was_taken_back_did_not_land() -> None:
    day = _day()
    day.tell(700, "a", Undone(operation="o", undoes="p", what="w", unlanded=True))
    assert summary.figures(day.facts(1000)).total.landed == 0


def test_groups() -> None:
    day = _day()
    for by, keys in ((By.AGENT, ["coder"]), (By.REPO, ["/nowhere"]), (By.TASK, ["p"]), (By.MODEL, [""])):
        found = summary.figures(day.facts(1000), by)
        assert [group.key for group in found.groups] == keys
        assert sum(group.spending.output for group in found.groups) == 1500


def test_days_are_those_of_the_calendar_and_sum_up() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    day = Day()
    day.begin(0, "a")
    windows = summary.days(micros(at(0)), micros(at(2 * 86400)), berlin)
    assert [name for name, *_ in windows] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    parts = [(name, day.store.facts(*window)) for name, *window in windows]
    found = summary.figures(day.facts(2 * 86400), By.DAY, parts)
    assert sum(group.time["working"] for group in found.groups) == 2 * 86400
    long = summary.days(micros(at(0)), micros(at(30 * 86400)), berlin)
    hours = {name: (ended - began) / 3600 / SECOND for name, began, ended in long}
    assert hours["2026-03-29"] == 23  # the clock goes ahead by an hour
