"""The place where a flow plays: one live session of the real engine, taped, beside an observer that shares nothing."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest.mock import patch

from orchestrator.store import Store
from sessions import agents, session
from sessions.agents.contract import Place, Reading, Screen
from sessions.control import Control
from sessions.events import AgentKnown, Counted, SessionEvent, StatusChanged
from sessions.models import SessionId, Spec, Status, Usage
from sessions.perception import Perception
from sessions.sensing import Sensor
from sessions.session import Session
from tests.modelserver import ModelServer
from tests.record import tape as tapes
from tests.record.setup import Scene, Setup
from tests.record.tape import Tape
from worktrees.repository import open_repository

ID = SessionId("recorded")
_KEPT = ("PATH", "LANG", "TERM")


class Stage:
    """A context. ``tape`` fills while the session runs; ``ledger`` holds what the product would have written."""

    def __init__(self, agent: str, setup: Setup, flow: str, *, trusted: bool = True) -> None:
        self.agent = agent
        self.setup = setup
        self.trusted = trusted
        self.folder = Path(tempfile.mkdtemp(prefix="recording-", dir=setup.base))
        self.model = ModelServer()
        self.total = Usage()
        self.statuses: list[tuple[datetime, Status]] = []  # as the ledger took them
        self.changed = asyncio.Event()
        self._socket = f"recording-{secrets.token_hex(5)}"
        place = self.folder / "state"
        self.tape = Tape(
            agent=agent,
            version="",
            flow=flow,
            began=datetime.now(UTC),
            folder=str(place),
            worktree=str(self.folder / "work" / "task"),
            env={},
        )
        self._patch = patch.object(session, "Perception", self._perception)
        self.conversation: str | None = None

    async def __aenter__(self) -> Stage:
        home, repository = self.folder / "home", self.folder / "shop"
        for path in (home, repository, self.folder / "state", self.folder / "tmp"):
            path.mkdir(mode=0o700)
        self._make(repository)
        worktree = Path(self.tape.worktree)
        main = open_repository(repository)
        main.create(worktree, "agent/task", main.resolve("main"), session="recorded")
        self.model.__enter__()
        self.scene = Scene(home, repository, worktree, self.model.url, self.trusted)
        env = {name: value for name, value in os.environ.items() if name in _KEPT}
        env |= {"HOME": str(home), "TMPDIR": str(self.folder / "tmp"), "SHELL": "/bin/sh"}
        self.env: Mapping[str, str] = {**env, **self.setup.prepare(self.scene)}
        self.tape.env.update({name: self.env[name] for name in ("HOME",)})
        self.store = Store(self.folder / "ledger.sqlite3")
        await asyncio.to_thread(self._tmux, "new-session", "-d", "-s", "keeper", "cat")
        self.control = await Control.connect(self._socket, "keeper")
        self.observer = await Control.connect(self._socket, "keeper")
        self.sensor = Sensor()
        self._patch.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patch.stop()
        if hasattr(self, "session"):
            self.session.close()
        self.sensor.close()
        await self.control.close()
        await self.observer.close()
        await asyncio.to_thread(self._tmux, "kill-server")
        self.model.__exit__(None, None, None)
        self.store.close()

    async def launch(self, *, resume: bool = False, **fields: Any) -> None:
        """Start the agent; ``fields`` are those of the spec."""
        adapter = agents.get(self.agent)
        given = {**self.setup.spec(self.scene), **fields}
        if resume:
            old = self.session.spec.model_copy(update={"started_at": None, "resume": True, "prompt": ""})
            given = {**old.model_dump(), "agent_session_id": self.conversation}
            self.session.close()
        spec = Spec.model_validate(
            {"agent": self.agent, "name": "task", "repository": str(self.scene.repository), **given}
        )
        place = Place(folder=self.folder / "state", worktree=self.scene.worktree, env=self.env)
        generation = self.session.generation if resume else 0
        self.session = Session(ID, spec, place, adapter, self.control, self.sensor, self._emit, generation=generation)
        await self.session.start(self.env, resumed=resume)

    async def seen(self) -> str:
        """The raw screen as the observer sees it."""
        pane = self.session.pane
        if pane is None:
            return ""
        screen = await self.observer.capture(pane.id)
        return "\n".join(screen.lines)

    def _perception(self, reader: Any, before: Status | None = None, **named: Any) -> Perception:
        """A launch makes one with the time of its start."""
        if named.get("since") is not None:
            spec, task = self.session.spec, bool(named.get("task"))
            self.tape.add(named["since"], "begin", spec=spec.model_dump(mode="json"), task=task)
        return _Taped(self.tape, reader, before, **named)

    def _emit(self, name: SessionId, event: SessionEvent) -> None:
        envelope = self.store.append(datetime.now(UTC), name, event)
        if isinstance(event, StatusChanged):
            self.statuses.append((datetime.now(UTC), event.status))
            self.changed.set()
        elif isinstance(event, Counted):
            self.total = event.total
        elif isinstance(event, AgentKnown) and event.agent_session_id is not None:
            self.conversation = event.agent_session_id
        assert envelope.seq > 0

    def _tmux(self, *words: str) -> None:
        argv = ["tmux", "-L", self._socket, "-f", os.devnull, *words]
        subprocess.run(argv, capture_output=True, check=True, env=self.env)

    def _make(self, repository: Path) -> None:
        (repository / "README.md").write_text("# Shop\n\nA small shop.\n")
        (repository / "prices.py").write_text("def total(prices):\n    return sum(prices)\n")
        who = ("-c", "user.name=Dev", "-c", "user.email=dev@localhost")
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Begin")):
            subprocess.run(["git", *words], cwd=repository, check=True)
        for key, value in (("user.name", "Dev"), ("user.email", "dev@localhost")):
            subprocess.run(["git", "config", key, value], cwd=repository, check=True)


class _Taped(Perception):
    """Writes down what it is told."""

    def __init__(self, tape: Tape, reader: Any, before: Status | None = None, **named: Any) -> None:
        super().__init__(reader, before, **named)
        self._tape = tape

    def read(self, reading: Reading) -> list[SessionEvent]:
        self._tape.add(reading.at, "read", **tapes.reading_fields(reading))
        return super().read(reading)

    def look(self, screen: Screen) -> list[SessionEvent]:
        self._tape.add(screen.at, "look", **tapes.screen_fields(screen))
        return super().look(screen)

    def printing(self, active: bool, at: datetime) -> list[SessionEvent]:
        self._tape.add(at, "printing", active=active)
        return super().printing(active, at)

    def held(self, stopped: bool, at: datetime) -> list[SessionEvent]:
        self._tape.add(at, "held", stopped=stopped)
        return super().held(stopped, at)

    def ended(self, exit_code: int | None, how: str, at: datetime, *, asked: bool = False) -> list[SessionEvent]:
        self._tape.add(at, "ended", code=exit_code, how=how, asked=asked)
        return super().ended(exit_code, how, at, asked=asked)
