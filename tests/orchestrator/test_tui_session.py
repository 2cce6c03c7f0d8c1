"""One session's screen: what is shown in each tab, and that nothing is loaded that is not shown."""

from __future__ import annotations

import asyncio
import re

import pytest
from textual.binding import Binding
from textual.widgets import TabbedContent

from orchestrator.commands import DiffReply, TranscriptReply
from orchestrator.events import Removed
from orchestrator.replies import LogReply
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.screens.inbox import InboxScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.session import SessionScreen
from orchestrator.tui.widgets.diff_view import Files, Hunks
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.scroll import Scroll
from sessions.models import Entry, Role, State
from tests.orchestrator.sample import REMOVE, SampleLink
from tests.orchestrator.screens import NARROW, SIZES, WIDE, Shown, compare, dashboard
from worktrees.models import Change, ChangeKind, Hunk, Line


async def opened(shown: Shown, *keys: str) -> None:
    """The screen of api-retry."""
    await shown.press("j", "j", "j", "j", "j", *(keys or ("enter",)))
    await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))


@SIZES
async def test_the_live_tab_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await opened(shown)
        await shown.sees("Writing tests")
        await compare(f"session-{size[0]}", shown)


@SIZES
async def test_the_diff_tab_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await opened(shown, "d")
        await shown.sees("for attempt in backoff(self.retries):")
        await compare(f"diff-{size[0]}", shown)


async def test_only_the_tab_that_is_shown_is_loaded() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.sees("Writing tests")
        assert shown.verbs() == []
        tabs = (
            ("transcript", "Now the tests."),
            ("diff", "src/client.py"),
            ("check_output", "pytest -q -n 2"),
            ("snapshots", "begins"),
            ("log", "launched claude"),
        )
        for verb, words in tabs:
            await shown.press("right_square_bracket")
            await shown.sees(words)
            await shown.until(lambda verb=verb: shown.verbs()[-1] == verb)  # type: ignore[misc]
        assert set(shown.verbs()) == {"transcript", "diff", "checks", "check_output", "snapshots", "log"}
        await shown.press("left_square_bracket")
        await shown.until(lambda: shown.verbs()[-1] == "snapshots")


async def test_an_answer_that_comes_late_does_not_lead_back_to_its_tab() -> None:
    link = SampleLink()
    link.held["transcript"] = asyncio.Event()
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("right_square_bracket")
        await shown.until(lambda: shown.verbs() == ["transcript"])
        await shown.press("left_square_bracket")
        await shown.sees("Writing tests")
        link.held["transcript"].set()
        await shown.pilot.pause()
        assert shown.app.screen.query_one(TabbedContent).active == "live"
        assert shown.app.focused is shown.app.screen.query_one(PaneView)


async def test_a_conversation_is_plain_text_and_long_results_are_cut() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("right_square_bracket")
        await shown.sees("[red]No markup.[/red]")
        assert "→ Read src/client.py" in shown.text()
        assert "… 6 more lines" in shown.text()


@pytest.mark.parametrize(("key", "verb"), [("right_square_bracket", "transcript"), ("left_square_bracket", "log")])
async def test_the_letters_of_a_list_move_in_a_long_text_too(key: str, verb: str) -> None:
    lines = tuple(f"line {n} of 100" for n in range(100))
    link = SampleLink()
    link.answers |= {
        "transcript": TranscriptReply(entries=(Entry(role=Role.AGENT, text="\n".join(lines)),)),
        "log": LogReply(lines=lines, seq=100),
    }
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press(key)
        await shown.sees("line 99 of 100")
        assert shown.verbs() == [verb]
        await shown.until(lambda: isinstance(shown.app.focused, Scroll))
        text = shown.app.focused
        assert isinstance(text, Scroll)
        await shown.press("g")
        await shown.until(lambda: text.scroll_y == 0)
        assert "line 99 of 100" not in shown.text()
        await shown.press("j", "j", "k")
        await shown.until(lambda: text.scroll_y == 1)
        await shown.press("G")
        await shown.sees("line 99 of 100")


async def test_help_names_every_key_of_a_session() -> None:
    keys = [binding.key for binding in SessionActions.KEYS if isinstance(binding, Binding)]
    async with dashboard(SampleLink(), (120, 80)) as shown:
        await shown.press("question_mark")
        await shown.sees("The selected session")
        assert [key for key in keys if not re.search(rf"│ +{key} {{5,}}\w", shown.text())] == []


async def test_the_letters_of_a_list_move_in_help() -> None:
    async with dashboard(SampleLink(), NARROW) as shown:
        await shown.press("question_mark")
        await shown.sees("first, last")
        await shown.press("j", "j", "k")
        await shown.until(lambda: shown.app.screen.query_one(Scroll).scroll_y == 1)
        await shown.press("G")
        await shown.sees("held by you")
        await shown.press("g")
        await shown.sees("first, last")


async def test_empty_tabs_say_that_they_are() -> None:
    link = SampleLink()
    link.answers |= {
        "transcript": TranscriptReply(entries=()),
        "diff": DiffReply(base="main", changes=(), patch=""),
        "log": LogReply(lines=(), seq=0),
    }
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("right_square_bracket")
        await shown.sees("Nothing has been said yet")
        await shown.press("right_square_bracket")
        await shown.sees("Nothing differs from main.")


async def test_moving_in_the_files_moves_the_hunks() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown, "d")
        await shown.sees("tests/test_retry.py")
        await shown.press("down")
        hunks = shown.app.screen.query_one(Hunks)
        await shown.until(lambda: hunks.cursor == hunks.starts[1])
        assert shown.app.screen.query_one(Files).cursor == 1


async def test_five_thousand_changed_lines_are_drawn_only_where_they_are_seen() -> None:
    lines = tuple(Line(sign="+", text=f"line {n}", new=n) for n in range(1, 5001))
    change = Change(
        kind=ChangeKind.ADDED,
        path="big.txt",
        added=5000,
        removed=0,
        hunks=(Hunk(header="", old_start=0, new_start=1, lines=lines),),
    )
    link = SampleLink()
    link.answers["diff"] = DiffReply(base="main", changes=(change,), patch="")
    async with dashboard(link) as shown:
        await opened(shown, "d")
        await shown.sees("line 20")
        hunks = shown.app.screen.query_one(Hunks)
        drawn: list[int] = []
        draw = hunks.draw
        hunks.draw = lambda index, *rest, **more: (drawn.append(index), draw(index, *rest, **more))[1]  # type: ignore[method-assign]
        hunks.focus()
        await shown.press("G")
        await shown.sees("line 5000")
        assert len(set(drawn)) < 3 * WIDE[1]


async def test_w_answers_what_this_session_asks_and_else_what_is_worth_most() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("w")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        assert shown.app.screen.current().name == "login-form"
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        shown.link.status("api-retry", State.BLOCKED, REMOVE.model_copy(update={"command": "rm -rf dist/"}))
        await shown.sees("▲ Bash(rm -rf build/) — run it?")
        await shown.press("w")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        assert shown.app.screen.current().name == "api-retry"


async def test_typing_from_another_tab_goes_to_the_live_pane() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown, "d")
        await shown.sees("src/client.py")
        await shown.press("i")
        await shown.sees("every other key goes to the pane")
        await shown.press("h")
        await shown.until(lambda: "press" in shown.verbs())
        assert shown.link.calls[-1].literal == "h"


async def test_a_session_that_is_removed_meanwhile_leads_back_to_the_fleet() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        shown.link.emit("api-retry", Removed(attic="refs/x"))
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
