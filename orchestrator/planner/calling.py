"""Asks a model for a plan: one answer, and one more when the first cannot be used. Blocks; nothing of git in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.planner import prompt
from orchestrator.planner.ask import Task
from orchestrator.planner.checking import problems, tidy
from sessions.coder.conversation import Conversation, Turn
from sessions.coder.providers import Provider, ProviderFailed, TryAgain
from sessions.models import Response, Usage
from worktrees import inert

LONGEST = 300_000
"""Characters of an answer after which it is not read any further."""
ROUNDS = 2


class PlanFailed(Exception):
    """No plan came of it. ``message`` is one line for the human, ``hint`` the next step."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass
class Asking:
    """One planning under way. ``responses`` grow as the model answers: they cost also when no plan comes of them."""

    patience_s: float
    stop: threading.Event = field(default_factory=threading.Event)
    responses: list[Response] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic

    def ask(self, provider: Provider, message: str, agents: Collection[str] = ()) -> tuple[Task, ...]:
        """The tasks, checked. Raises PlanFailed."""
        until = self.clock() + self.patience_s
        conversation = Conversation(None)
        conversation.ask(message)
        found: tuple[str, ...] = ()
        for round_ in range(ROUNDS):
            turn = self._turn(provider, conversation, until)
            if turn.refused:
                raise PlanFailed(f"the model declined{_said(turn)}", "say the goal in other words")
            if turn.cut:
                raise PlanFailed("the model's answer reached its length limit", "plan a smaller goal")
            tasks, found = prompt.answered(turn)
            found = found or problems(tasks := tidy(tasks), agents=agents)
            if not found:
                return tasks
            if round_ + 1 < ROUNDS:
                _again(conversation, turn, found)
        words = f"{found[0]}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
        raise PlanFailed(
            f"the model made no plan that can be used, also when told what was wrong: {inert.line(words)[:300]}",
            "try again, say the goal in other words, or choose another model with --model",
        )

    def _turn(self, provider: Provider, conversation: Conversation, until: float) -> Turn:
        began, size = datetime.now(UTC), 0
        try:
            for piece in provider.answer(conversation, prompt.SYSTEM, prompt.TOOLS, prompt.TOOL):
                if isinstance(piece, Turn):
                    self.responses.append(_response(piece, began))
                    return piece
                size += len(piece)
                if self.stop.is_set():
                    raise PlanFailed("planning was stopped; nothing was made", "start again when you like")
                if self.clock() > until:
                    raise late(self.patience_s)
                if size > LONGEST:
                    raise PlanFailed(
                        f"the model's answer does not end: more than {LONGEST} characters", "choose another model"
                    )
        except TryAgain as error:
            raise _later(error) from error
        except ProviderFailed as error:
            raise _refused(error) from error
        raise PlanFailed("the model's answer ended before it was whole", "try again")


def late(patience_s: float) -> PlanFailed:
    """The model took too long."""
    return PlanFailed(
        f"no plan came within {patience_s:g} s",
        "try again, or allow more: [planner] timeout_s in your settings",
    )


def _again(conversation: Conversation, turn: Turn, found: tuple[str, ...]) -> None:
    """Tell the model what is wrong, as the result of its call where it made one."""
    conversation.answer(turn)
    for call in turn.calls:
        conversation.result(call, prompt.again(found), failed=True)
    if not turn.calls:
        conversation.ask(prompt.again(found))


def _later(error: TryAgain) -> PlanFailed:
    said = inert.line(str(error))[:300]
    when = f"in {error.wait_s:.0f} s" if error.wait_s else "in a minute"
    if error.limited:
        return PlanFailed(f"the model's server has too many requests: {said}", f"try again {when}")
    return PlanFailed(f"the model's server did not answer: {said}", f"try again {when}; see that its address is right")


def _refused(error: ProviderFailed) -> PlanFailed:
    said = inert.line(str(error))[:300]
    match error.status:
        case 401 | 403:
            return PlanFailed(
                f"the model's server does not take the key: {said}", "see ANTHROPIC_API_KEY, OPENAI_API_KEY"
            )
        case 404:
            return PlanFailed(f"the model's server does not know it: {said}", "see --model and [agents.coder] base_url")
        case None:
            return PlanFailed(
                f"no model can be asked: {said}",
                "write the tasks yourself and launch them: orchestrator run --file (see examples/tasks.toml)",
            )
    return PlanFailed(
        f"the model's server refused the request: {said}", "see --model and [agents.coder] in your settings"
    )


def _said(turn: Turn) -> str:
    words = inert.line(turn.text.strip())[:300]
    return f": {words}" if words else " without a word"


def _response(turn: Turn, began: datetime) -> Response:
    counted = turn.usage
    usage = Usage(
        input=counted.input,
        output=counted.output,
        cache_read=counted.cache_read,
        cache_write=counted.cache_write,
        reasoning=counted.reasoning,
    )
    return Response(id=turn.id, model=turn.model, usage=usage, started_at=began, ended_at=datetime.now(UTC))
