"""What tests of the dashboard share: a dashboard on a sample link with a clock that stands, and golden pictures."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from orchestrator.tui.app import Orchestrator
from orchestrator.tui.screens.session import SessionScreen
from tests.orchestrator.sample import SampleLink

GOLDEN = Path(__file__).parent / "golden"
NARROW, WIDE = (80, 24), (120, 36)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x36"])
Focused = TypeVar("Focused", bound=Widget)


class Shown:
    """A running dashboard: press keys, wait for what should be, read the screen."""

    def __init__(self, app: Orchestrator, link: SampleLink, pilot: Pilot[Any]) -> None:
        self.app = app
        self.link = link
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after the other. Each is waited for by its messages, not by a quiet processor."""

        async def handled(*_: float) -> None:
            for _round in range(3):
                await asyncio.sleep(0)
                await self.pilot._wait_for_screen()

        with patch("textual.app.wait_for_idle", handled):
            await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Let the dashboard run until ``true``; fails with the screen when that does not come."""
        for _ in range(500):
            if true():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"never came: {what or true}\n{self.text()}")

    async def tab(self, session: str, tab: str, kind: type[Focused]) -> Focused:
        """Open a tab of a session's screen; what has the focus there, loaded."""
        self.app.push_screen(SessionScreen(self.link.session(session), tab=tab))
        await self.until(lambda: isinstance(self.app.focused, kind))
        assert isinstance(self.app.screen, SessionScreen)
        focused = self.app.focused
        assert isinstance(focused, kind)
        return focused

    def asked(self, verb: str) -> list[Any]:
        """What the dashboard asked of the supervisor by that verb."""
        return [call for call in self.link.calls if call.verb == verb]

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text(), words)

    async def settled(self) -> None:
        """More time passed than the one in which answers are not taken."""
        self.link.now += timedelta(seconds=1)
        await self.pilot.pause()

    def lines(self) -> list[str]:
        """The screen as a human reads it, without colours."""
        screen = self.app.screen
        drawn = screen._compositor.render_strips()
        return ["".join(s.text for s in strip).rstrip() for strip in drawn][: self.app.size.height]

    def text(self) -> str:
        return "\n".join(self.lines())

    def said(self) -> list[str]:
        """Toasts that were shown."""
        return [f"{note.title}{note.message}" for note in self.app._notifications]

    def verbs(self) -> list[str]:
        return [call.verb for call in self.link.calls]


@asynccontextmanager
async def dashboard(
    link: SampleLink, size: tuple[int, int] = WIDE, repository: str = "/home/dev/shop", **more: Any
) -> AsyncIterator[Shown]:
    app = Orchestrator(lambda: link, Path(repository), now=lambda: link.now, **more)
    async with app.run_test(size=size) as pilot:
        shown = Shown(app, link, pilot)
        await shown.until(lambda: app.fleet.seq == link.fleet.seq)
        await pilot.pause()
        yield shown


async def compare(name: str, shown: Shown) -> None:
    """The screen becomes the golden picture. ``UPDATE_GOLDEN=1`` stores the screen instead; look at the difference."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        await shown.pilot.pause(0.5)
        path.write_text(shown.text() + "\n")
    golden = path.read_text() if path.exists() else ""
    for _ in range(300):  # what a tick drew with another time is drawn again by the next one, a second later
        if shown.text() + "\n" == golden:
            return
        await shown.pilot.pause(0.01)
    assert shown.text() + "\n" == golden, f"{name} looks different; UPDATE_GOLDEN=1 accepts it"
