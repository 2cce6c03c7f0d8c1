"""The loop: the model answers, its tools are used, with the human's permission where it is needed, until it rests."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.coder import interrupts
from sessions.coder.conversation import INTERRUPTED, Call, Conversation, Turn
from sessions.coder.events import Events
from sessions.coder.permission import Permission, must_ask, request
from sessions.coder.providers import Provider, ProviderFailed, TryAgain
from sessions.coder.terminal import Choice, Terminal, one_line
from sessions.coder.tools import ToolFailed, Tools

ATTEMPTS = 8
LONGEST_PAUSE_S = 60.0
LONGEST_WAIT_S = 900.0
"""The longest own pause between attempts, and the longest that a server may ask for."""
CUT = "not carried out: the answer reached its length limit before this call was whole; do it in smaller pieces"
_YES = Choice("1", "Yes")
_ALWAYS = Choice("2", "Always allow this in this session")
_NO = Choice("3", "No", "or type what to do instead")

SYSTEM = """\
You are a careful coding agent in the folder {folder}. Read before you change, keep changes small, check them with the
project's own tests. Use ask only for decisions that the user must make. Say shortly what you did when you are done."""


class Refused(Exception):
    """The human did not allow it; ``words`` say what to do instead."""


class Agent:
    """One conversation at work."""

    def __init__(
        self,
        provider: Provider,
        conversation: Conversation,
        terminal: Terminal,
        events: Events,
        permission: Permission,
        root: Path,
    ) -> None:
        self.conversation = conversation
        self.usage: dict[str, int] = {"input": 0, "output": 0}
        self._provider = provider
        self._terminal = terminal
        self._events = events
        self._permission = permission
        self._tools = Tools(root)
        self._always: set[tuple[str, str]] = set()
        self._system = SYSTEM.format(folder=self._tools.root)

    def turn(self, message: str) -> bool:
        """Work on ``message`` until the model rests; returns whether it came to its end. Ctrl-C ends it early."""
        try:
            self.conversation.ask(message)
            self._events.tell("message", role="user", text=message)
            while True:
                turn = self._answer()
                if turn is None:
                    return False
                if turn.cut:
                    self._terminal.note("the answer reached its length limit")
                for call in turn.calls:
                    if turn.cut and call is turn.calls[-1]:
                        self.conversation.result(call, CUT, failed=True)
                    else:
                        self._use(call)
                if not turn.calls:
                    self._events.tell("message", role="agent", text=turn.text)
                    self._events.state("done")
                    return True
        except KeyboardInterrupt:
            with interrupts.ignored():
                for call in self.conversation.unanswered():
                    self.conversation.result(call, INTERRUPTED, failed=True)
                self._terminal.error("interrupted")
                self._events.state("idle", "interrupted")
            return False

    def _answer(self) -> Turn | None:
        """One answer of the model, with patience for a busy server. None when it failed for good."""
        for attempt in range(1, ATTEMPTS + 1):
            began = datetime.now(UTC)
            self._events.state("working")
            try:
                with self._terminal.working():
                    turn = self._stream()
            except TryAgain as error:
                if attempt == ATTEMPTS:
                    self._failed(f"gave up after {ATTEMPTS} attempts: {error}")
                    return None
                if error.wait_s is not None and error.wait_s > LONGEST_WAIT_S:
                    self._failed(f"{error}; the server asks to come back in {error.wait_s / 60:.0f} minutes")
                    return None
                with self._terminal.working():
                    self._wait(error, attempt)
                continue
            except ProviderFailed as error:
                self._failed(str(error))
                return None
            self.conversation.answer(turn)
            self._count(turn, began)
            self._terminal.end()
            return turn
        return None

    def _stream(self) -> Turn:
        turn: Turn | None = None
        for piece in self._provider.answer(self.conversation, self._system):
            if isinstance(piece, Turn):
                turn = piece
            else:
                self._terminal.stream(piece)
        if turn is None:
            raise TryAgain("the answer ended before it was whole")
        return turn

    def _wait(self, error: TryAgain, attempt: int) -> None:
        # Up to a quarter more, so that agents that were refused together do not come back together.
        own = min(2.0 ** (attempt - 1), LONGEST_PAUSE_S) * random.uniform(1, 1.25)
        seconds = error.wait_s if error.wait_s is not None else own
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        said = f"{error}; again in {seconds:.0f} s (attempt {attempt + 1} of {ATTEMPTS})"
        self._terminal.note(said)
        self._events.state("rate_limited" if error.limited else "retrying", said, until)
        time.sleep(seconds)

    def _failed(self, why: str) -> None:
        self._terminal.error(why)
        self._events.state("failed", why)

    def _count(self, turn: Turn, began: datetime) -> None:
        usage = turn.usage
        self.usage["input"] += usage.input + usage.cache_read + usage.cache_write
        self.usage["output"] += usage.output
        self._events.tell(
            "usage",
            id=turn.id,
            model=turn.model,
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            reasoning=usage.reasoning,
            final=not turn.calls,
            started_at=began.isoformat(),
            ended_at=datetime.now(UTC).isoformat(),
        )

    def _use(self, call: Call) -> None:
        """Carry a call out and keep its result; a refusal or a failure is a result too."""
        if call.name != "ask":
            self._terminal.tool(call.name, _shown(call))
        try:
            if call.name == "ask":
                output = self._ask(call)
            else:
                self._allow(call)
                self._events.state("working", call.name)
                with self._terminal.working():
                    output = self._tools.use(call.name, call.input)
        except Refused as refusal:
            self._terminal.note("refused")
            self.conversation.result(call, f"the user did not allow it. {refusal}".strip(), failed=True)
            return
        except ToolFailed as error:
            self._terminal.note(f"failed: {error}")
            self.conversation.result(call, str(error), failed=True)
            return
        lines = output.splitlines()
        for line in lines[:6]:
            self._terminal.note(line[:160])
        if len(lines) > 6:
            self._terminal.note(f"… {len(lines) - 6} more lines")
        self.conversation.result(call, output)

    def _allow(self, call: Call) -> None:
        """Raises Refused when the human says no."""
        if not must_ask(self._permission, call, self._tools):
            return
        asked = request(call, self._tools)
        what = (call.name, asked.command or asked.path or "")
        if what in self._always:
            return
        key, words = self._question(
            "permission", asked.title, asked.body, (_YES, _ALWAYS, _NO), command=asked.command, path=asked.path
        )
        if key == _ALWAYS.key:
            self._always.add(what)
        elif key != _YES.key:
            raise Refused(f"They said: {words}" if words else "")

    def _ask(self, call: Call) -> str:
        given = call.input.get("options")
        options = [option for option in given if isinstance(option, dict)] if isinstance(given, list) else []
        choices = tuple(
            Choice(str(number), str(option.get("label", "")), str(option.get("detail", "")))
            for number, option in enumerate(options, 1)
        )
        title = str(call.input.get("question") or "?")
        key, words = self._question("question", title, "", choices)
        label = next((choice.label for choice in choices if choice.key == key), "")
        return f"the user answered: {words or label}"

    def _question(
        self, kind: str, title: str, body: str, choices: tuple[Choice, ...], **fields: Any
    ) -> tuple[str, str]:
        """The key of the choice, or "" and words."""
        name = secrets.token_hex(4)
        title = one_line(title)
        if not self._terminal.interactive:
            raise Refused("There is nobody to ask.")
        self._events.tell(
            "question",
            id=name,
            kind=kind,
            title=title[:300],
            text=body or title,
            options=[vars(choice) for choice in choices],
            free_text=True,
            **fields,
        )
        try:
            return self._terminal.ask(name, title[:300], body, choices)
        finally:
            self._events.tell("answered", id=name)


def _shown(call: Call) -> str:
    for key in ("command", "path", "pattern"):
        if key in call.input:
            return one_line(str(call.input[key]))
    return ""
