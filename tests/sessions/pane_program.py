"""A session around a small real program in a real pane, and what it told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from sessions.agents.command import Command
from sessions.agents.contract import Place
from sessions.control import Control
from sessions.events import SessionEvent, StatusChanged
from sessions.models import SessionId, Spec, State, Status
from sessions.sensing import Sensor
from sessions.session import Session

PATIENCE_S = 10.0

TELL = """
tell() { printf '%s\\n' "$1" >>"$ORCHESTRATOR_EVENTS"; }
state() { tell "{\\"type\\": \\"state\\", \\"state\\": \\"$1\\"}"; }
"""


class Played:
    """One session with its own sensor. ``restart`` forgets all but the pane, as a killed supervisor does."""

    def __init__(
        self,
        control: Control,
        folder: Path,
        program: str,
        *,
        prompt: str = "",
        push: bool = True,
        session: str = "s-probe",
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)
        script = folder / "program.sh"
        script.write_text(TELL + program)
        self.spec = Spec(agent="command", name="probe", prompt=prompt, command=("/bin/sh", str(script)))
        self.place = Place(folder=folder / "private", worktree=self.work, env={"PATH": os.environ["PATH"]})
        self.events: list[SessionEvent] = []
        self._control = control
        self._push = push
        self._id = SessionId(session)
        self._news = asyncio.Event()
        self._begin(None, 0)

    def _begin(self, status: Status | None, generation: int) -> None:
        self.sensor = Sensor(push=self._push)
        self.session = Session(
            self._id,
            self.spec,
            self.place,
            Command(),
            self._control,
            self.sensor,
            self._heard,
            status,
            generation,
        )

    def _heard(self, _session: SessionId, event: SessionEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def start(self, **env: str) -> None:
        await self.session.start({"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **env})

    def end(self) -> None:
        self.session.close()
        self.sensor.close()

    async def restart(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """``meanwhile`` happens while nobody watches."""
        before = self.session
        self.end()
        if meanwhile is not None:
            await meanwhile()
        self._begin(before.status, before.generation)
        pane = next(pane for pane in await self._control.panes() if pane.session == before.id)
        await self.session.adopt(pane)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds; it is looked at with every event."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_state(self, *states: State) -> Status:
        await self.until(lambda: self.session.status is not None and self.session.status.state in states)
        assert self.session.status is not None
        return self.session.status

    async def shows(self, text: str) -> None:
        """Wait until the pane shows ``text``."""
        assert self.session.pane is not None
        await until(lambda: self._shows(text))

    async def _shows(self, text: str) -> bool:
        assert self.session.pane is not None
        return text in "\n".join((await self._control.capture(self.session.pane.id)).lines)

    def states(self) -> list[State]:
        return [event.status.state for event in self.events if isinstance(event, StatusChanged)]


async def until(condition: Callable[[], object]) -> None:
    """Wait for what tells nobody: a file of another process, a process's state, a screen."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)
