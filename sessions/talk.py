"""What is said to a running agent: prompts that are seen to be taken, answers to the question that is open, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sessions import channels, launching
from sessions.agents.contract import Append, Keys, Paste, Post, Say, Screen, Step
from sessions.errors import PaneGone, QuestionGone, SessionError, SubmitFailed
from sessions.events import Answered, Sent
from sessions.models import Question, QuestionId, State, Status
from sessions.typing import Hands

if TYPE_CHECKING:
    from sessions.session import Session

ATTEMPTS = 3
STILL = 0.1
"""Seconds without a change after which a dialog is drawn: one that has just appeared drops what is typed."""
TAKEN_WITHIN = 3.0
"""Seconds in which an agent must show that it took a message or an answer."""


class News:
    """Wakes whoever waits for the next thing perceived."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """The next news, or ``seconds``."""
        self._event.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether ``condition`` came true within ``seconds``; looked at with every news."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self.wait(left)
        return True


class Talk:
    """The verbs of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hands = Hands(session)

    @property
    def _name(self) -> str:
        return self._session.spec.name

    @property
    def _status(self) -> Status | None:
        return self._session.status

    async def send(self, text: str) -> None:
        """Type ``text`` as a prompt and see that the agent takes it; a lost Enter is pressed once more."""
        status = self._status
        if status is not None and status.state is State.BLOCKED:
            raise SessionError(
                f"{self._name} waits for an answer; a message would be typed into its dialog",
                f"answer it first: orchestrator answer {self._name} CHOICE",
            )
        await self._hands.rest()
        before = await self._session.look()
        await self.perform(self._session.agent.message(text))
        pasted_at = datetime.now(UTC)
        await self._settled(before)
        await self._hands.check()
        await self.perform((Keys(("Enter",)),))
        if not await self._taken(pasted_at, before):
            await self._hands.check()
            if (await self._session.look()).lines == before.lines:
                # A program that had only just drawn its prompt drew it anew, without what was typed.
                await self.perform(self._session.agent.message(text))
                await self._settled(before)
                await self._hands.check()
            await self.perform((Keys(("Enter",)),))
            if not await self._taken(pasted_at, before):
                raise SubmitFailed(
                    f"{self._name} did not take the message; it may still stand in its input line",
                    f"look at it: orchestrator attach {self._name}",
                )
        self._session.emit([Sent(text=text)])

    async def answer(self, choice: str, text: str = "", asked: QuestionId | None = None) -> None:
        """Answer the open question. Refused when ``asked`` names another one than is open now."""
        self._open_question(asked)
        await self._hands.rest()
        question = self._open_question(asked)
        await self._session.control.leave_mode(self._session.living_pane().id)
        for _attempt in range(ATTEMPTS):
            steps = await self._answer_steps(question, choice, text)
            typed = await self._one_by_one([step for step in steps if not isinstance(step, Say)])
            if await self._session.news.until(lambda: not self._is_open(question.id), TAKEN_WITHIN / ATTEMPTS):
                self._session.emit([Answered(question=question.id, choice=choice or text)])
                for words in (step.text for step in steps if isinstance(step, Say)):
                    await self._session.news.until(self._rests, TAKEN_WITHIN)
                    await self.send(words)
                return
            if typed and any(isinstance(step, Paste | Append | Post) for step in steps):
                await self._session.news.until(lambda: not self._is_open(question.id), TAKEN_WITHIN)
                break
            # A dialog that has just appeared drops keys; the next look sees that it is the same one.
        if self._is_open(question.id):
            raise SubmitFailed(
                f"{self._name} still shows the same question",
                f"look at it: orchestrator attach {self._name}",
            )
        self._session.emit([Answered(question=question.id, choice=choice or text)])

    async def _one_by_one(self, steps: list[Step]) -> bool:
        """Each step once the one before it is drawn; False when a key was dropped, and what follows was not typed."""
        shown = await self._still() if len(steps) > 1 else None
        for step in steps[:-1]:
            await self.perform((step,))
            after = await self._still(shown)
            if after is None and isinstance(step, Keys):
                return False  # Enter now would choose whatever is under the cursor
            shown = after or shown
        await self.perform(steps[-1:])
        return True

    async def _still(self, before: Screen | None = None) -> Screen | None:
        """The screen once it has stopped changing; None when it is ``before`` for a second."""
        deadline = asyncio.get_running_loop().time() + 1.0
        last = await self._session.look()
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(STILL)
            screen = await self._session.look()
            if screen.lines == last.lines and (before is None or screen.lines != before.lines):
                return screen
            last = screen
        return None if before is not None and last.lines == before.lines else last

    def _rests(self) -> bool:
        status = self._status
        return status is not None and status.state in (State.IDLE, State.DONE, State.FAILED)

    async def _answer_steps(self, question: Question, choice: str, text: str) -> tuple[Step, ...]:
        """What to press; waits for the dialog, which Codex and Claude announce before it can take a key."""
        deadline = asyncio.get_running_loop().time() + TAKEN_WITHIN
        while True:
            screen = await self._session.look()
            self._open_question(question.id)
            try:
                return self._session.agent.answer(question, choice, text, screen)
            except QuestionGone:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await self._session.news.wait(0.1)

    async def interrupt(self) -> None:
        await self.perform(self._session.agent.interrupt())

    async def quit(self, within_s: float) -> bool:
        """Ask the program to end; whether it did. It is asked twice, because the first may only close a dialog."""
        for _ in range(2):
            with suppress(PaneGone):
                await self.perform(self._session.agent.quit())
            if await self._session.news.until(lambda: not self._session.running, within_s / 2):
                return True
        return False

    async def press(self, keys: tuple[str, ...], literal: str) -> None:
        pane = self._session.living_pane()
        if literal:
            await self._session.control.literal(pane.id, literal)
        if keys:
            await self._session.control.press(pane.id, keys)

    def _open_question(self, asked: QuestionId | None) -> Question:
        status = self._status
        question = status.question if status is not None and status.state is State.BLOCKED else None
        if question is None:
            raise QuestionGone(
                f"{self._name} asks nothing now",
                f"see what it does: orchestrator why {self._name}",
            )
        if asked is not None and asked != question.id:
            raise QuestionGone(
                f"{self._name} asks something else by now: {question.title}",
                f"look at it again: orchestrator show {self._name}",
            )
        return question

    def _is_open(self, question: QuestionId) -> bool:
        status = self._status
        return (
            status is not None
            and status.state is State.BLOCKED
            and status.question is not None
            and status.question.id == question
        )

    async def perform(self, steps: Iterable[Step]) -> None:
        pane = self._session.living_pane()
        for step in steps:
            match step:
                case Keys(keys=keys):
                    await self._session.control.press(pane.id, keys)
                case Paste(text=text):
                    await self._session.control.paste(pane.id, text)
                case Append(path=path, line=line):
                    await asyncio.to_thread(channels.append, self._session.place.folder / path, line)
                case Post():
                    await channels.post(step, self._session.place.folder, self._session.perception.conversation)

    async def first_prompt(self, prompt: str) -> None:
        """Type the task once the program is at its prompt (programs that take no prompt as an argument)."""
        while not await self._session.news.until(lambda: self._session.perception.at_prompt, 10.0):
            if not self._session.perception.says_not_ready:
                break
        before = await self._session.look()
        pasted_at = datetime.now(UTC)
        launching.typed(self._session.place.folder)
        await self.perform(self._session.agent.message(prompt))
        await self._settled(before)
        await self.perform((Keys(("Enter",)),))
        if not await self._taken(pasted_at, before) and self._rests():
            await self.perform((Keys(("Enter",)),))  # what settled was the program's own start
        self._session.emit([Sent(text=prompt)])

    async def _settled(self, before: Screen) -> None:
        """Wait until the pasted text is drawn: an Enter that comes first is lost in some agents.

        Gemini CLI takes one within 40 ms after a paste for a part of it.
        """
        await self._until_screen(lambda screen: screen.lines != before.lines, 1.0)
        await asyncio.sleep(STILL)

    async def _taken(self, since: datetime, before: Screen) -> bool:
        """It shows work since then; one that is at work already, or never tells anything, shows a change."""
        perception = self._session.perception
        working = self._status is not None and self._status.state in (
            State.WORKING,
            State.BACKGROUND,
            State.RETRYING,
        )
        if working and not (perception.works_by_output and perception.tells):
            return await self._until_screen(lambda screen: screen.lines != before.lines, TAKEN_WITHIN)

        def worked() -> bool:
            at = self._session.perception.worked_at
            return at is not None and at >= since

        return await self._session.news.until(worked, TAKEN_WITHIN)

    async def _until_screen(self, condition: Callable[[Screen], bool], seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            if condition(await self._session.look()):
                return True
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self._session.news.wait(min(left, 0.1))
