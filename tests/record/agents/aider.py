"""aider. It has no tools: the model writes shell commands and edits into its answer, which aider then asks about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import LAST, SLOW
from tests.record.setup import Scene, Setup

MODEL = "mock-model"
_PROMPT = r"─{20,}\n(?:[^\n]*\n)?diff> *\s*\Z"


def prepare(scene: Scene) -> Mapping[str, str]:
    """With the price list that aider keeps in its home, as it has it once it was started with a network."""
    prices = scene.home / ".aider" / "caches" / "model_prices_and_context_window.json"
    prices.parent.mkdir(parents=True)
    known = {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000, "max_output_tokens": 16000}
    prices.write_text(json.dumps({f"openai/{MODEL}": known}))
    return {"OPENAI_API_KEY": "sk-dummy"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": f"{scene.url}/v1", "model": MODEL, "args": ("--edit-format", "diff")}


def command(text: str) -> dict[str, Any]:
    """An answer that suggests a shell command."""
    return {"say": f"I suggest a command.\n\n```bash\n{text}\n```\n"}


def edit(path: str, before: str, after: str) -> dict[str, Any]:
    """An answer that changes a file."""
    blocks = f"<<<<<<< SEARCH\n{before}=======\n{after}>>>>>>> REPLACE"
    return {"say": f"I change a file.\n\n{path}\n```\n{blocks}\n```\n"}


async def permission(d: Driver) -> None:
    """A shell command is asked for and allowed, its output is not wanted in the chat; then another turn."""
    await d.start(command("touch made.txt"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("ran", State.DONE)
    await d.send(command("sleep 0.5 && echo out of the command"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("output", State.BLOCKED, Kind.QUESTION)
    await d.answer("n")
    await d.moment("idle", State.DONE)


async def long_command(d: Driver) -> None:
    """A command that is allowed runs long and prints nothing."""
    await d.start(command("sleep 6"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("running", State.WORKING)
    await d.moment("running", State.WORKING, hold=3.0)
    await d.moment("ran", State.DONE)


async def interrupted_command(d: Driver) -> None:
    """C-c while a command runs: dash, which is the shell here, asks on; then aider goes on."""
    await d.start(command("sleep 60"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("running", State.WORKING)
    await d.interrupt()
    await d.moment("shell", State.BLOCKED, Kind.DIALOG)
    await d.answer("e")
    await d.moment("output", State.BLOCKED, Kind.QUESTION)
    await d.answer("n")
    await d.moment("idle", State.DONE)


async def create(d: Driver) -> None:
    """A new file is asked for and allowed."""
    await d.start(edit("new.txt", "", "new\n"))
    await d.moment("edit", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("edited", State.DONE)


async def change(d: Driver) -> None:
    """A file that is not in the chat is to be changed: first it is asked to be added, then to be edited."""
    await d.start(edit("prices.py", "    return sum(prices)\n", "    return round(sum(prices), 2)\n"))
    await d.moment("add file", State.BLOCKED, Kind.PERMISSION)
    await d.answer("d")
    await d.moment("edit other", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("edited", State.DONE)


async def denial(d: Driver) -> None:
    """Commands of several lines are refused, after the human typed half an answer in the pane."""
    await d.start(
        command("touch never.txt\n\nprintf '%s ' " + " ".join(f"word-{n}" for n in range(30)) + " > never.txt")
    )
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press(literal="y")
    await d.moment("half", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("denied", State.IDLE)


async def narrow(d: Driver) -> None:
    """The question does not fit into a row of the pane."""
    await d.start(edit("prices.py", "    return sum(prices)\n", "    return 0\n"))
    await d.moment("add file", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("edit other", State.BLOCKED, Kind.PERMISSION)
    await d.resize(60, 24)
    await d.moment("edit narrow", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("skipped", State.IDLE)


async def question(d: Driver) -> None:
    """The model asks in plain words; the human types half an answer in the pane."""
    await d.start({"say": "Which colour do you prefer?"})
    await d.moment("asks", State.DONE)
    await d.press(literal="blue, I")
    await d.moment("typing", State.DONE)


async def url(d: Driver) -> None:
    """The task names an address: aider asks whether to fetch it, before the model is asked."""
    await d.start(LAST, words="Look at http://127.0.0.1:9/page first.")
    await d.moment("url", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("answered", State.DONE)


async def interrupted_question(d: Driver) -> None:
    """C-c in the pane instead of an answer."""
    await d.start(command("touch never.txt"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.interrupt()
    await d.moment("interrupted", State.IDLE)


async def warning(d: Driver) -> None:
    """A model that nobody knows, and no own server: aider warns of it before it takes the task."""
    await d.start(LAST, base_url=None, model="openai/unheard-of")
    await d.moment("warning", State.BLOCKED, Kind.DIALOG, hold=12.0)  # the task is not typed into it
    await d.answer("n")
    await d.moment("refused", State.RETRYING)


async def rest(d: Driver) -> None:
    """Launched without a task; then one turn; then the human ends it by aider's own command, which takes seconds."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.send(LAST)
    await d.moment("answered", State.DONE)
    await d.press("Enter", literal="/exit")
    await d.ended(State.EXITED)


async def overloaded(d: Driver) -> None:
    """The provider answers 500: thrice a try of aider's, of which its library hides two."""
    await d.start({**LAST, "fail": {"status": 500, "times": 7}})
    await d.moment("retrying", State.RETRYING)
    await d.moment("answered", State.DONE, within=90)


async def limited(d: Driver) -> None:
    """The provider answers 429 seven times: twice each its library tries again by itself, then aider tells."""
    await d.start({**LAST, "fail": {"status": 429, "times": 7, "retry_after": 1}})
    await d.moment("waiting", State.WORKING)
    await d.moment("retrying", State.RETRYING)
    await d.moment("answered", State.DONE, within=90)


async def stream(d: Driver) -> None:
    """It waits for the model, then a long answer streams and is interrupted."""
    await d.start({**SLOW, "wait": 3})
    await d.moment("waiting", State.WORKING)
    await d.moment("working", State.WORKING, hold=2.0)
    await d.interrupt()
    await d.moment("interrupted", State.IDLE)


async def killed(d: Driver) -> None:
    """kill -9 while it waits, then it is started again with its conversation."""
    await d.start(command("touch made.txt"))
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    d.kill()
    await d.ended(State.CRASHED)
    await d.resume()
    await d.moment("idle", State.IDLE, gone="permission")
    await d.send(LAST)
    await d.moment("answered", State.DONE)


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        permission,
        long_command,
        interrupted_command,
        create,
        change,
        denial,
        narrow,
        question,
        url,
        interrupted_question,
        warning,
        rest,
        overloaded,
        limited,
        stream,
        killed,
    )
}
_RETRYING = r"Retrying in [\d.]+ seconds\.\.\.\s*(?:[░█ ]+Waiting for [^\n]*)?\s*\Z"
_CONFIRM = r" \(Y\)es/\(N\)o[^\n]*\]: *\s*\Z"

SETUP = Setup(
    program="aider",
    prepare=prepare,
    spec=spec,
    without={
        "edit": "it has no write tool; flows create and change are its own",
        "plan": "it has no plan mode that asks",
        "trust": "it trusts every repository",
    },
    marks={
        "idle": _PROMPT,
        "waiting": r"[░█]{2} +Waiting for openai/mock-model",
        "working": r"on and on\.[^─]*\Z",
        "permission": r"Run shell commands?\?" + _CONFIRM,
        "half": r"Run shell commands\? \(Y\)es/[^\n]*\]: y\s*\Z",
        "output": r"Add command output to the chat\?" + _CONFIRM,
        "edit": r"new\.txt\nCreate new file\?" + _CONFIRM,
        "add file": r"prices\.py\nAdd file to the chat\?" + _CONFIRM,
        "edit other": r"prices\.py\nAllow edits to file[^\n]*" + _CONFIRM,
        "edit narrow": r"Allow edits to file that has not been added to the chat\? \(Y\)\n?es/\(N\)o \[Yes\]: *\s*\Z",
        "skipped": r"Skipping edits to prices\.py\s+" + _PROMPT,
        "url": r"127\.0\.0\.1:9/page\nAdd URL to the chat\?" + _CONFIRM,
        "warning": r"Open documentation url for more info\?" + _CONFIRM,
        "running": r"Running sleep 60?\s*\Z",
        "shell": r"\^C\s*\n# *\s*\Z",
        "ran": r"Running (?:touch|sleep)[^\n]*\s+" + _PROMPT,
        "edited": r"(?s)Applied edit to .*" + _PROMPT,
        "denied": r"\]: n\s+" + _PROMPT,
        "asks": r"(?s)Which colour do you prefer\?\s.*" + _PROMPT,
        "typing": r"diff> blue, I\s*\Z",
        "answered": r"(?s)All of it is done now\.\s.*" + _PROMPT,
        "interrupted": r"\^C again to exit\s(?:[^─]*\n)?" + _PROMPT,
        "retrying": _RETRYING,
        "refused": _RETRYING,
        "failed": r"litellm\.BadRequestError:(?s:.*)" + _PROMPT,
        "unauthorized": r"litellm\.AuthenticationError:(?s:.*)" + _PROMPT,
    },
)
