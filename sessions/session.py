"""One session: its program in a pane of our tmux server, what it shows, and what we say to it.

Everything that happens goes out through ``emit``. One session is driven by one event loop; the verbs raise
SessionError with the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessions import launching, processes, sealing
from sessions.agents.contract import Agent, Place, Reading, Screen, Stream, Watch
from sessions.control import Control, Pane
from sessions.ending import Ending
from sessions.errors import PaneGone, SessionError
from sessions.events import Launched, SessionEvent
from sessions.models import SessionId, Spec, Status
from sessions.panelog import rotate
from sessions.perception import Perception
from sessions.sealing import Seal
from sessions.sensing import Sensor
from sessions.talk import News, Talk
from worktrees.faultpoints import point

WIDTH, HEIGHT = 120, 40
HELD_S = 3.0
"""How long after a program was let go on by somebody else that may stay unknown."""


def now() -> datetime:
    return datetime.now(UTC)


class Session:
    """A session that has, or had, a pane. ``generation`` counts its launches."""

    def __init__(
        self,
        session: SessionId,
        spec: Spec,
        place: Place,
        agent: Agent,
        control: Control,
        sensor: Sensor,
        emit: Callable[[SessionId, SessionEvent], None],
        status: Status | None = None,
        generation: int = 0,
    ) -> None:
        self.id = session
        self.spec = spec
        self.place = place
        self.agent = agent
        self.generation = generation
        self.pane: Pane | None = None
        self.perception = self._perception(status)
        self.on_picture: Callable[[SessionId], None] | None = None
        self.on_screen: Callable[[SessionId, Screen], None] | None = None
        self.control = control
        self._sensor = sensor
        self._emit_to = emit
        self._watched: dict[tuple[str, Path], Watch] = {}
        self.news = News()
        self.talk = Talk(self)
        self.ending = Ending(self)
        self._closed = False
        self._recheck: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def status(self) -> Status | None:
        return self.perception.status

    @property
    def running(self) -> bool:
        return self.pane is not None and not self.pane.dead

    async def start(self, env: Mapping[str, str], *, resumed: bool = False, seal: Seal | None = None) -> None:
        """Write the start script and spawn the pane. The script makes a second spawn of one launch impossible.

        ``seal``: the box that the program is started in.
        """
        launch = self.agent.launch(self.spec, self.place)
        conversation = launch.agent_session_id or self.spec.agent_session_id
        self.spec = self.spec.model_copy(update={"agent_session_id": conversation, "started_at": now()})
        await asyncio.to_thread(launching.clear, self.place)
        boxed = launch
        if seal is not None:
            boxed = await asyncio.to_thread(sealing.boxed, seal, self.agent, self.spec, self.place, launch)
        seen = launching.environment(env, boxed.env, self.place)
        argv = launching.write(self.place, self.spec, boxed, seen, self.generation + 1)
        point("launch.scripted")
        task = launch.prompt_given and bool(self.spec.prompt)
        self.perception = self._perception(task=task)
        await self.spawn(argv, launch.argv, resumed=resumed)
        self.type_task()

    def _perception(self, before: Status | None = None, *, task: bool = False) -> Perception:
        reader = self.agent.reader(self.spec, self.place)
        worktree = str(self.place.worktree)
        return Perception(reader, before, task=task, since=self.spec.started_at, worktree=worktree)

    async def spawn(self, argv: tuple[str, ...], shown: tuple[str, ...], *, resumed: bool = False) -> None:
        if resumed or self.pane is not None:
            await self.control.kill(self.id)
        self.generation += 1
        tag = launching.tag(self.id, self.generation)
        pane = await self.control.spawn(self.id, argv, str(self.place.worktree), WIDTH, HEIGHT, tag)
        point("launch.spawned")
        self.ending.begin()
        program = shown[0] if shown else argv[0]
        launched = Launched(pane=pane.id, pid=pane.pid, argv=(program,), generation=self.generation, resumed=resumed)
        await self.adopt(pane, launched)

    async def adopt(self, pane: Pane, launched: Launched | None = None) -> None:
        """Watch a pane that exists: after a spawn, or after a restart of the supervisor."""
        self.pane = pane
        if launched is not None:
            self.emit([launched])
            with suppress(PaneGone):  # it may have ended already
                await self.control.pipe(pane.id, str(self.place.log))
        if pane.dead:
            self._follow()  # what it told before it ended
            await self.ending.exited()
            return
        self._follow()
        self._sensor.watch_exit(self.id, pane.pid, self.ending.on_exit)
        self._sensor.watch_pane(self.id, Path(pane.tty), self.place.log, self._on_output, self._on_quiet)
        screen = await self.look()
        if launched is not None and any(line.strip() for line in screen.lines):
            self._sensor.wrote_before(self.id)

    def type_task(self) -> None:
        """Type the task when the program takes it in no other way and nobody did so far."""
        if launching.to_type(self.place.folder):
            self.run(self.talk.first_prompt(self.spec.prompt))

    def lost(self, how: str) -> None:
        """The pane is gone without an exit that we saw."""
        self.unwatch()
        self.pane = None
        self.emit(self.perception.lost(how, now()))

    def close(self) -> None:
        """Stop watching; the program runs on. Nothing is told any more: another generation may have begun."""
        self._closed = True
        self.unwatch()
        for task in self._tasks:
            task.cancel()

    async def look(self) -> Screen:
        """Read the screen and judge anew."""
        screen = await self.control.capture(self.living_pane().id)
        self.emit(self.perception.look(screen))
        if self.on_screen is not None:
            self.on_screen(self.id, screen)
        return screen

    async def stop(self, within_s: float = 5.0) -> None:
        """End the program in its own clean way; when it does not end in time its pane is closed."""
        await self.ending.stop(within_s)

    def hold(self, paused: bool) -> None:
        """Stop the program and everything that it started where they are, or let them go on."""
        processes.hold(self.living_pane().pid, paused)
        self.run(self._look_at_processes())

    async def picture(self) -> tuple[tuple[str, ...], int, int, int, int]:
        """Lines with colours, width, height, cursor row and column."""
        if self.pane is None:
            raise PaneGone(f"{self.spec.name} has no pane", f"start it again: orchestrator resume {self.spec.name}")
        return await self.control.picture(self.pane.id)

    def living_pane(self) -> Pane:
        if self.pane is None or self.pane.dead:
            raise PaneGone(f"{self.spec.name} does not run", f"start it again: orchestrator resume {self.spec.name}")
        return self.pane

    def emit(self, events: Iterable[SessionEvent]) -> None:
        for event in events:
            if not self._closed:
                self._emit_to(self.id, event)
        self.news.tell()
        again = self.perception.look_again
        if again is None or not self.running:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + again.total_seconds()
        if self._recheck is None or due < self._recheck.when():
            if self._recheck is not None:
                self._recheck.cancel()
            self._recheck = loop.call_at(due, self._check_again)

    def _check_again(self) -> None:
        self._recheck = None
        if self.running:
            self.run(self._look_quietly())

    async def _look_quietly(self) -> None:
        with suppress(SessionError):
            await self.look()

    def run(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _follow(self) -> None:
        """Watch what the reader wants now, and no longer what it wanted before."""
        watches = self.perception.reader.watches()
        for stream in (watch for watch in watches if isinstance(watch, Stream)):
            self._sensor.watch_stream(self.id, stream, self._on_reading)
        wanted = {(watch.feed, watch.path): watch for watch in watches if isinstance(watch, Watch)}
        for key in self._watched.keys() - wanted.keys():
            self._sensor.unwatch_file(self.id, self._watched.pop(key))
        for key, watch in wanted.items():
            if key not in self._watched:
                self._watched[key] = watch
                self._sensor.watch_file(self.id, watch, self._on_reading)

    def unwatch(self) -> None:
        self._sensor.unwatch(self.id)
        self._watched.clear()
        if self._recheck is not None:
            self._recheck.cancel()
            self._recheck = None

    def _on_reading(self, reading: Reading) -> None:
        self.emit(self.perception.read(reading))
        self._follow()

    def _on_output(self, _key: str) -> None:
        self.emit(self.perception.printing(True, now()))
        self.run(self._look_quietly())
        if self.on_picture is not None:
            self.on_picture(self.id)

    async def _look_at_processes(self) -> None:
        """Whether somebody stopped them; while they are, again and again: a program that goes on may print nothing."""
        while self.running:
            stopped = await asyncio.to_thread(processes.held, self.living_pane().pid)
            self.emit(self.perception.held(stopped, now()))
            if not stopped:
                return
            await self.news.wait(HELD_S)

    def _on_quiet(self, _key: str, silence: timedelta) -> None:
        if silence >= timedelta(seconds=3):
            self.emit(self.perception.printing(False, now()))
            self.run(self._look_at_processes())
            self.run(asyncio.to_thread(rotate, self.place.log))
        else:
            self.run(self._look_quietly())
