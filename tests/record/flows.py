"""Flows that every agent goes through, as far as it can.

Marks used: ``idle`` (at its prompt, nothing runs), ``working``, ``permission``, ``edit`` (permission to change a file),
``question``, ``plan``, ``answered`` (its last words are on the screen and it rests), ``interrupted``, ``denied``,
``retrying``, ``failed``, ``refused`` (nobody listens at the base URL), ``trust``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow

SLOW = {"say": "Word by word it goes on and on. " * 40, "slow": 0.08}
LAST = {"say": "All of it is done now."}
ASK = {"tool": "ask", "question": "Which colour do you prefer?", "options": ["Red", "Blue", "Green"]}


def run(command: str, why: str = "It is needed") -> dict[str, Any]:
    return {"tool": "run", "command": command, "why": why}


async def permission(d: Driver) -> None:
    """A command is asked for and approved; then another turn in the same session."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE)
    await d.send({"say": "One more.", "use": [run("touch second.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE, gone="permission")


async def edit(d: Driver) -> None:
    """A file is to be written."""
    await d.start({"say": "I write a file.", "use": [{"tool": "write", "path": "new.txt", "content": "new\n"}]}, LAST)
    await d.moment("edit", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def denial(d: Driver) -> None:
    """A command is refused."""
    await d.start({"say": "I run a command.", "use": [run("touch never.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("denied", State.IDLE)


async def question(d: Driver) -> None:
    """A question with options is answered."""
    await d.start({"say": "I need a decision.", "use": [ASK]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("2")
    await d.moment("answered", State.DONE)


async def plan(d: Driver) -> None:
    """A plan is shown for approval."""
    await d.start(
        {"use": [{"tool": "write", "path": "PLAN", "content": "# Plan\n\n1. Look\n2. Change\n"}]},
        {"say": "Here is my plan.", "use": [{"tool": "plan"}]},
        LAST,
        permission_mode="plan",
    )
    await d.moment("plan", State.BLOCKED, Kind.PLAN)


async def stream(d: Driver) -> None:
    """A long answer streams, and is left to its end by nobody: it is interrupted."""
    await d.start(SLOW)
    await d.moment("working", State.WORKING)
    await d.moment("working", State.WORKING, hold=2.0)
    await d.interrupt()
    await d.moment("interrupted", State.IDLE)


async def rest(d: Driver) -> None:
    """Launched without a task; then one turn; then it ends by itself."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.send({"say": "All of it is done now."})
    await d.moment("answered", State.DONE)
    await d.quit()
    await d.ended(State.EXITED)


async def killed(d: Driver) -> None:
    """kill -9 while it waits, then it is started again with its conversation."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    d.kill()
    await d.ended(State.CRASHED)
    await d.resume()
    await d.moment("idle", State.IDLE, gone="permission")


async def overloaded(d: Driver) -> None:
    """The provider answers 500 three times, then it goes through."""
    await d.start({**LAST, "fail": {"status": 500, "times": 3}})
    await d.moment("retrying", State.RETRYING)
    await d.moment("answered", State.DONE, within=90)


async def limited(d: Driver) -> None:
    """The provider answers 429 twice."""
    await d.start({**LAST, "fail": {"status": 429, "times": 2, "retry_after": 4}})
    await d.moment("retrying", State.RETRYING)
    await d.moment("answered", State.DONE, within=90)


async def refused(d: Driver) -> None:
    """Nobody listens at the base URL."""
    await d.start(LAST, base_url="http://127.0.0.1:9")
    await d.moment("refused", State.RETRYING)


async def failed(d: Driver) -> None:
    """The provider says that the request is bad: the turn is over."""
    await d.start({**LAST, "fail": {"status": 400}})
    await d.moment("failed", State.FAILED)


async def unauthorized(d: Driver) -> None:
    """The key is no good."""
    await d.start({**LAST, "fail": {"status": 401}})
    await d.moment("unauthorized", State.FAILED, within=90)


async def trust(d: Driver) -> None:
    """The repository is not trusted yet."""
    await d.start(LAST)
    await d.moment("trust", State.BLOCKED, Kind.DIALOG)


async def background(d: Driver) -> None:
    """A command runs on when the turn is over. Its end is seen by what it makes: not every screen tells."""
    use = {**run("sleep 6; touch ended.txt"), "background": True}
    await d.start({"say": "I start it.", "use": [use]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.BACKGROUND, hold=1.5)
    await d.made("ended.txt", State.DONE)


def leaving(command: str) -> Flow:
    """The human types the command that ends the program."""

    async def flow(d: Driver) -> None:
        await d.start(words="")
        await d.moment("idle", State.IDLE)
        await d.press(literal=command)
        await d.until(lambda text: text.count(command) > 0, "what was typed")
        await asyncio.sleep(0.5)  # the completion of commands takes an Enter that comes sooner
        await d.press("Enter")
        await d.ended(State.EXITED)

    return flow


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        permission,
        edit,
        denial,
        question,
        plan,
        stream,
        rest,
        killed,
        overloaded,
        limited,
        refused,
        failed,
        unauthorized,
        trust,
    )
}
UNTRUSTED = frozenset({"trust"})
