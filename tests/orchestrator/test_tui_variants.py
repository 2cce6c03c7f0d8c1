"""The variants screen: side by side, diffed against each other, one picked after a question."""

from __future__ import annotations

from orchestrator.commands import DiffReply, Refused
from orchestrator.events import Removed
from orchestrator.tui.screens.session import SessionScreen
from orchestrator.tui.screens.variants import Variants, VariantsScreen
from orchestrator.variants.ask import Going, PickReply
from tests.orchestrator.sample import CHANGES
from tests.orchestrator.screens import NARROW, SIZES, WIDE, Shown, compare, dashboard
from tests.orchestrator.variants.grouped import GroupedLink

GOING = (
    Going(name="sort-claude", state="done", running=False, uncommitted=0, unmerged=2),
    Going(name="sort-gemini", state="working", running=True, uncommitted=1, unmerged=0),
)


async def opened(shown: Shown) -> Variants:
    shown.app.push_screen(VariantsScreen("sort"))
    await shown.sees("sort-gemini")
    await shown.until(lambda: isinstance(shown.app.focused, Variants))
    found = shown.app.focused
    assert isinstance(found, Variants)
    return found


@SIZES
async def test_the_variants_look_as_they_do(size: tuple[int, int]) -> None:
    async with dashboard(GroupedLink(), size) as shown:
        await opened(shown)
        await shown.press("down")
        await compare(f"variants-{size[0]}", shown)


async def test_the_key_opens_those_of_the_selected_session() -> None:
    link = GroupedLink()
    async with dashboard(link, WIDE) as shown:
        await shown.press("V")
        await shown.until(lambda: any("It is no variant of others" in said for said in shown.said()))
        shown.app.screen.table.select(link.session("sort-codex"))  # type: ignore[attr-defined]
        await shown.press("V")
        await shown.sees("sort → main")
        await shown.press("down", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))


async def test_two_are_diffed_against_each_other() -> None:
    link = GroupedLink()
    link.answers["diff_variants"] = DiffReply(base="sort-codex", changes=CHANGES, patch="")
    async with dashboard(link, WIDE) as shown:
        await opened(shown)
        await shown.press("d")
        await shown.until(lambda: shown.asked("diff_variants"))
        assert (shown.asked("diff_variants")[0].one, shown.asked("diff_variants")[0].other) == ("v-codex", "v-claude")
        await shown.sees("from sort-codex to sort-claude")
        await shown.press("escape", "down", "space", "down", "d")
        await shown.sees("from sort-codex to sort-gemini")
        await shown.sees(CHANGES[0].path)
        await shown.press("escape")
        await shown.sees("Sort the rows.")


async def test_one_is_picked_after_a_question_that_names_the_others() -> None:
    link = GroupedLink()
    link.answers["pick"] = Refused("sort-gemini is being merged", "wait for it, then pick")
    async with dashboard(link, NARROW) as shown:
        await opened(shown)
        await shown.press("down", "p")
        await shown.until(lambda: any("being merged" in said for said in shown.said()))
        link.calls.clear()
        link.answers["pick"] = PickReply(kept="sort-codex", group="sort", going=GOING)
        await shown.press("p")
        await shown.sees("Keep sort-codex?")
        await shown.sees("sort-claude  done  2 commits not landed")
        await shown.sees("sort-gemini  working  1 uncommitted, its program is ended")
        await shown.press("enter")  # the harmless one has the focus
        await shown.until(lambda: [one.dry_run for one in shown.asked("pick")] == [True])
        await shown.press("p")
        await shown.sees("Keep sort-codex?")
        link.answers["pick"] = PickReply(
            kept="sort-codex", group="sort", going=GOING[:1], failed={"sort-gemini": "busy"}
        )
        await shown.press("right", "enter")
        await shown.until(lambda: [one.dry_run for one in shown.asked("pick")] == [True, True, False])
        await shown.until(lambda: any("sort-gemini stays: busy" in said for said in shown.said()))


async def test_it_follows_the_fleet_and_leaves_when_none_is_left() -> None:
    link = GroupedLink()
    async with dashboard(link, NARROW) as shown:
        shows = await opened(shown)
        link.emit("sort-codex", Removed(attic="refs/x"))
        await shown.until(lambda: [one.name for one in shows.seen] == ["sort-claude", "sort-gemini"])
        link.emit("sort-claude", Removed(attic="refs/x"))
        link.emit("sort-gemini", Removed(attic="refs/x"))
        await shown.until(lambda: not isinstance(shown.app.screen, VariantsScreen))
