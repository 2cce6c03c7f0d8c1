"""The throughput screen: chart and strips on one time axis, the bottleneck meter, groups, windows, export."""

from __future__ import annotations

import csv
import json
import math
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.commands import Throughput
from orchestrator.metrics.asking import Drawn
from orchestrator.metrics.figures import By, Figures, Fit, Group, Spending, Waits
from orchestrator.metrics.states import Spent
from orchestrator.tui.widgets.strips import STATES, Strips, bar
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import SIZES, Shown, compare, dashboard


class Metered(SampleLink):
    """Answers with figures and pictures made of the sample."""

    async def call(self, command: object) -> object:
        if isinstance(command, Throughput):
            self.answers["throughput"] = self.drawn(command)
        elif getattr(command, "verb", "") == "stats":
            self.answers["stats"] = self.figures(command.by)  # type: ignore[attr-defined]
        return await super().call(command)  # type: ignore[arg-type]

    def drawn(self, command: Throughput) -> Drawn:
        columns = command.columns
        rates = tuple(max(0.0, 300 * math.sin(n / columns * 9) + 100) for n in range(columns))
        states = {}
        for number, session in enumerate(command.sessions):
            cut = columns * (number + 3) // (len(command.sessions) + 4)
            last = Spent.BLOCKED if number < 2 else (Spent.WORKING, Spent.UNREVIEWED, Spent.IDLE)[number % 3]
            states[session] = tuple(None if n < number else Spent.WORKING if n < cut else last for n in range(columns))
        since = self.now - timedelta(seconds=command.window_s)
        return Drawn(since=since, until=self.now, rates=rates, states=states)

    def figures(self, by: By) -> Figures:
        groups = tuple(
            Group(
                key=row.id if by is By.SESSION else f"{by.value} {number}",
                sessions=1,
                utilisation=0.91 - number / 20,
                lost_s=720.0 if number == 0 else 60.0 * (number % 2),
                spending=Spending(
                    output=row.usage.output,
                    cost_usd=row.cost_usd,
                    unpriced=int(row.cost_usd is None),
                    lower_bound=number == 3,
                ),
            )
            for number, row in enumerate(self.fleet)
        )
        return Figures(
            since=self.now - timedelta(hours=1),
            until=self.now,
            by=by,
            total=Group(key="", lost_s=41 * 60, spending=Spending(cost_usd=3.1, cost_sources=("agent", "models-dev"))),
            groups=groups,
            names={row.id: row.name for row in self.fleet} if by is By.SESSION else {},
            waits=Waits(longest_s=720, longest="login-form"),
            fit=Fit(interactions=12, enough=True, interaction_s=60, recommended=7),
            parallelism=3.2,
            peak=5,
        )


async def opened(shown: Shown) -> Strips:
    await shown.press("t")
    await shown.sees("agent-minutes")
    strips = shown.app.screen.query_one(Strips)
    await shown.until(lambda: strips.drawn is not None and len(strips.drawn.rates) == strips.columns)
    return strips


@SIZES
async def test_the_screen(size: tuple[int, int]) -> None:
    async with dashboard(Metered(), size) as shown:
        await opened(shown)
        await shown.sees("You cost 41 agent-minutes today; longest wait login-form 12 min")
        assert any("$3.10 today, by agent, models-dev" in line for line in shown.lines()) == (size[0] == 120)
        await compare(f"throughput-{size[0]}", shown)


async def test_the_states_are_below_the_rates_of_the_same_time() -> None:
    async with dashboard(Metered()) as shown:
        strips = await opened(shown)
        axis = next(line for line in shown.lines() if "1h ago" in line)
        row = next(line for line in shown.lines() if "login-form" in line and "longest" not in line)
        began = axis.index("1h ago")
        assert row[began] == STATES[Spent.WORKING][0]
        assert row[axis.index("now") + 2] == STATES[Spent.BLOCKED][0]
        assert strips.columns == axis.index("now") + 3 - began


async def test_windows_and_groups() -> None:
    async with dashboard(Metered()) as shown:
        await opened(shown)
        await shown.press("]")
        await shown.sees("last day")
        await shown.until(lambda: shown.asked("throughput")[-1].window_s == 86400)
        await shown.press("]")
        assert any("no other window" in said for said in shown.said())
        await shown.press("[", "[")
        await shown.until(lambda: shown.asked("throughput")[-1].window_s == 300)
        await shown.press("b")
        await shown.sees("agent 0")
        await shown.press("escape")
        await shown.sees("1 Fleet")


def _written(folder: Path) -> tuple[str, float]:
    (table,), (whole,) = folder.glob("*.csv"), folder.glob("*.json")
    return next(csv.DictReader(table.read_text().splitlines()))["name"], json.loads(whole.read_text())["total"][
        "lost_s"
    ]


async def test_the_figures_are_written_into_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with dashboard(Metered()) as shown:
        await opened(shown)
        await shown.press("E")
        await shown.until(lambda: any("written:" in said for said in shown.said()))
        assert _written(tmp_path) == ("login-form", 41 * 60)
        await shown.press("E")  # nothing is written over
        await shown.until(lambda: any("were not written" in said for said in shown.said()))


def test_every_state_has_its_own_look_without_colour() -> None:
    glyphs = {state: STATES[state][:2] for state in Spent}
    same = {Spent.LOST}  # failed and lost look alike: no work, no wait
    assert len({shown for state, (shown, _) in glyphs.items() if state not in same}) == len(Spent) - 1
    assert len({shown for state, (_, shown) in glyphs.items() if state not in same}) == len(Spent) - 1


def test_a_column_of_the_chart() -> None:
    assert [bar(0.5, row, 4) for row in range(4)] == ["█", "█", " ", " "]
    assert [bar(1 / 8, row, 2) for row in range(2)] == ["▂", " "]
