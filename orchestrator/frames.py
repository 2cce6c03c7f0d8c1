"""The frame lane: pictures of watched panes, latest wins. Nothing is captured for a pane that nobody watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator import last_screens
from orchestrator.link import Frame
from sessions.errors import SessionError
from sessions.models import SessionId

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

GAP_S = 0.1
"""At most ten pictures a second and pane."""


class Frames:
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._watchers: dict[SessionId, set[asyncio.Event]] = {}

    def changed(self, session: SessionId) -> None:
        """The pane of ``session`` printed."""
        for news in self._watchers.get(session, ()):
            news.set()

    async def of(self, session: SessionId) -> AsyncIterator[Frame]:
        """The picture now, then after each change. A dead pane keeps its last picture."""
        news = asyncio.Event()
        self._watchers.setdefault(session, set()).add(news)
        last: Frame | None = None
        try:
            while True:
                news.clear()
                frame = await self._capture(session)
                if frame is not None and (last is None or frame.lines != last.lines or _moved(frame, last)):
                    last = frame
                    yield frame
                await asyncio.sleep(GAP_S)
                await news.wait()
        finally:
            self._watchers[session].discard(news)
            if not self._watchers[session]:
                del self._watchers[session]

    async def _capture(self, session: SessionId) -> Frame | None:
        live = self._supervisor.live.get(session)
        if live is None or live.pane is None:
            return await asyncio.to_thread(_last, session)
        try:
            lines, width, height, row, column = await live.picture()
        except SessionError:
            return None
        return Frame(
            session=session,
            lines=lines,
            width=width,
            height=height,
            cursor_row=row,
            cursor_column=column,
            at=datetime.now(UTC),
        )


def _last(session: SessionId) -> Frame | None:
    """What the pane showed last, of a session that has none any more. Plain text: colours are not kept."""
    kept = last_screens.read(session)
    if kept is None:
        return None
    return Frame(session=session, lines=kept.lines, width=kept.width, height=kept.height, at=kept.at)


def _moved(one: Frame, other: Frame) -> bool:
    return (one.cursor_row, one.cursor_column, one.width) != (other.cursor_row, other.cursor_column, other.width)
