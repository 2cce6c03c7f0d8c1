"""The merge train in the dashboard: marks, what would be done, and what it does."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestrator.train.ask import Combined, Entry, StartTrain, Train, TrainMoved, TrainPreview, TrainReply, Wagon
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, WIDE, compare, dashboard
from worktrees.models import Method


def train(link: SampleLink, at: datetime) -> Train:
    def entry(name: str, **more: object) -> Entry:
        known = {"session": link.session(name), "name": name, "branch": f"agent/{name}", "commit": "a", "tree": "b"}
        return Entry.model_validate({**known, "method": Method.SQUASH, **more})

    entries = (
        entry("cache-ttl", state="landed"),
        entry("csv-export", state="rejected", why="it fails together with cache-ttl", told="its agent was told"),
        entry("docs-typos"),
    )
    test = Combined(tree="t", names=("docs-typos",), now="pytest")
    return Train(
        id="1",
        repository="/home/dev/shop",
        target="main",
        at=at,
        base="c",
        entries=entries,
        tests=(test,),
        plan="all 3 together",
    )


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_the_train_looks_as_it_does(size: tuple[int, int]) -> None:
    link = SampleLink()
    link.emit(None, TrainMoved(train=train(link, link.now)))
    async with dashboard(link, size) as shown:
        await shown.pilot.press("T")
        await shown.sees("testing docs-typos")
        await compare(f"train-{size[0]}", shown)


async def test_before_any_train_the_screen_names_the_keys() -> None:
    async with dashboard(SampleLink(), NARROW) as shown:
        await shown.pilot.press("T")
        await shown.sees("space marks sessions")


def previewed(link: SampleLink) -> Train:
    """The train that the preview, made here, is of."""
    made = train(link, link.now)
    wagons = tuple(
        Wagon(session=entry.session, name=entry.name, branch=entry.branch, files=2, behind=("x",), conflicts=("a.py",))
        for entry in made.entries
    )
    link.answers["preview_train"] = TrainPreview(
        repository="/home/dev/shop", target="main", wagons=wagons, checks=("pytest -q",)
    )
    return made


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_the_preview_looks_as_it_does(size: tuple[int, int]) -> None:
    link = SampleLink()
    previewed(link)
    async with dashboard(link, size) as shown:
        await shown.pilot.press("space", "down", "space", "m")
        await shown.sees("check: pytest -q")
        await compare(f"train-preview-{size[0]}", shown)


async def test_marked_sessions_are_previewed_and_land_together() -> None:
    link = SampleLink()
    made = previewed(link)
    link.answers["start_train"] = TrainReply(train=made)
    async with dashboard(link, NARROW) as shown:
        await shown.pilot.press("space", "down", "space")
        await shown.sees("*")
        await shown.pilot.press("m")
        await shown.sees("3 sessions → main")
        await shown.sees("conflicts with x in a.py")
        await shown.sees("check: pytest -q")
        await shown.pilot.press("m")
        await shown.until(lambda: any(isinstance(one, StartTrain) for one in link.calls))
        asked = next(one for one in link.calls if isinstance(one, StartTrain))
        assert len(asked.sessions) == 2
        link.emit(None, TrainMoved(train=made))
        await shown.sees("✗ csv-export  rejected")
        await shown.sees("it fails together with cache-ttl")
        await shown.sees("testing docs-typos")
        await shown.sees("Pause")
