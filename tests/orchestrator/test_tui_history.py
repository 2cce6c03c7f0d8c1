"""The history of a session on its screen: the list, what a turn did, two compared, a restore that is asked about."""

from __future__ import annotations

import pytest

from orchestrator.commands import Compare, Restore
from orchestrator.events import Snapshotted, Strayed
from orchestrator.tui.screens.restore import RestoreScreen
from orchestrator.tui.screens.session import SessionScreen
from orchestrator.tui.widgets.history_view import HistoryView, Moments
from sessions.models import State
from tests.orchestrator import past
from tests.orchestrator.sample import NOW, SampleLink
from tests.orchestrator.screens import SIZES, Shown, compare, dashboard
from worktrees.models import History


@pytest.fixture
def link() -> SampleLink:
    """api-retry is at its prompt: a restore would be refused while it works."""
    made = SampleLink()
    made.status("api-retry", State.IDLE)
    return made


async def opened(shown: Shown) -> Moments:
    """The history of api-retry, loaded."""
    return await shown.tab("api-retry", "history", Moments)


@SIZES
async def test_the_history_looks_as_drawn(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("down", "space")
        await compare(f"history-{size[0]}", shown)


@SIZES
async def test_what_a_turn_did_looks_as_drawn(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("enter")
        await shown.sees("for attempt in backoff")
        await compare(f"history-diff-{size[0]}", shown)


@SIZES
async def test_a_restore_says_before_what_comes_back_and_what_goes(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("down", "r")
        await shown.until(lambda: isinstance(shown.app.screen, RestoreScreen))
        await compare(f"history-restore-{size[0]}", shown)
        assert [one.dry_run for one in shown.asked("restore")] == [True]


async def test_a_restore_is_done_only_after_a_yes_and_the_branch_goes_back_only_when_asked(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("down", "r")
        await shown.until(lambda: isinstance(shown.app.screen, RestoreScreen))
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        await shown.press("r")
        await shown.until(lambda: isinstance(shown.app.screen, RestoreScreen))
        await shown.press("right", "enter")
        await shown.until(lambda: len(shown.asked("restore")) == 3)
        await shown.press("r")
        await shown.until(lambda: isinstance(shown.app.screen, RestoreScreen))
        await shown.press("left", "enter")
        await shown.until(lambda: len(shown.asked("restore")) == 5)
        session = link.session("api-retry")
        assert shown.asked("restore") == [
            Restore(session=session, snapshot="6", dry_run=True),
            Restore(session=session, snapshot="6", dry_run=True),
            Restore(session=session, snapshot="6"),
            Restore(session=session, snapshot="6", dry_run=True),
            Restore(session=session, snapshot="6", head=True),
        ]
        await shown.until(lambda: "all of snapshot 6 is back; what was there is snapshot 8" in shown.said())


async def test_marked_ones_are_compared_the_older_first(link: SampleLink) -> None:
    session = link.session("api-retry")
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("space", "down", "down", "space", "g", "enter")
        await shown.until(lambda: shown.asked("compare") == [Compare(session=session, old="5", new="7")])
        await shown.until(lambda: shown.app.screen.query_one(HistoryView).current == "history-diff")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.focused, Moments))
        assert isinstance(shown.app.screen, SessionScreen)


async def test_a_marked_one_is_compared_with_the_one_under_the_cursor(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("down", "space", "g", "enter")
        await shown.until(lambda: shown.asked("compare"))
        assert shown.asked("compare") == [Compare(session=link.session("api-retry"), old="6", new=None)]


async def test_what_a_snapshot_leaves_out_is_named(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.sees("not kept: node_modules/, dump.sql")
        await shown.press("G")
        await shown.until(lambda: "not kept" not in shown.text())


async def test_now_is_compared_with_the_newest_and_cannot_be_restored(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("g", "r")
        await shown.until(shown.said)
        assert shown.said() == ["This is what is there now\n→ ↓ goes to a snapshot, r restores it"]
        await shown.press("enter")
        await shown.until(lambda: shown.asked("compare"))
        assert shown.asked("compare") == [Compare(session=link.session("api-retry"), old="7", new=None)]


async def test_in_a_diff_r_brings_the_one_file_back(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("enter")
        await shown.sees("for attempt in backoff")
        await shown.press("j", "r")
        await shown.until(lambda: isinstance(shown.app.screen, RestoreScreen))
        await shown.sees("Restore tests/test_retry.py of snapshot 7?")
        assert shown.asked("restore")[0].path == "tests/test_retry.py"


async def test_while_it_works_nothing_is_restored_and_the_next_key_is_named() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("r")
        await shown.until(shown.said)
        assert shown.said() == ["api-retry still works and would write between\n→ p holds it, x interrupts it"]
        assert shown.asked("restore") == []


async def test_a_new_snapshot_appears_by_itself_and_the_cursor_stays_on_its_own(link: SampleLink) -> None:
    link.answers["snapshots"] = History(moments=past.moments(NOW)[1:])
    async with dashboard(link) as shown:
        listed = await opened(shown)
        await shown.press("down")
        assert listed.current is not None
        assert listed.current.number == 5
        link.answers["snapshots"] = History(moments=past.moments(NOW))
        link.emit(
            "api-retry", Snapshotted(ref="refs/orchestrator/snap/s04/000007", commit="7" * 40, reason="turn over")
        )
        await shown.until(lambda: len(listed.moments) == 7)
        assert listed.current.number == 5


async def test_an_empty_history_says_that_it_is(link: SampleLink) -> None:
    link.answers["snapshots"] = History()
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.sees("No snapshot yet. The first turn makes one.")
        await shown.press("enter", "r", "space")
        assert shown.verbs() == ["snapshots"]


async def test_a_worktree_that_strayed_is_said_on_its_screen(link: SampleLink) -> None:
    link.emit("api-retry", Strayed(how="other branch", branch="try-this"))
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.sees("≠ try-this is checked out instead of orchestrator/api-retry")
