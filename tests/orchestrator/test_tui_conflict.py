"""Conflicts decided on the screen: by keys and mouse, undone, edited, kept, accepted; and as it looks."""

from __future__ import annotations

import pytest

from orchestrator.commands import Refused, Resolved
from orchestrator.conflict_commands import ConflictsReply, Offer, Proposal
from orchestrator.tui.screens.conflict import ConflictScreen
from orchestrator.tui.widgets.conflict_view import ConflictSides
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, WIDE, Shown, compare, dashboard
from worktrees.problems import Choice, Kind, Pick, Problem, Resolution, Take
from worktrees.text_merge import Hunk, Part

BEFORE = "        return await self._pool.send(request)\n"
SEND = Hunk(
    ours=("        return self._cached or await self._pool.send(request)\n",),
    base=(BEFORE,),
    theirs=("        for attempt in backoff(self.retries):\n", "            return await self._pool.send(request)\n"),
    key="k1",
)
CLOSE = Hunk(ours=("        self._cache.clear()\n",), base=(), theirs=("        self._pool.close()\n",), key="k2")
CLIENT = Problem(
    id="p1",
    kind=Kind.CONTENT,
    path="src/client.py",
    words="both changed the same lines",
    parts=(
        Part(lines=tuple(f"import module_{n}\n" for n in range(12))),
        Part(hunk=SEND),
        Part(lines=("\n", "    async def close(self):\n")),
        Part(hunk=CLOSE),
    ),
)
LOGO = Problem(
    id="p2",
    kind=Kind.DELETED,
    path="logo.png",
    words="main deleted it, api-retry changed it",
    choices=(
        Choice(key="theirs", words="keep it as api-retry has it"),
        Choice(key="ours", words="delete it, as main did"),
        Choice(key="base", words="keep it as it was before"),
    ),
)
AGENTS = Resolution(problem="p1", picks=(Pick(take=Take.EDIT, text="        return both\n"), Pick(take=Take.OURS)))


@pytest.fixture
def link() -> SampleLink:
    made = SampleLink()
    made.answers["conflicts"] = ConflictsReply(
        session="api-retry",
        ours="main",
        theirs="api-retry",
        work="W",
        problems=(CLIENT, LOGO),
        offers=(
            Offer(by="remembered", resolution=Resolution(problem="p1", picks=AGENTS.picks[:1])),
            Offer(by="resolve-api-retry", resolution=AGENTS),
        ),
        proposals=(Proposal(session="resolve-api-retry", state="ready", tree="T", also=("src/cache.py",)),),
    )
    made.answers["resolve"] = Resolved(message="it can land", tip="abc")
    return made


async def opened(shown: Shown) -> ConflictScreen:
    screen = ConflictScreen(shown.link.session("api-retry"))
    shown.app.push_screen(screen)
    await shown.sees("0 of 3 decided")
    return screen


def kept(shown: Shown) -> tuple[Resolution, ...]:
    last = shown.asked("resolve")[-1]
    assert last.keep
    resolutions: tuple[Resolution, ...] = last.resolutions
    return resolutions


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_as_it_looks(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("b", "n")
        await shown.sees("hunk 2 of 2")
        await shown.sees("1 of 3 decided")
        await compare(f"conflict-{size[0]}", shown)
        await shown.press("n")
        await shown.sees("main deleted it")
        await compare(f"conflict-choice-{size[0]}", shown)


async def test_every_decision_is_kept_and_can_be_taken_back(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("o", "right_square_bracket", "t")
        await shown.sees("2 of 3 decided")
        await shown.until(lambda: kept(shown)[0].picks == (Pick(take=Take.OURS), Pick(take=Take.THEIRS)))
        await shown.press("z")
        await shown.sees("1 of 3 decided")
        await shown.until(lambda: kept(shown)[0].picks == (Pick(take=Take.OURS), None))
        await shown.press("Z", "n", "t")
        await shown.sees("3 of 3 decided")
        await shown.until(lambda: kept(shown)[1].choice == "theirs")
        await shown.press("escape")
        await shown.sees("1 Fleet")
        assert all(call.keep for call in shown.asked("resolve"))


async def test_accepting_asks_with_a_summary_and_sends_what_was_looked_at(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("enter")
        assert any("3 decisions open" in said for said in shown.said())
        await shown.press("b", "b", "n", "o", "n", "t", "enter")
        await shown.sees("Accept what was decided?")
        await shown.sees("2 files: 1 both, 1 ours, 1 theirs")
        await shown.press("tab", "enter")
        await shown.until(lambda: not shown.asked("resolve")[-1].keep)
        sent = shown.asked("resolve")[-1]
        assert (sent.work, sent.resolutions[0].picks[0], sent.resolutions[1].choice) == (
            "W",
            Pick(take=Take.THEIRS_OURS),
            "theirs",
        )
        await shown.sees("1 Fleet")


async def test_a_hunk_is_written_by_hand(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("e", "o", "escape")
        await shown.sees("0 of 3 decided")
        await shown.press("e", "ctrl+a", "#", "o", "ctrl+s")
        await shown.sees("1 of 3 decided")
        await shown.sees("hunk 1 of 2: edited")
        await shown.until(lambda: "#o" in kept(shown)[0].picks[0].text)  # type: ignore[union-attr]


async def test_what_is_offered_is_marked_and_taken_only_by_a_key(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.sees("r takes what is offered: remembered, resolve-api-retry")
        await shown.press("r")
        await shown.sees("1 of 3 decided")
        await shown.press("r")
        await shown.sees("2 of 3 decided")
        await shown.press("P", "enter")
        await shown.sees("Accept what was decided?")
        await shown.press("tab", "enter")
        await shown.until(lambda: shown.asked("resolve")[-1].proposal == "T")


async def test_a_click_on_a_side_takes_it(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        sides = shown.app.screen.query_one(ConflictSides)
        await shown.pilot.click(sides, offset=(sides.size.width - 10, 4))
        await shown.sees("1 of 3 decided")
        await shown.until(lambda: kept(shown)[0].picks[0] == Pick(take=Take.THEIRS))


async def test_what_moved_meanwhile_is_loaded_anew(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("P", "enter")
        await shown.sees("Accept what was decided?")
        link.answers["resolve"] = Refused("main has moved since the conflicts were looked at", "look again")
        loads = len(shown.asked("conflicts"))
        await shown.press("tab", "enter")
        await shown.until(lambda: len(shown.asked("conflicts")) > loads)
        assert any("has moved" in said for said in shown.said())
