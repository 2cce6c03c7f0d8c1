"""What the human has before the eyes is told to the daemon, once, and only while somebody is there."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.commands import Attend
from orchestrator.tui.attending import AWAY
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import Shown, dashboard


async def _look(shown: Shown, times: int = 2) -> None:
    for _ in range(times):
        await shown.app._attending.look()


async def test_who_is_selected_and_which_questions_are_on_the_screen() -> None:
    link = SampleLink()
    both = tuple(sorted((link.session("login-form"), link.session("db-migrate"))))
    async with dashboard(link) as shown:
        await shown.press("g")
        await _look(shown, 4)
        assert link.attended[-1] == Attend(focus=link.session("login-form"), noticed=both)
        told = len(link.attended)
        await _look(shown, 4)
        assert len(link.attended) == told  # nothing new, nothing said
        await shown.press("j")
        await _look(shown)
        assert link.attended[-1].focus == link.session("db-migrate")
        link.now += AWAY + timedelta(seconds=1)
        await _look(shown)
        assert link.attended[-1] == Attend()
        await shown.press("j")
        await _look(shown)
        assert link.attended[-1].noticed == both
