"""The supervisor's part in telling: each breakpoint once, whoever shows it, and the user's own command."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.commands import Command, Refused
from orchestrator.config import load_settings
from orchestrator.events import Event
from orchestrator.notify.ask import Ring, Rung
from orchestrator.notify.breakpoints import fresh, marks, told
from orchestrator.notify.settings import NotifySettings
from sessions.events import StatusChanged
from sessions.models import Model, SessionId

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

GATHER_S = 3.0
"""What happens within it is told in one."""
COMMAND_S = 10.0
"""A command that takes longer is ended."""


class NotifyService:
    """Of one supervisor. What was told is held in memory: at a start nothing that stands there is told again."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._rung: dict[SessionId, str] = {}  # on a terminal
        self._sent: Mapping[SessionId, str] = marks(supervisor.fleet)  # by the command
        self._due = False
        self._complained = False

    async def call(self, command: Command) -> Model:
        if not isinstance(command, Ring):
            raise Refused(f"{command.verb} is not a command", "")
        now = marks(self._supervisor.fleet)
        news = {session: mark for session, mark in command.marks.items() if now.get(session) == mark}
        news = fresh(self._rung, news)
        self._rung.update(news)
        settings = await asyncio.to_thread(_settings)
        said = self._said(settings, news) if settings.terminal != "off" else Rung()
        return said.model_copy(update={"how": settings.terminal})

    def heard(self, event: Event) -> None:
        """Something happened: look at it with all else that happens now."""
        if isinstance(event, StatusChanged) and not self._due:
            self._due = True
            self._supervisor.run(self._gathered())

    async def _gathered(self) -> None:
        await asyncio.sleep(GATHER_S)
        self._due = False
        now = marks(self._supervisor.fleet)
        news, self._sent = fresh(self._sent, now), now
        if not news:
            return
        try:
            settings = await asyncio.to_thread(_settings)
        except Refused:  # it is said wherever settings are needed
            return
        said = self._said(settings, news)
        if settings.command is not None and said.title:
            await self._tell(settings.command, said)

    def _said(self, settings: NotifySettings, news: Mapping[SessionId, str]) -> Rung:
        """Nothing at quiet hours, and nothing about the session that the human is at."""
        time, fleet = self._supervisor.time, self._supervisor.fleet
        now = time.now()
        if settings.is_quiet(now.astimezone().time()):
            return Rung()
        elsewhere = {session: mark for session, mark in news.items() if session != time.focus}
        return told(fleet, elsewhere, settings.on, now)

    async def _tell(self, command: str, said: Rung) -> None:
        argv = _argv(command, said)
        null = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(*argv, stdin=null, stdout=null, stderr=null)
        except OSError as error:
            self._complain(argv[0], error.strerror or str(error))
            return
        try:
            code = await asyncio.wait_for(process.wait(), COMMAND_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._complain(argv[0], f"it took more than {COMMAND_S:.0f} s and was ended")
            return
        if code:
            self._complain(argv[0], f"it ended with {code}")
        else:
            self._complained = False

    def _complain(self, program: str, why: str) -> None:
        """Once, until it works again."""
        if not self._complained:
            self._complained = True
            hint = "try the command of [notify] in your settings by hand, with two words after it"
            self._supervisor.notice("warning", f"{program} did not tell you", f"{why}; {hint}")


def _argv(command: str, said: Rung) -> tuple[str, ...]:
    """Both texts begin with a word of ours: none can be taken for an option."""
    program, *words = shlex.split(command)
    return (str(Path(program).expanduser()), *words, f"orchestrator: {said.title}", said.body)


def _settings() -> NotifySettings:
    return load_settings(None, os.environ).notify
