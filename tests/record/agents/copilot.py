"""Copilot CLI, with a provider of its own (no sign-in)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, run
from tests.record.setup import Scene, Setup


def prepare(scene: Scene) -> Mapping[str, str]:
    folder = scene.home / ".copilot"
    folder.mkdir()
    if scene.trusted:
        (folder / "config.json").write_text(json.dumps({"trustedFolders": [str(scene.repository)]}))
    return {"COPILOT_PROVIDER_API_KEY": "dummy"}


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


async def differently(d: Driver) -> None:
    """A command is refused with words; the turn goes on."""
    await d.start({"use": [run("touch never.txt")]}, {"use": [run("touch other.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("", "take another name")
    await d.moment("other", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def by_hand(d: Driver) -> None:
    """The human answers in the pane."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt && sleep 6")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press("1")
    await d.moment("working", State.WORKING, hold=2.0)
    await d.moment("answered", State.DONE)


async def taken_back(d: Driver) -> None:
    """The human takes the prompt back with two Escapes before the first word came; then another one goes out."""
    await d.start({**LAST, "wait": 20})
    await d.moment("working", State.WORKING, hold=1.5)
    await d.press("Escape")
    await d.until(lambda text: "esc again" in text, "the first Escape")
    await d.press("Escape")
    await d.moment("back", State.IDLE)
    await d.send(LAST)
    await d.moment("answered", State.DONE)


async def stopped(d: Driver) -> None:
    """Interrupted before the first word came."""
    await d.start({**LAST, "wait": 20})
    await d.moment("working", State.WORKING, hold=1.5)
    await d.interrupt()
    await d.moment("interrupted", State.IDLE)


async def background(d: Driver) -> None:
    """A shell runs on after the turn."""
    shell = {**run("sleep 6"), "background": True}
    await d.start({"use": [shell]}, {"say": "It runs."}, {"say": "It runs."}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("shell", State.BACKGROUND)
    await d.moment("ended", State.DONE)


async def limited(d: Driver) -> None:
    """The provider answers 429 twice; it waits without a word."""
    await d.start({**LAST, "fail": {"status": 429, "times": 2, "retry_after": 4}})
    await d.moment("working", State.WORKING)
    await d.moment("answered", State.DONE, within=90)


FLOWS: dict[str, Flow] = {
    flow.__name__: flow for flow in (several, differently, by_hand, taken_back, stopped, background, limited)
}

SETUP = Setup(
    program="copilot",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": r"(?s)^❯\s*$.*/ commands",
        "working": r"^ \S Working\b",
        "permission": r"Do you want to run this command\?",
        "other": r"(?s)│ touch other\.txt .*Do you want to run this command\?",
        "edit": r"Do you want to create .*new\.txt\?",
        "question": r"(?s)Which colour do you prefer\?.*enter accept",
        "many": r"(?s)Which colours do you like\?.*space toggle",
        "plan": r"(?s)Plan Ready for Review.*enter to select",
        "answered": r"(?s)● All of it is done now\..*/ commands",
        "interrupted": r"Operation cancelled by user",
        "denied": r"Operation cancelled by user",
        "back": r"Operation cancelled by user|(?s:^❯ Please do the next thing.*Interactive · Manual)",
        "shell": r"^ \S Waiting for background shells",
        "ended": r"(?s)Shell \"[^\"]*\" completed.*● [^\n]*\n.*/ commands",
        "retrying": r"(?s)Request failed due to a transient API error\. Retrying.*Working",
        "refused": r"(?s)interrupted due to a server error\. Retrying.*Working",
        "failed": r"✗ 400",
        "unauthorized": r"Authentication failed with provider",
        "trust": r"Do you trust the files in this folder\?",
    },
)
