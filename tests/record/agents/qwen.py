"""qwen-code. It needs node 22 first on PATH. What it retries is not to be seen: it works, for all that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, run
from tests.record.setup import Scene, Setup

_RESTS = r"\A(?!(?s:.*(?:esc to cancel|Waiting for user confirmation)))(?s:.*)"


def prepare(scene: Scene) -> Mapping[str, str]:
    return {"OPENAI_API_KEY": "sk-dummy", "QWEN_USAGE_STATISTICS_ENABLED": "false"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": f"{scene.url}/v1", "model": "mock-model"}


async def several(d: Driver) -> None:
    """A question of which several options may be taken; then one that is answered in words."""
    many = {**ASK, "question": "Which colours do you like?", "multiple": True}
    await d.start({"use": [many]}, {"use": [ASK]}, LAST)
    await d.moment("many", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,3")
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("", "a colour of my own")
    await d.moment("answered", State.DONE)


async def by_hand(d: Driver) -> None:
    """The human answers in the pane, of which the dual output tells nothing until the command has ended."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt && sleep 8")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press("1")
    await d.moment("working", State.WORKING, hold=2.0)
    await d.moment("answered", State.DONE)


async def escaped(d: Driver) -> None:
    """The human leaves a question with Escape."""
    await d.start({"use": [ASK]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.press("Escape")
    await d.moment("left", State.IDLE, gone="question")


async def taken_back(d: Driver) -> None:
    """Interrupted before the first word came: the prompt stands in the input again; then another one goes out."""
    await d.start({**LAST, "wait": 20})
    await d.moment("working", State.WORKING, hold=1.5)
    await d.interrupt()
    await d.moment("back", State.IDLE)
    await d.send(LAST)
    await d.moment("answered", State.DONE)


async def background(d: Driver) -> None:
    """A shell runs on after the turn."""
    shell = {**run("sleep 6"), "background": True}
    await d.start({"use": [shell]}, {"say": "It runs."}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("shell", State.BACKGROUND)
    await d.moment("answered", State.DONE)


async def overloaded(d: Driver) -> None:
    """The provider answers 500 three times."""
    await d.start({**LAST, "fail": {"status": 500, "times": 3}})
    await d.moment("working", State.WORKING)
    await d.moment("answered", State.DONE, within=90)


async def limited(d: Driver) -> None:
    """The provider answers 429 twice."""
    await d.start({**LAST, "fail": {"status": 429, "times": 2, "retry_after": 4}})
    await d.moment("working", State.WORKING)
    await d.moment("answered", State.DONE, within=90)


FLOWS: dict[str, Flow] = {
    flow.__name__: flow for flow in (several, by_hand, escaped, taken_back, background, overloaded, limited)
}

SETUP = Setup(
    program="qwen",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": _RESTS + r"Type your message",
        "working": r"esc to cancel\)",
        "permission": r"(?s)Allow execution of.*Waiting for user confirmation",
        "edit": r"(?s)Apply this change\?.*Waiting for user confirmation",
        "question": r"(?s)Which colour do you prefer\?.*Enter: Select",
        "many": r"(?s)Which colours do you like\?.*Enter: Confirm",
        "plan": r"(?s)Would you like to proceed\?.*› 1\. ",
        "answered": _RESTS + r"◆\S* All of it is done now\.",
        # Without a word yet, the prompt stands in the input again.
        "interrupted": _RESTS + r"(?:Request cancelled\.|^> [^ ])",
        "back": _RESTS + r"^> Please do the next thing",
        "denied": _RESTS + r"- Shell touch never",
        "left": _RESTS + r"- AskUserQuestion",
        "shell": _RESTS + r"◆\S* It runs\.(?s:.*)· 1 shell",
        "failed": r"✕ \[API Error: 400",
        "unauthorized": r"✕ \[API Error: 401",
    },
    without={
        "refused": "it retries without a word until it gives up after some minutes",
        "trust": "it asks for trust only where the user has switched that on",
    },
)
