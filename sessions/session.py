"""One session: its program in a pane of our tmux server, what it shows, and what we say to it.

Everything that happens goes out through ``emit``. One session is driven by one event loop; the verbs raise
SessionError with the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessions import launching, processes
from sessions.agents.contract import Agent, Keys, Paste, Place, Reading, Screen, Step, Watch
from sessions.control import Control, Pane
from sessions.errors import PaneGone, QuestionGone, SessionError, SubmitFailed, TmuxGone
from sessions.events import Answered, Launched, Sent, SessionEvent
from sessions.models import ENDED, Question, QuestionId, SessionId, Spec, State, Status
from sessions.panelog import rotate
from sessions.perception import Perception
from sessions.sensing import Sensor

WIDTH, HEIGHT = 120, 40
ATTEMPTS = 3
TAKEN_WITHIN = 3.0
"""Seconds in which an agent must show that it took a message or an answer."""


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
        self.perception = Perception(agent.reader(spec, place), status)
        self.on_picture: Callable[[SessionId], None] | None = None
        self._control = control
        self._sensor = sensor
        self._emit_to = emit
        self._watched: dict[tuple[str, Path], Watch] = {}
        self._changed = asyncio.Event()
        self._stopping = False
        self._recheck: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def status(self) -> Status | None:
        return self.perception.status

    @property
    def running(self) -> bool:
        return self.pane is not None and not self.pane.dead

    async def start(self, env: Mapping[str, str], *, resumed: bool = False) -> None:
        """Write the start script and spawn the pane. The script makes a second spawn of one launch impossible."""
        launch = self.agent.launch(self.spec, self.place)
        if launch.agent_session_id is not None:
            self.spec = self.spec.model_copy(update={"agent_session_id": launch.agent_session_id})
        await asyncio.to_thread(launching.clear, self.place)
        argv = launching.write(self.place, self.spec, launch, launching.environment(env, launch.env, self.place))
        task = launch.prompt_given and bool(self.spec.prompt)
        self.perception = Perception(self.agent.reader(self.spec, self.place), None, task=task)
        await self.spawn(argv, launch.argv, resumed=resumed)
        if not launch.prompt_given and self.spec.prompt:
            self._run(self._first_prompt(self.spec.prompt))

    async def spawn(self, argv: tuple[str, ...], shown: tuple[str, ...], *, resumed: bool = False) -> None:
        self.generation += 1
        self._stopping = False
        if resumed or self.pane is not None:
            await self._control.kill(self.id)
        pane = await self._control.spawn(self.id, argv, str(self.place.worktree), WIDTH, HEIGHT, self.id)
        program = shown[0] if shown else argv[0]
        launched = Launched(pane=pane.id, pid=pane.pid, argv=(program,), generation=self.generation, resumed=resumed)
        await self.adopt(pane, launched)

    async def adopt(self, pane: Pane, launched: Launched | None = None) -> None:
        """Watch a pane that exists: after a spawn, or after a restart of the supervisor."""
        self.pane = pane
        if launched is not None:
            self._emit([launched])
            await self._control.pipe(pane.id, str(self.place.log))
        if pane.dead:
            self._ended(pane)
            return
        self._follow()
        self._sensor.watch_exit(self.id, pane.pid, self._on_exit)
        self._sensor.watch_pane(self.id, pane.tty, self._on_output, self._on_quiet)
        await self.look()

    def lost(self, how: str) -> None:
        """The pane is gone without an exit that we saw."""
        self._unwatch()
        self.pane = None
        self._emit(self.perception.lost(how, now()))

    def close(self) -> None:
        """Stop watching; the program runs on."""
        self._unwatch()
        for task in self._tasks:
            task.cancel()

    async def look(self) -> Screen:
        """Read the screen and judge anew."""
        screen = await self._control.capture(self._pane().id)
        self._emit(self.perception.look(screen))
        return screen

    async def send(self, text: str) -> None:
        """Type ``text`` as a prompt and see that the agent takes it; a lost Enter is pressed once more."""
        status = self.status
        if status is not None and status.state is State.BLOCKED:
            raise SessionError(
                f"{self.spec.name} waits for an answer; a message would be typed into its dialog",
                f"answer it first: orchestrator answer {self.spec.name} CHOICE",
            )
        before = await self.look()
        await self._perform(self.agent.message(text))
        pasted_at = now()
        await self._settled(before)
        await self._perform((Keys(("Enter",)),))
        if not await self._taken(pasted_at, before):
            await self._perform((Keys(("Enter",)),))
            if not await self._taken(pasted_at, before):
                raise SubmitFailed(
                    f"{self.spec.name} did not take the message; it may still stand in its input line",
                    f"look at it: orchestrator attach {self.spec.name}",
                )
        self._emit([Sent(text=text)])

    async def answer(self, choice: str, text: str = "", asked: QuestionId | None = None) -> None:
        """Answer the open question. Refused when ``asked`` names another one than is open now."""
        question = self._open_question(asked)
        for _attempt in range(ATTEMPTS):
            steps = await self._answer_steps(question, choice, text)
            await self._perform(steps)
            if await self._until(lambda: not self._is_open(question.id), TAKEN_WITHIN / ATTEMPTS):
                self._emit([Answered(question=question.id, choice=choice or text)])
                return
            if any(isinstance(step, Paste) for step in steps):
                await self._until(lambda: not self._is_open(question.id), TAKEN_WITHIN)
                break
            # A dialog that has just appeared drops keys; the next look sees that it is the same one.
        if self._is_open(question.id):
            raise SubmitFailed(
                f"{self.spec.name} still shows the same question",
                f"look at it: orchestrator attach {self.spec.name}",
            )
        self._emit([Answered(question=question.id, choice=choice or text)])

    async def _answer_steps(self, question: Question, choice: str, text: str) -> tuple[Step, ...]:
        """What to press; waits for the dialog, which Codex and Claude announce before it can take a key."""
        deadline = asyncio.get_running_loop().time() + TAKEN_WITHIN
        while True:
            screen = await self.look()
            self._open_question(question.id)
            try:
                return self.agent.answer(question, choice, text, screen)
            except QuestionGone:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await self._event(0.1)

    def hold(self, paused: bool) -> None:
        """Stop the program and everything that it started where they are, or let them go on."""
        processes.hold(self._pane().pid, paused)

    async def interrupt(self) -> None:
        await self._perform(self.agent.interrupt())

    async def press(self, keys: tuple[str, ...], literal: str) -> None:
        pane = self._pane()
        if literal:
            await self._control.literal(pane.id, literal)
        if keys:
            await self._control.press(pane.id, keys)

    async def stop(self, within_s: float = 5.0) -> None:
        """End the program in its own clean way; when it does not end in time its pane is closed."""
        if not self.running:
            return
        self._stopping = True
        await self._perform(self.agent.quit())
        if not await self._until(lambda: not self.running, within_s):
            await self._control.kill(self.id)
            await self._until(lambda: not self.running, 2.0)

    async def picture(self) -> tuple[tuple[str, ...], int, int, int, int]:
        """Lines with colours, width, height, cursor row and column."""
        if self.pane is None:
            raise PaneGone(f"{self.spec.name} has no pane", f"start it again: orchestrator resume {self.spec.name}")
        return await self._control.picture(self.pane.id)

    def _pane(self) -> Pane:
        if self.pane is None or self.pane.dead:
            raise PaneGone(f"{self.spec.name} does not run", f"start it again: orchestrator resume {self.spec.name}")
        return self.pane

    def _open_question(self, asked: QuestionId | None) -> Question:
        status = self.status
        question = status.question if status is not None and status.state is State.BLOCKED else None
        if question is None:
            raise QuestionGone(
                f"{self.spec.name} asks nothing now", f"see what it does: orchestrator why {self.spec.name}"
            )
        if asked is not None and asked != question.id:
            raise QuestionGone(
                f"{self.spec.name} asks something else by now: {question.title}",
                f"look at it again: orchestrator show {self.spec.name}",
            )
        return question

    def _is_open(self, question: QuestionId) -> bool:
        status = self.status
        return (
            status is not None
            and status.state is State.BLOCKED
            and status.question is not None
            and status.question.id == question
        )

    async def _perform(self, steps: Iterable[Step]) -> None:
        pane = self._pane()
        for step in steps:
            match step:
                case Keys(keys=keys):
                    await self._control.press(pane.id, keys)
                case Paste(text=text):
                    await self._control.paste(pane.id, text)

    async def _first_prompt(self, prompt: str) -> None:
        """Type the task once the program is at its prompt (programs that take no prompt as an argument)."""
        await self._until(lambda: self.perception.at_prompt, 10.0)
        await self._perform((*self.agent.message(prompt), Keys(("Enter",))))
        self._emit([Sent(text=prompt)])

    async def _settled(self, before: Screen) -> None:
        """Wait until the pasted text is drawn: an Enter that comes first is lost in some agents."""
        await self._until_screen(lambda screen: screen.lines != before.lines, 1.0)

    async def _taken(self, since: datetime, before: Screen) -> bool:
        busy = self.status is not None and self.status.state in (State.WORKING, State.BACKGROUND, State.RETRYING)
        if busy:
            return await self._until_screen(lambda screen: screen.lines != before.lines, TAKEN_WITHIN)
        return await self._until(
            lambda: self.perception.worked_at is not None and self.perception.worked_at >= since, TAKEN_WITHIN
        )

    async def _until_screen(self, condition: Callable[[Screen], bool], seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            if condition(await self.look()):
                return True
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self._event(min(left, 0.1))

    async def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self._event(left)
        return True

    async def _event(self, seconds: float) -> None:
        """Wait for the next thing perceived, at most ``seconds``."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _emit(self, events: Iterable[SessionEvent]) -> None:
        for event in events:
            self._emit_to(self.id, event)
        self._changed.set()
        again = self.perception.look_again
        if again is not None and self._recheck is None and self.running:
            loop = asyncio.get_running_loop()
            self._recheck = loop.call_later(again.total_seconds(), self._check_again)

    def _check_again(self) -> None:
        self._recheck = None
        if self.running:
            self._run(self._look_quietly())

    async def _look_quietly(self) -> None:
        try:
            await self.look()
        except (PaneGone, TmuxGone, SessionError):
            return

    def _run(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _follow(self) -> None:
        """Watch what the reader wants now, and no longer what it wanted before."""
        wanted = {(watch.feed, watch.path): watch for watch in self.perception.reader.watches()}
        for key in self._watched.keys() - wanted.keys():
            self._sensor.unwatch_file(self.id, self._watched.pop(key))
        for key, watch in wanted.items():
            if key not in self._watched:
                self._watched[key] = watch
                self._sensor.watch_file(self.id, watch, self._on_reading)

    def _unwatch(self) -> None:
        self._sensor.unwatch(self.id)
        self._watched.clear()
        if self._recheck is not None:
            self._recheck.cancel()
            self._recheck = None

    def _on_reading(self, reading: Reading) -> None:
        self._emit(self.perception.read(reading))
        self._follow()

    def _on_output(self, _key: str) -> None:
        self._emit(self.perception.printing(True, now()))
        self._run(self._look_quietly())
        if self.on_picture is not None:
            self.on_picture(self.id)

    def _on_quiet(self, _key: str, silence: timedelta) -> None:
        if silence >= timedelta(seconds=3):
            self._emit(self.perception.printing(False, now()))
            self._run(asyncio.to_thread(rotate, self.place.log))
        else:
            self._run(self._look_quietly())

    def _on_exit(self, _key: str) -> None:
        self._run(self._exited())

    async def _exited(self) -> None:
        """Ask tmux how the program ended; tmux 3.3a may know only at the second look."""
        for attempt in range(5):
            try:
                panes = await self._control.panes()
            except SessionError:
                return
            pane = next((pane for pane in panes if pane.session == self.id), None)
            if pane is None and self._stopping:
                self._gone()
                return
            if pane is None:
                self.lost("its pane was closed")
                return
            told = pane.dead and (pane.exit_status is not None or pane.exit_signal is not None)
            if told or attempt == 4:
                self._ended(pane)
                return
            await asyncio.sleep(0.05)

    def _ended(self, pane: Pane) -> None:
        self.pane = pane
        how = (
            f"ended by signal {pane.exit_signal}"
            if pane.exit_signal is not None
            else f"exited with code {pane.exit_status}"
        )
        self._unwatch()
        status = self.status
        if status is None or status.state not in ENDED:
            self._emit(self.perception.ended(pane.exit_status, how, now(), asked=self._stopping))
        self._changed.set()

    def _gone(self) -> None:
        """Its pane was closed because it did not end by itself when it was asked to."""
        self._unwatch()
        self.pane = None
        self._emit(self.perception.ended(None, "stopped by you", now(), asked=True))
        self._changed.set()
