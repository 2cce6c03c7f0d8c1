"""What the human has before the eyes, told to the daemon when it changes: what splits a wait (docs/metrics.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from textual.css.query import NoMatches

from orchestrator.attention import waiting
from orchestrator.commands import Attend, Refused
from orchestrator.link import LinkDown
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.widgets.needs_you import NeedsYou

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

LOOK_S = 1.0
AWAY = timedelta(minutes=1)
"""Without a key or a click for this long nobody is there."""


class Attending:
    """Looks once a second; what stands for two looks is told, once."""

    def __init__(self, app: Orchestrator) -> None:
        self._app = app
        self._touched = app.now()
        self._before: Attend | None = None
        self._told = Attend()

    def touched(self) -> None:
        """A key, or the mouse."""
        self._touched = self._app.now()

    def here(self, now: datetime) -> bool:
        """Somebody is at this dashboard."""
        return abs(now - self._touched) < AWAY and self._app.app_focus

    def seen(self, now: datetime) -> Attend:
        """What is on the screen of a human who is there."""
        app = self._app
        if not self.here(now):
            return Attend()
        screen = next((screen for screen in reversed(app.screen_stack) if isinstance(screen, SessionActions)), None)
        try:
            row = screen.current() if screen is not None else None
        except NoMatches:  # the screen is just being made or taken down
            row = None
        shown: set[str] = set()
        for inbox in app.screen.query(NeedsYou) if app.screen.is_mounted else ():
            first = inbox.scroll_offset.y // inbox.height
            shown |= {
                row.id for group in inbox.groups[first : first + inbox.size.height // inbox.height] for row in group
            }
        asks = {row.id for row in waiting(app.fleet)}
        return Attend(focus=row.id if row is not None else None, noticed=tuple(sorted(shown & asks)))

    async def look(self) -> None:
        """Tell the daemon when something else is before the human for two looks."""
        if self._app.lost or not self._app.known:
            self._told = Attend()  # the next daemon knows nothing of it
            return
        seen = self.seen(self._app.now())
        if seen == self._before and seen != self._told:
            try:
                await self._app.link.call(seen)
            except (LinkDown, Refused):
                return
            self._told = seen
        self._before = seen
