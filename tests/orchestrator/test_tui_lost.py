"""The daemon goes away and comes back while the dashboard is open."""

from __future__ import annotations

from orchestrator.tui.app import Orchestrator
from orchestrator.tui.screens.main import MainScreen
from sessions.models import State
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, Shown, dashboard


def names(shown: Shown) -> list[str]:
    screen = shown.app.screen
    assert isinstance(screen, MainScreen)
    return [row.name for row in screen.table.rows]


async def test_the_fleet_stays_on_the_screen_and_the_first_line_says_what_is_wrong() -> None:
    async with dashboard(SampleLink(), NARROW) as shown:
        before = names(shown)
        shown.link.cut(down=True)
        await shown.sees("daemon unreachable — retrying (1)")
        await shown.sees("retrying (2)")
        assert names(shown) == before
        assert "login-form — its last picture" in shown.text()


async def test_what_happened_meanwhile_is_there_afterwards_and_the_cursor_where_it_was() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j")
        chosen = shown.app.screen.current().name
        shown.link.cut(down=True)
        await shown.sees("retrying (1)")
        shown.link.status("cache-ttl", State.DONE)
        shown.link.cut(down=False)
        await shown.sees("✓ 2 ready")
        assert shown.app.lost == 0
        assert shown.app.screen.current().name == chosen
        assert shown.link.resumed == sorted(shown.link.resumed)
        shown.link.status("login-form", State.WORKING)
        await shown.sees("▲ 1 need you")


async def test_keys_that_write_say_that_nobody_is_there() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j")
        shown.link.cut(down=True)
        await shown.sees("retrying")
        await shown.press("x")
        await shown.until(shown.said)
        assert shown.said() == ["The daemon cannot be reached\n→ it is tried again by itself"]
        assert shown.link.calls == []


async def test_a_picture_goes_on_after_the_daemon_came_back() -> None:
    async with dashboard(SampleLink()) as shown:
        shown.link.picture("login-form", "before")
        await shown.sees("before")
        shown.link.cut(down=True)
        await shown.sees("retrying")
        assert "before" in shown.text()
        shown.link.cut(down=False)
        shown.link.picture("login-form", "after")
        await shown.sees("after")


async def test_the_daemon_is_revived_when_it_stays_away() -> None:
    link = SampleLink()
    async with dashboard(link, revive=lambda: link.cut(down=False)) as shown:
        link.cut(down=True)
        await shown.until(lambda: shown.app.lost > 0)
        await shown.until(lambda: shown.app.lost == 0)
        assert "2 need you" in shown.text()


async def test_a_daemon_that_is_not_understood_does_not_end_the_dashboard() -> None:
    link = SampleLink()
    async with dashboard(link) as shown:
        link.snapshot, snapshot = _strange, link.snapshot  # type: ignore[method-assign]
        link.cut(down=True)
        await shown.sees("daemon not understood: ValueError — retrying")
        link.snapshot = snapshot  # type: ignore[method-assign]
        link.cut(down=False)
        await shown.sees("2 need you")


async def _strange() -> None:
    raise ValueError("what is this?")


async def test_nothing_is_said_of_a_fleet_that_was_not_read_so_far() -> None:
    link = SampleLink()
    link.cut(down=True)
    app = Orchestrator(lambda: link, now=lambda: link.now)
    async with app.run_test(size=NARROW) as pilot:
        shown = Shown(app, link, pilot)
        await shown.sees("daemon unreachable — retrying (2)")
        assert "No agents" not in shown.text()
        link.cut(down=False)
        await shown.sees("▲2")
