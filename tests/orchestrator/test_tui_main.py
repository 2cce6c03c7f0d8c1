"""The main screen: what it shows, what its keys do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.commands import Refused
from orchestrator.events import Created, LaunchFailed, Noticed, Removed
from orchestrator.tui.screens.inbox import InboxScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.session import SessionScreen
from orchestrator.tui.widgets.pane import PaneView
from sessions.models import SessionId, State
from tests.orchestrator.sample import REMOVE, SampleLink
from tests.orchestrator.screens import NARROW, SIZES, Shown, compare, dashboard


def table(shown: Shown):
    screen = next(screen for screen in shown.app.screen_stack if isinstance(screen, MainScreen))
    return screen.table


def order(shown: Shown) -> list[str]:
    return [row.name for row in table(shown).rows]


@SIZES
async def test_it_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await shown.press("down", "down", "down", "down", "down")
        await shown.until(lambda: "Writing tests" in shown.text())
        await compare(f"main-{size[0]}", shown)


@SIZES
async def test_an_empty_fleet_names_the_next_key(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(rows=()), size) as shown:
        await compare(f"empty-{size[0]}", shown)


async def test_without_unicode_all_of_it_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.tui import looks

    monkeypatch.setattr(looks, "plain", lambda: True)
    for module in ("app", "widgets.lines", "widgets.fleet_table", "widgets.pane"):
        monkeypatch.setattr(f"orchestrator.tui.{module}.plain", lambda: True)
    async with dashboard(SampleLink(), NARROW) as shown:
        await shown.sees("! ASK")
        await shown.sees("enter Open")
        assert shown.text().isascii()
        assert all(len(line) <= 80 for line in shown.lines())
        assert ">! ASK   login-form" in shown.text()


async def test_those_who_need_a_human_come_first_the_longest_waiting_first() -> None:
    async with dashboard(SampleLink()) as shown:
        assert order(shown)[:3] == ["login-form", "db-migrate", "docs-typos"]
        assert order(shown)[-1] == "big-upgrade"


async def test_the_cursor_stays_with_its_session_when_the_order_changes() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j")
        chosen = table(shown).selected.name
        before = order(shown).index(chosen)
        shown.link.status("cache-ttl", State.BLOCKED, REMOVE, ago_s=1000)
        await shown.until(lambda: order(shown)[0] == "cache-ttl")
        assert table(shown).selected.name == chosen
        assert order(shown).index(chosen) == before + 1 == table(shown).cursor


async def test_the_cursor_moves_on_when_its_session_is_removed() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j")
        shown.link.emit("db-migrate", Removed(attic="refs/x"))
        await shown.until(lambda: "db-migrate" not in shown.text())
        assert table(shown).selected.name == "docs-typos"
        await shown.until(lambda: shown.app.screen.query_one(PaneView).session == table(shown).selected.id)


async def test_one_event_leaves_the_other_rows_the_same_objects() -> None:
    async with dashboard(SampleLink()) as shown:
        before = {row.id: row for row in table(shown).rows}
        shown.link.status("api-retry", State.DONE)
        await shown.until(lambda: table(shown).rows[3].name != "api-retry" and "✓ 2 ready" in shown.text())
        changed = [row.name for row in table(shown).rows if before[row.id] is not row]
        assert changed == ["api-retry"]


async def test_only_the_selected_pane_is_watched() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.until(lambda: len(shown.link.frames_of) == 1)
        await shown.press("j")
        await shown.until(lambda: len(shown.link.frames_of) == 2)
        assert shown.link.frames_of == [shown.link.session("login-form"), shown.link.session("db-migrate")]
        shown.link.picture("db-migrate", "what it shows now")
        await shown.sees("what it shows now")
        shown.link.picture("login-form", "old news")
        shown.link.status("api-retry", State.DONE)
        await shown.sees("✓ 2 ready")
        assert "what it shows now" in shown.text()


async def test_a_launch_that_failed_says_why_in_place_of_a_picture() -> None:
    link = SampleLink()
    link.emit("docs-typos", LaunchFailed(reason="gemini is not installed.", hint="npm install -g gemini"))
    async with dashboard(link) as shown:
        await shown.press("j", "j")
        await shown.sees("gemini is not installed. npm install -g gemini")


async def test_a_key_acts_on_the_selected_session() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j", "j", "j")
        assert table(shown).selected.name == "api-retry"
        keys = {"x": "interrupt", "p": "pause", "u": "update", "m": "preview_merge", "D": "preview_remove", "d": "diff"}
        for key, verb in keys.items():
            await shown.press(key)
            await shown.until(lambda verb=verb: verb in shown.verbs(), verb)
            assert shown.link.calls[-1].session == shown.link.session("api-retry")
            await shown.until(lambda key=key: isinstance(shown.app.screen, MainScreen) or key in "mDd")
            if key in "mDd":
                await shown.until(lambda: not isinstance(shown.app.screen, MainScreen))
                await shown.press("escape")
                await shown.until(lambda: isinstance(shown.app.screen, MainScreen))


async def test_a_key_that_cannot_act_is_dim_says_why_and_asks_nothing() -> None:
    async with dashboard(SampleLink()) as shown:
        assert table(shown).selected.name == "login-form"
        assert not shown.app.screen.active_bindings["s"].enabled
        await shown.press("s")
        await shown.until(shown.said)
        assert shown.said() == ["login-form waits for an answer\n→ w answers it"]
        await shown.press("G", "m")
        await shown.until(lambda: len(shown.said()) == 2 or "preview_merge" in shown.verbs())
        assert shown.verbs() == ["preview_merge"]
        assert isinstance(shown.app.screen, MainScreen) is False


async def test_keys_without_any_session_name_the_way_to_one() -> None:
    async with dashboard(SampleLink(rows=())) as shown:
        await shown.press("s")
        await shown.until(shown.said)
        assert shown.said() == ["No session is selected\n→ n starts one"]


async def test_a_refusal_is_shown_with_its_next_step() -> None:
    link = SampleLink()
    link.answers["interrupt"] = Refused("its pane is gone", "r resumes it")
    async with dashboard(link) as shown:
        await shown.press("j", "j", "j", "x")
        await shown.until(shown.said)
        assert shown.said() == ["its pane is gone\n→ r resumes it"]


async def test_a_message_is_sent_as_it_was_typed() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j", "s")
        await shown.until(lambda: not isinstance(shown.app.screen, MainScreen))
        await shown.press(*"[b]go", "enter")
        await shown.until(lambda: "send" in shown.verbs())
        assert shown.link.calls[-1].text == "[b]go"


async def test_typing_goes_through_to_the_pane_until_it_is_left() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("i")
        await shown.sees("typing, ctrl+] leaves")
        await shown.sees("ctrl+] Leave; every other key goes to the pane")
        assert "Merge" not in shown.text()
        await shown.press("q", "s", "enter", "escape", "ctrl+c", "ctrl+q", "colon")
        await shown.until(lambda: len(shown.link.calls) == 7)
        assert [call.literal or call.keys[0] for call in shown.link.calls] == (
            ["q", "s", "Enter", "Escape", "C-c", "C-q", ":"]
        )
        await shown.press("ctrl+right_square_bracket")
        await shown.sees("login-form — live")
        await shown.press("j")
        assert table(shown).selected.name == "db-migrate"


async def test_a_command_by_name_does_what_its_key_does() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "j", "ctrl+p")
        await shown.until(lambda: not isinstance(shown.app.screen, MainScreen))
        await shown.press(*"interr")
        await shown.sees("Interrupt what it does now")
        await shown.press("enter")
        await shown.until(lambda: "interrupt" in shown.verbs())
        assert isinstance(shown.app.screen, MainScreen)


async def test_the_filter_works_while_it_is_typed_and_escape_shows_all() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("slash", *"CODEX run")
        await shown.until(lambda: order(shown) == ["flaky-test"])
        await shown.press("enter")
        await shown.sees("1 of 10 sessions · CODEX run · esc shows all")
        await shown.press("x")
        await shown.until(lambda: "interrupt" in shown.verbs())
        await shown.press("escape")
        await shown.until(lambda: len(order(shown)) == 10)
        await shown.press("slash", *"nobody")
        await shown.sees("Nothing matches nobody.")
        await shown.press("escape")
        await shown.until(lambda: len(order(shown)) == 10)


async def test_enter_opens_and_escape_goes_one_level_out_and_never_quits() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        await shown.press("escape", "escape", "escape")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        assert shown.app.is_running


async def test_w_opens_the_one_who_waits_the_longest() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("G", "w")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        assert shown.app.screen.current().name == "login-form"


async def test_a_session_launched_here_is_selected_when_it_appears() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("n")
        await shown.until(lambda: not isinstance(shown.app.screen, MainScreen))
        await shown.press(*"Fix it", "ctrl+s")
        await shown.until(lambda: "run" in shown.verbs())
        row = shown.app.row(shown.link.session("api-retry"))
        wanted = {key: getattr(row, key) for key in Created.model_fields if key not in ("event", "name")}
        shown.link._append(SessionId("s99"), Created(name="new-task", **wanted), shown.link.now)
        await shown.until(lambda: table(shown).selected.name == "new-task")


async def test_a_notice_is_shown_once_and_old_ones_not_at_all() -> None:
    link = SampleLink()
    link.emit(None, Noticed(level="warning", title="Old ", message="news"))
    async with dashboard(link) as shown:
        link.emit(None, Noticed(level="error", title="tmux ", message="[b]is gone"))
        await shown.until(shown.said)
        link.status("api-retry", State.IDLE)
        await shown.until(lambda: "✓ 2 ready" in shown.text())
        assert shown.said() == ["tmux[b]is gone"]


async def test_what_is_selected_and_done_counts_as_seen_after_a_moment() -> None:
    async with dashboard(SampleLink()) as shown:
        assert table(shown).select(shown.link.session("dark-theme"))
        await shown.until(lambda: "see" in shown.verbs())
        assert shown.link.calls[-1].session == shown.link.session("dark-theme")


async def test_names_and_pictures_of_agents_are_never_taken_for_markup_or_orders() -> None:
    async with dashboard(SampleLink()) as shown:
        shown.link.picture("login-form", "[red]no markup[/]\x1b]0;title\x07\x1b[2J after\x07")
        await shown.sees("[red]no markup[/] after")


async def test_ages_grow_by_the_clock_alone() -> None:
    async with dashboard(SampleLink()) as shown:
        assert " 37s " in shown.text()
        shown.link.now += timedelta(seconds=60)
        await shown.until(lambda: "1m37s" in shown.text())
