"""The last line shows as many keys as fit, whole, and the others still work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tui.screens.help import HelpScreen
from orchestrator.tui.widgets.checks_view import CheckList
from orchestrator.tui.widgets.keys import FIRST_OUT, left_out
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, WIDE, dashboard

KEYS = st.lists(
    st.tuples(st.sampled_from([*FIRST_OUT, "help", "back", "own"]), st.integers(3, 20)), unique_by=lambda key: key[0]
)


@given(KEYS, st.integers(20, 140))
def test_no_more_gives_way_than_must_and_in_the_given_order(keys: list[tuple[str, int]], room: int) -> None:
    out = left_out(keys, room)
    there = [action for action in FIRST_OUT if action in dict(keys)]
    assert out == set(there[: len(out)])

    def fits(without: set[str]) -> bool:
        left = [width for action, width in keys if action not in without]
        return sum(left) + len(left) - 1 <= room

    assert fits(out) or out == set(there)
    assert not out or not fits(set(there[: len(out) - 1]))


async def test_keys_give_way_on_a_narrow_screen_come_back_on_a_wide_one_and_still_work() -> None:
    async with dashboard(SampleLink(), WIDE) as shown:
        await shown.tab("api-retry", "checks", CheckList)
        await shown.sees("f Tell")
        await shown.until(lambda: ": Commands" in shown.lines()[-1])
        await shown.pilot.resize_terminal(*NARROW)
        await shown.until(lambda: ": Commands" not in shown.lines()[-1])
        assert shown.lines()[-1].endswith("? Help q Detach")
        await shown.pilot.resize_terminal(*WIDE)
        await shown.until(lambda: ": Commands" in shown.lines()[-1])
        await shown.press("question_mark")
        await shown.until(lambda: isinstance(shown.app.screen, HelpScreen))
