"""The radar in the dashboard: the mark in the fleet, the matrix, what is behind a cell, and telling an agent."""

from __future__ import annotations

import pytest

from orchestrator import foresight
from orchestrator.commands import Send
from orchestrator.events import Foreseen, Outdated
from orchestrator.sights import Cell, ClashReply, RadarReply, Sight
from orchestrator.tui.widgets.matrix import Matrix
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, WIDE, Shown, compare, dashboard
from worktrees.models import Change, ChangeKind, Clash, Conflict, Hunk, Line


def _side(*lines: tuple[str, str]) -> tuple[Change, ...]:
    drawn = tuple(Line(sign=sign, text=text) for sign, text in lines)
    hunk = Hunk(header="def send(self):", old_start=41, new_start=41, lines=drawn)
    return (Change(kind=ChangeKind.MODIFIED, path="src/client.py", added=1, removed=1, hunks=(hunk,)),)


CLASHES = (
    Clash(
        conflict=Conflict(path="src/client.py", kind="content"),
        one=_side(("-", "        return self._pool.send()"), ("+", "        return self._cached or self._pool.send()")),
        other=_side(("-", "        return self._pool.send()"), ("+", "        for attempt in backoff(self.retries):")),
    ),
    Clash(
        conflict=Conflict(path="logo.png", kind="binary"),
        one=(Change(kind=ChangeKind.MODIFIED, path="logo.png", added=None, removed=None, binary=True),),
        other=(Change(kind=ChangeKind.DELETED, path="logo.png", added=None, removed=None, binary=True),),
    ),
)


def sight(link: SampleLink) -> Sight:
    """All that changed something; some in conflict, some that share files, one that git cannot merge."""
    rows = [row for row in link.fleet if row.totals.files]
    known = {
        ("api-retry", "cache-ttl"): Cell(
            one=link.session("api-retry"),
            other=link.session("cache-ttl"),
            conflicts=tuple(clash.conflict for clash in CLASHES),
            shared=3,
        ),
        ("csv-export", "db-migrate"): Cell(one=link.session("csv-export"), other=link.session("db-migrate"), shared=2),
        ("docs-typos", ""): Cell(one=link.session("docs-typos"), other="", error="git merge-tree failed: bad object"),
        ("flaky-test", ""): Cell(
            one=link.session("flaky-test"), other="", conflicts=(Conflict(path="tests/net.py", kind="modify/delete"),)
        ),
    }
    cells = dict(known)
    for n, row in enumerate(rows):
        for other in ("", *(other.name for other in rows[n + 1 :])):
            if (row.name, other) not in known and (other, row.name) not in known:
                cells[row.name, other] = Cell(one=row.id, other=link.session(other) if other else "")
    return Sight(repository="/home/dev/shop", order=foresight.order(rows, cells.values()), cells=tuple(cells.values()))


@pytest.fixture
def link() -> SampleLink:
    made = SampleLink()
    made.answers["radar"] = RadarReply(sights=(sight(made),))
    made.answers["clash"] = ClashReply(
        one="cache-ttl", other="api-retry", clashes=CLASHES, to_one="Hello", to_other="Hi"
    )
    return made


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_the_fleet_marks_who_would_conflict(link: SampleLink, size: tuple[int, int]) -> None:
    plain = None
    async with dashboard(link, size) as shown:
        plain = next(line for line in shown.lines() if "cache-ttl" in line)
        link.emit("cache-ttl", Foreseen(other=link.session("api-retry"), conflicts=("src/client.py",), earlier=True))
        await shown.sees("cache-ttl ≠1")
        marked = next(line for line in shown.lines() if "cache-ttl" in line)
        assert marked.replace(" ≠1", "   ") == plain  # the columns stay where they are
        link.emit("cache-ttl", Outdated(paths=("a.py", "b.py")))
        await shown.sees("cache-ttl ≠1 ≈2")


async def opened(shown: Shown) -> Matrix:
    await shown.press("C")
    await shown.sees("SESSION")
    return shown.app.screen.query_one(Matrix)


async def at(shown: Shown, matrix: Matrix, name: str, other: str) -> None:
    """Go to a pair by keys."""
    names = [turn.name for turn in matrix.turns]
    await shown.press("home", *(["down"] * names.index(name)), *(["right"] * (names.index(other) + 1 if other else 0)))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_the_matrix(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        matrix = await opened(shown)
        await at(shown, matrix, "cache-ttl", "api-retry")
        await shown.sees("2 files in conflict")
        await compare(f"radar-{size[0]}", shown)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_what_is_behind_a_cell(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        matrix = await opened(shown)
        await at(shown, matrix, "cache-ttl", "api-retry")
        await shown.press("enter")
        await shown.sees("a binary file")
        await compare(f"radar-clash-{size[0]}", shown)
        await shown.press("escape")
        await shown.sees("in the order to land them")


async def test_a_message_is_shown_for_editing_and_then_sent_to_the_agent_of_the_line(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        matrix = await opened(shown)
        await at(shown, matrix, "cache-ttl", "api-retry")
        await shown.press("t")
        await shown.sees("Message to cache-ttl")
        assert "send" not in shown.verbs()
        await shown.press("enter")
        await shown.until(lambda: "send" in shown.verbs())
        assert link.calls[-1] == Send(session=link.session("cache-ttl"), text="Hello")


async def test_where_nothing_conflicts_the_keys_say_so(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        matrix = await opened(shown)
        await at(shown, matrix, "docs-typos", "")
        await shown.sees("git cannot say: git merge-tree failed: bad object")
        await shown.press("t")
        await shown.press("enter")
        assert any("Nothing is in conflict here" in said for said in shown.said())
        assert shown.verbs().count("clash") == 0


async def test_the_cursor_stays_on_its_pair_when_the_order_changes(link: SampleLink) -> None:
    async with dashboard(link) as shown:
        matrix = await opened(shown)
        await at(shown, matrix, "cache-ttl", "api-retry")
        seen = sight(link)
        link.answers["radar"] = RadarReply(sights=(seen.model_copy(update={"order": seen.order[::-1]}),))
        link.emit("cache-ttl", Foreseen(other=link.session("api-retry"), conflicts=("a",)))
        await shown.until(lambda: matrix.turns == seen.order[::-1])
        assert matrix.turn is not None
        assert matrix.against is not None
        assert (matrix.turn.name, matrix.against.name) == ("cache-ttl", "api-retry")


async def test_an_empty_radar_says_what_will_be_there(link: SampleLink) -> None:
    link.answers["radar"] = RadarReply(sights=())
    async with dashboard(link) as shown:
        await shown.press("C")
        await shown.sees("Nothing to compare.")
        await shown.press("t", "enter", "escape")
        await shown.sees("1 Fleet")
