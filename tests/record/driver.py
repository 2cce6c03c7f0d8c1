"""What a flow can do to the agent, and the moments of which it knows the truth."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sessions import processes
from sessions.models import Kind, State, Status
from tests.record.stage import Stage
from tests.record.tape import Label

LOOK_S = 0.015
"""How often the observer looks: the error of a latency."""
PATIENCE_S = 6.0
"""After which a verdict that did not come is a wrong one."""


class NotReached(Exception):
    """The agent did not come to the moment that the flow waits for: the flow is wrong, or the CLI is another one."""


class Driver:
    """One flow's hands. ``labels`` and what the ledger said at each of them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.labels: list[tuple[Label, Status | None]] = []

    @staticmethod
    def prompt(*steps: dict[str, Any], words: str = "Please do the next thing.") -> str:
        """A prompt that makes the model server play ``steps``."""
        return f"{words} [[steps:{_script(steps)}]]" if steps else words

    async def start(self, *steps: dict[str, Any], words: str = "Please do the next thing.", **spec: Any) -> None:
        """Launch with a task; without steps and words, without one."""
        task = self.prompt(*steps, words=words) if steps or words else ""
        await self.stage.launch(prompt=task, **spec)

    async def resume(self) -> None:
        await self.stage.launch(resume=True)

    async def moment(
        self,
        mark: str,
        state: State,
        kind: Kind | None = None,
        *,
        within: float = 45.0,
        hold: float = 0.6,
        gone: str | None = None,
    ) -> None:
        """Wait for the mark on the raw screen, then for the verdict; label it after ``hold`` seconds.

        ``gone``: a mark that must not be there (an old one scrolled away is no proof of the new).
        """
        await self.until(lambda text: self._shows(mark, text) and not (gone and self._shows(gone, text)), mark, within)
        seen_at = datetime.now(UTC)
        latency = await self._verdict(seen_at, state, kind)
        await asyncio.sleep(hold)
        if not self._shows(mark, await self.stage.seen()):
            raise NotReached(f"{mark} did not stay for {hold} s")
        self._label(mark, state, kind, latency)

    async def ended(self, state: State, *, within: float = 20.0) -> None:
        """The process is gone; that is the truth, no screen needed."""
        pane = self.stage.session.pane
        assert pane is not None
        await self._until_gone(pane.pid, within)
        latency = await self._verdict(datetime.now(UTC), state, None)
        self._label("process gone", state, None, latency)

    async def made(self, name: str, state: State, *, within: float = 30.0) -> None:
        """A file in the worktree is the truth, no screen needed."""
        path = self.stage.scene.worktree / name
        deadline = asyncio.get_running_loop().time() + within
        while not path.exists():
            if asyncio.get_running_loop().time() > deadline:
                raise NotReached(f"{name} was not made within {within:.0f} s")
            await asyncio.sleep(LOOK_S)
        latency = await self._verdict(datetime.now(UTC), state, None)
        self._label(f"{name} made", state, None, latency)

    async def until(self, true: Callable[[str], bool], what: str, within: float = 45.0) -> None:
        """The raw screen is such."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            text = await self.stage.seen()
            if true(text):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise NotReached(f"{what!r} did not come within {within:.0f} s; the screen is:\n{text}")
            await asyncio.sleep(LOOK_S)

    async def answer(self, choice: str, text: str = "") -> None:
        """As ``orchestrator answer`` does it."""
        await self.stage.session.talk.answer(choice, text)

    async def send(self, *steps: dict[str, Any], words: str = "Please go on.") -> None:
        await self.stage.session.talk.send(self.prompt(*steps, words=words))

    async def interrupt(self) -> None:
        await self.stage.session.talk.interrupt()

    async def press(self, *keys: str, literal: str = "") -> None:
        """Keys of the human in the pane, behind the product's back."""
        await self.stage.session.talk.press(keys, literal)

    async def resize(self, width: int, height: int) -> None:
        pane = self.stage.session.living_pane()
        await self.stage.control.command("resize-window", "-t", pane.id, "-x", str(width), "-y", str(height))

    async def scroll_back(self) -> None:
        """The human scrolls the pane back: tmux's copy mode lies over what the program shows."""
        await self.stage.control.command("copy-mode", "-t", self.stage.session.living_pane().id)

    async def quit(self) -> None:
        """Ask the program to end, as ``orchestrator stop`` does, without claiming that it was asked to."""
        await self.stage.session.talk.perform(self.stage.session.agent.quit())

    def kill(self) -> None:
        """kill -9 for everything in the pane but its start script."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send everything in the pane but its start script a signal."""
        pane = self.stage.session.pane
        assert pane is not None
        for pid in processes.of_session(pane.pid):
            if pid != pane.pid:
                os.kill(pid, number)

    def tokens(self) -> tuple[dict[str, int], dict[str, int]]:
        """Ours, and what the model server answered with."""
        total = self.stage.total
        ours = {key: int(getattr(total, key)) for key in ("input", "output", "cache_read", "cache_write")}
        return ours, self.stage.model.tokens()

    def _shows(self, mark: str, text: str) -> bool:
        return re.search(self.stage.setup.marks[mark], text, re.MULTILINE) is not None

    async def _verdict(self, seen_at: datetime, state: State, kind: Kind | None) -> float | None:
        """Milliseconds from ``seen_at`` until the ledger says so, negative when it did before; None: never."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            if self.stage.statuses:
                at, status = self.stage.statuses[-1]
                if status.state is state and (kind is None or status.kind is kind):
                    return (at - seen_at).total_seconds() * 1000
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            self.stage.changed.clear()
            try:
                await asyncio.wait_for(self.stage.changed.wait(), left)
            except TimeoutError:
                continue

    def _label(self, mark: str, state: State, kind: Kind | None, latency: float | None) -> None:
        status = self.stage.statuses[-1][1] if self.stage.statuses else None
        label = Label(
            mark=mark,
            state=state,
            kind=kind,
            latency_ms=round(latency, 1) if latency is not None else None,
            channel=status.why[0].channel if status is not None and status.why else "",
        )
        self.stage.tape.add(datetime.now(UTC), "label", label=label.model_dump(mode="json"))
        self.labels.append((label, status))

    async def _until_gone(self, pid: int, within: float) -> None:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        loop.add_reader(descriptor, lambda: gone.done() or gone.set_result(None))
        try:
            await asyncio.wait_for(gone, within)
        except TimeoutError:
            raise NotReached(f"the process did not end within {within:.0f} s") from None
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


Flow = Callable[[Driver], Awaitable[None]]


def _script(value: object) -> str:
    """JSON in which strings hold no brackets, so that a script within a script does not end the outer one."""
    match value:
        case str():
            return json.dumps(value).replace("[", "\\u005b").replace("]", "\\u005d")
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {_script(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_script, value)) + "]"
        case _:
            return json.dumps(value)
