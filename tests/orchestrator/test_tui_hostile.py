"""Every screen over a fleet in which all that others wrote is hostile: nothing acts, nothing is out of its place."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from rich.cells import cell_len

from orchestrator.tui import terminal
from tests.hostile import ATTACKS, acting
from tests.orchestrator.hostile_fleet import SHORT, fleet, noticed
from tests.orchestrator.screens import NARROW, WIDE, Shown, compare, dashboard

_SGR = re.compile(r"\x1b\[[0-9;]*m")


def bytes_of(shown: Shown) -> list[str]:
    """What a terminal would get for each line of the screen."""
    console = shown.app.console
    return [strip.render(console) for strip in shown.app.screen._compositor.render_strips()]


def harmless(shown: Shown) -> None:
    width = shown.app.size.width
    for line in bytes_of(shown):
        text = _SGR.sub("", line)
        assert acting(text.replace("\u200e", "")) == [], text
        assert cell_len(text) == width, text
    clicks = [
        (segment.text, segment.style.meta)
        for strip in shown.app.screen._compositor.render_strips()
        for segment in strip
        if segment.style is not None and "app.quit" in str(segment.style.meta)
    ]
    assert clicks == []


async def main(shown: Shown) -> None:
    for _ in range(len(shown.app.fleet.rows)):
        await shown.press("j")
        harmless(shown)


async def filtered(shown: Shown) -> None:
    await shown.press("slash", "left_square_bracket", "b", "right_square_bracket", "enter")


async def inbox(shown: Shown) -> None:
    await shown.press("w")
    for _ in range(4):
        await shown.press("space")
        harmless(shown)
        await shown.press("w")
        harmless(shown)


async def reply(shown: Shown) -> None:
    await shown.press("w", "r")


async def refused_key(shown: Shown) -> None:
    await shown.press("w", "9")
    harmless(shown)
    await shown.press("escape", "x", "u", "r", "e", "y")


async def merging(shown: Shown) -> None:
    await shown.press("m")
    await shown.until(lambda: "Looking" not in shown.text())


async def dropping(shown: Shown) -> None:
    await shown.press("D")
    await shown.sees("uncommitted")


async def new(shown: Shown) -> None:
    await shown.press("n")


async def diff(shown: Shown) -> None:
    await shown.press("d")
    await shown.sees("@@")
    for _ in range(4):
        await shown.press("f")
        harmless(shown)
    await shown.press("tab", "pagedown")


async def transcript(shown: Shown) -> None:
    await shown.press("enter", "right_square_bracket")
    await shown.until(lambda: "Loading" not in shown.text())


async def events(shown: Shown) -> None:
    await shown.press("enter", "left_square_bracket")
    await shown.until(lambda: "Loading" not in shown.text())


async def radar(shown: Shown) -> None:
    await shown.press("C")
    await shown.sees("SESSION")
    for _ in range(3):
        await shown.press("j", "right")
        harmless(shown)


async def clash(shown: Shown) -> None:
    await shown.press("C")
    await shown.sees("SESSION")
    await shown.press("home", "enter")
    await shown.sees("@@")


async def telling(shown: Shown) -> None:
    await shown.press("C")
    await shown.sees("SESSION")
    await shown.press("home", "t")
    await shown.sees("Message to")


async def notice(shown: Shown) -> None:
    noticed(shown.link)
    await shown.until(shown.said)
    await shown.pilot.pause(0.1)


PLACES = (
    main,
    filtered,
    inbox,
    reply,
    refused_key,
    merging,
    dropping,
    new,
    diff,
    transcript,
    events,
    notice,
    radar,
    clash,
    telling,
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
async def test_nothing_acts_and_every_line_has_its_width(place: Callable[[Shown], Awaitable[None]]) -> None:
    async with dashboard(fleet(ATTACKS), WIDE) as shown:
        await place(shown)
        harmless(shown)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
async def test_widgets_are_inert_without_the_last_wall(
    place: Callable[[Shown], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.InertFilter, "apply", lambda _self, segments, _background: segments)
    async with dashboard(fleet(ATTACKS), NARROW) as shown:
        await place(shown)
        harmless(shown)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_a_hostile_session_looks_like_any_other(size: tuple[int, int]) -> None:
    async with dashboard(fleet({"one": SHORT}), size) as shown:
        await compare(f"hostile-main-{size[0]}", shown)
        await shown.press("w")
        await compare(f"hostile-inbox-{size[0]}", shown)
        await shown.press("escape", "m")
        await shown.sees("Not now")
        await compare(f"hostile-merge-{size[0]}", shown)
        await shown.press("escape", "d")
        await shown.sees("@@")
        await compare(f"hostile-diff-{size[0]}", shown)
