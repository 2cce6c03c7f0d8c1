"""Checks on the screen: a mark in the fleet, the tab with live output, and the message to the agent."""

from __future__ import annotations

import pytest

from orchestrator.checks.ask import Checked, CheckLine, ChecksReply
from orchestrator.checks.telling import LETTERS, LINES, message
from orchestrator.commands import Refused, Trust
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.widgets.checks_view import CheckList
from sessions.models import State
from tests.orchestrator import judged
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import SIZES, Shown, compare, dashboard


@pytest.fixture
def link() -> SampleLink:
    made = SampleLink()
    made.status("api-retry", State.DONE)
    return made


async def opened(shown: Shown) -> CheckList:
    """The checks of api-retry, loaded."""
    return await shown.tab("api-retry", "checks", CheckList)


@SIZES
async def test_the_checks_look_as_drawn(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("down", "down")
        await shown.sees("17 passed in 41.02s")
        await compare(f"checks-{size[0]}", shown)


@pytest.mark.parametrize(
    ("states", "mark"),
    [
        ((("lint", "passed"), ("test", "passed")), "✓"),
        ((("lint", "passed"), ("test", "failed")), "✗"),
        ((("lint", "flaky"), ("test", "passed")), "~"),
        ((("lint", "void"),), "✗"),
        ((("docs", "skipped"),), ""),
    ],
)
async def test_the_fleet_has_a_mark_of_how_checks_came_out(
    link: SampleLink, states: tuple[tuple[str, str], ...], mark: str
) -> None:
    link.emit("api-retry", Checked(commit="c" * 40, tree="d" * 40, words=judged.words(*states), done=True))
    async with dashboard(link) as shown:
        line = next(line for line in shown.lines() if "api-retry" in line)
        assert line.partition("api-retry")[2].split()[0] == (mark or "claude")
        link.status("api-retry", State.WORKING)
        await shown.until(lambda: "RUN" in _line(shown))
        assert _line(shown).partition("api-retry")[2].split()[0] == "claude"  # it was of the work before


def _line(shown: Shown) -> str:
    return next(line for line in shown.lines() if "api-retry" in line)


async def test_what_a_check_prints_is_followed_while_it_runs(link: SampleLink) -> None:
    running = CheckLine(name="test", command="pytest", state="runs", key=judged.key("test"))
    link.answers["checks"] = ChecksReply(tree="a" * 40, lines=(running,))
    link.answers["check_output"] = judged.CheckOutputReply(output="")
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.sees("it has printed nothing yet")
        link.answers["check_output"] = judged.CheckOutputReply(output="collected 18 items\n")
        await shown.sees("collected 18 items")
        ended = running.model_copy(update={"state": "passed", "at": link.now, "seconds": 2.0})
        link.answers["checks"] = ChecksReply(tree="a" * 40, lines=(ended,))
        link.emit(
            "api-retry", Checked(commit="c" * 40, tree="a" * 40, words=judged.words(("test", "passed")), done=True)
        )
        await shown.sees("passed")


async def test_one_key_tells_the_agent_what_failed(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("f")
        await shown.until(lambda: any("did not fail" in said for said in shown.said()))
        assert not shown.asked("send")
        await shown.press("down", "down", "f")
        await shown.until(lambda: shown.asked("send"))
        (sent,) = shown.asked("send")
        assert sent.session == link.session("api-retry")
        assert sent.text.startswith("The check test failed (pytest -q -n 2). Please mend it. The last 60 lines")
        assert sent.text.endswith("1 failed, 17 passed in 41.02s")
        assert "\x1b" not in sent.text


async def test_checks_are_run_by_a_key_and_a_repositorys_own_only_after_a_yes(link: SampleLink) -> None:
    wanted = Trust(digest="d" * 64, checks=("test: pytest -q",))
    async with dashboard(link) as shown:
        await opened(shown)
        link.answers["checks"] = Refused("it wants to run commands of its own", "", wanted)
        await shown.press("a")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        assert "test: pytest -q" in shown.text()
        del link.answers["checks"]
        await shown.settled()
        await shown.press("right", "enter")
        await shown.until(lambda: any(call.trust for call in shown.asked("checks")))
        assert [(call.run, call.trust) for call in shown.asked("checks") if call.run][-1] == (True, "d" * 64)


def test_a_message_is_bounded_and_inert() -> None:
    text = message("test", "make\ntest", "failed", "", "\x1b[2Jx" * 9 + "long " * 9000 + "\n" + "line\n" * 500)
    assert len(text) < LETTERS + 400
    assert len(text.splitlines()) <= LINES + 2
    assert "\x1b" not in text
    assert text.splitlines()[0].startswith("The check test failed (make")
    assert (
        message("x", "x", "void", "it left 1 processes", "")
        == "The check x is void: it left 1 processes. Please mend it."
    )
