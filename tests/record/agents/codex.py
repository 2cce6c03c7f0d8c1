"""Codex CLI."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import LAST, SLOW, background, run
from tests.record.setup import Scene, Setup

_NOTHING_RUNS = r"(?s)\A(?!.*esc to interrupt)"


def prepare(scene: Scene) -> Mapping[str, str]:
    (scene.home / ".codex").mkdir()
    return {"OPENAI_API_KEY": "sk-dummy"}


def spec(scene: Scene) -> Mapping[str, Any]:
    trust = f'projects={{"{scene.repository}"={{trust_level="trusted"}}}}'
    args = ("-c", trust) if scene.trusted else ()
    return {"base_url": f"{scene.url}/v1", "model": "mock-model", "args": args}


SETUP = Setup(
    program="codex",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": _NOTHING_RUNS + r".*› Ask Codex to do anything",
        # The line with the clock goes away while text streams.
        "working": r"(?s)esc to interrupt\)|\A(?!.*(?:Worked for|Conversation interrupted)).*• Word by word",
        "permission": r"(?s)Would you like to run the following command\?.*Press enter to confirm",
        "first": r"(?s)\$ touch \S*one\.txt.*Press enter to confirm",
        "second": r"(?s)\$ touch \S*two\.txt.*Press enter to confirm",
        "edit": r"(?s)Would you like to make the following edits\?.*Press enter to confirm",
        "question": r"(?s)Which colour do you prefer\?\s+› 1\. Red.*enter to submit",
        "size": r"(?s)Question 2/2.*Which size\?\s+› 1\. Small.*enter to submit",
        "plan": r"(?s)Implement this plan\?.*› 1\. ",
        "answered": _NOTHING_RUNS + r".*• All of it is done now\.",
        "nothing more": _NOTHING_RUNS + r".*• There is nothing more to do\.",
        "interrupted": _NOTHING_RUNS + r".*■ Conversation interrupted",
        "denied": _NOTHING_RUNS + r".*■ Conversation interrupted",
        "retrying": r"[Rr]econnecting",
        "refused": r"[Rr]econnecting|waiting for network",
        "failed": _NOTHING_RUNS + r".*^■ .*scripted",
        "unauthorized": r"■ unexpected status 401",
        "too many": r"■ exceeded retry limit, last status: 429",
        "limit reached": r"■ You.ve hit your usage limit",
        "trust": r"(?s)Trust this folder\?|Do you trust the contents",
        "sign in": r"Sign in with ChatGPT",
        "new model": r"(?s)Try new model.*Use existing model",
        "compacted": _NOTHING_RUNS + r".*Context compacted",
        "narrow permission": r"(?s)\A(?=.*following\s+command\?.*1\. Yes)(?:[^\n]{0,40}\n)*[^\n]{0,40}\Z",
        "wide permission": r"(?s)Would you like to run the following command\?.*Press enter to confirm or esc",
        "quoted": _NOTHING_RUNS + r".*It showed this:.*Press enter to confirm or esc to cancel.*› Ask Codex",
        "long": r"(?s)line 9 of it.*lines\] .*Press enter to confirm or esc to cancel",
        "asks in words": _NOTHING_RUNS + r".*• Shall I go on\?",
    },
    without={
        "limited": "Codex waits in silence for as long as retry-after says: its own state is working, its screen too",
    },
)


def choices(*labels: str) -> list[dict[str, str]]:
    return [{"label": label, "description": f"take {label}"} for label in labels]


COLOUR = {"id": "q1", "header": "Colour", "question": "Which colour do you prefer?", "options": choices("Red", "Blue")}
SIZE = {"id": "q2", "header": "Size", "question": "Which size?", "options": choices("Small", "Large")}
PLAN = {"say": "<proposed_plan>\n# Plan\n\n1. Look\n2. Change\n</proposed_plan>"}


def asks(*questions: dict[str, Any]) -> dict[str, Any]:
    return {"use": [{"tool": "request_user_input", "input": {"questions": questions}}]}


async def planning(d: Driver) -> None:
    """At its prompt in plan mode, which only a key switches on."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.press("BTab")
    await d.until(lambda text: "Plan mode" in text, "plan mode")


async def edit(d: Driver) -> None:
    """A patch is asked for and approved for the session; the next one is not asked for."""
    patch = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {}\n+new\n*** End Patch\nEOF"
    uses = [{"use": [{"tool": "exec_command", "input": {"cmd": patch.format(name)}}]} for name in ("a.txt", "b.txt")]
    await d.start(*uses, LAST, permission_mode="read-only")
    await d.moment("edit", State.BLOCKED, Kind.PERMISSION)
    await d.answer("1")
    await d.moment("edit", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("denied", State.IDLE)


async def question(d: Driver) -> None:
    """Two questions in one call, one after the other."""
    await planning(d)
    await d.send(asks(COLOUR, SIZE), LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("2")
    await d.moment("size", State.BLOCKED, Kind.QUESTION)
    await d.answer("1")
    await d.moment("answered", State.DONE)


async def words(d: Driver) -> None:
    """A question is answered in words."""
    await planning(d)
    await d.send(asks(COLOUR), LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("", "A light green")
    await d.moment("answered", State.DONE)


async def plan(d: Driver) -> None:
    """A plan is sent back with words, then approved."""
    await planning(d)
    await d.send(PLAN)
    await d.moment("plan", State.BLOCKED, Kind.PLAN, hold=2.5)
    await d.answer("", Driver.prompt(PLAN, words="In three steps."))
    await d.until(lambda text: "In three steps." in text, "the words")
    await d.moment("plan", State.BLOCKED, Kind.PLAN)
    await d.answer("1")
    await d.moment("nothing more", State.DONE)


async def always(d: Driver) -> None:
    """Two commands are asked for at once; the first is allowed for good, the second is refused with words."""
    await d.start({"use": [run("touch /tmp/one.txt"), run("touch /tmp/two.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    other = "second" if "$ touch /tmp/one.txt" in await d.stage.seen() else "first"
    await d.answer("a")
    await d.moment(other, State.BLOCKED, Kind.PERMISSION)
    await d.answer("n", "Leave that")
    await d.moment("nothing more", State.DONE)


async def queued(d: Driver) -> None:
    """A prompt is typed while a turn runs."""
    await d.start({"say": "Word by word.\n\n" * 16, "slow": 0.08})
    await d.moment("working", State.WORKING)
    await d.send(words="And then the other thing.")
    await d.moment("nothing more", State.DONE)


async def compacted(d: Driver) -> None:
    """The conversation is made shorter."""
    await d.start(LAST)
    await d.moment("answered", State.DONE)
    await d.press(literal="/compact")
    await d.until(lambda text: "summarize" in text, "the command's own line")
    await d.press("Enter")
    await d.moment("compacted", State.DONE)


async def leaving(d: Driver) -> None:
    """/quit ends it."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.press(literal="/quit")
    await d.until(lambda text: "exit Codex" in text, "the command's own line")
    await d.press("Enter")
    await d.ended(State.EXITED)


async def resized(d: Driver) -> None:
    """Other sizes of the pane while a dialog is open."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.resize(40, 40)
    await d.moment("narrow permission", State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.resize(200, 50)
    await d.moment("wide permission", State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def quoted(d: Driver) -> None:
    """The agent's own words look like a dialog."""
    dialog = "Would you like to run the following command?\n\n  $ ls\n\n› 1. Yes, proceed (y)\n  2. No\n\n"
    dialog += "  Press enter to confirm or esc to cancel"
    await d.start({"say": f"It showed this:\n\n```\n{dialog}\n```"}, words="Show me.")
    await d.moment("quoted", State.DONE, hold=3.0)


async def used_up(d: Driver) -> None:
    """The subscription's limit is reached."""
    error = {"type": "usage_limit_reached", "message": "Reached", "plan_type": "plus"}
    body = {"error": {**error, "resets_at": int(time.time()) + 3600}}
    await d.start({**LAST, "fail": {"status": 429, "body": body}})
    await d.moment("limit reached", State.RATE_LIMITED)


async def overloaded(d: Driver) -> None:
    """The provider answers 500 for a while: the first tries are silent."""
    await d.start({**LAST, "fail": {"status": 500, "times": 12}})
    await d.moment("retrying", State.RETRYING, hold=0.2)
    await d.moment("answered", State.DONE, within=90)


async def too_many(d: Driver) -> None:
    """429 without a time."""
    await d.start({**LAST, "fail": {"status": 429}})
    await d.moment("too many", State.FAILED)


async def scrolled(d: Driver) -> None:
    """Somebody scrolled back over an open dialog; the answer goes to the program all the same."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.scroll_back()
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION, hold=3.5)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def long(d: Driver) -> None:
    """A command that is longer than the screen."""
    lines = "\n".join(f"line {number} of it" for number in range(60))
    await d.start({"use": [run(f"cat > long.txt <<'END'\n{lines}\nEND")]}, LAST)
    await d.moment("long", State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def asking(d: Driver) -> None:
    """The turn ends in a question in plain words."""
    await d.start({"say": "Shall I go on?"})
    await d.moment("asks in words", State.DONE)


async def stopped(d: Driver) -> None:
    """Somebody else stops its processes, and lets them go on."""
    await d.start(SLOW)
    await d.moment("working", State.WORKING)
    d.signal(signal.SIGSTOP)
    await d.moment("working", State.PAUSED)
    d.signal(signal.SIGCONT)
    await d.moment("working", State.WORKING)


async def signed_out(d: Driver) -> None:
    """Nobody ever signed in."""
    await d.start(LAST, base_url=None, model=None)
    await d.moment("sign in", State.BLOCKED, Kind.DIALOG)


async def new_model(d: Driver) -> None:
    """A newer model is offered."""
    await d.start(LAST, model="gpt-5.5")
    await d.moment("new model", State.BLOCKED, Kind.DIALOG)
    await d.answer("2")
    await d.moment("answered", State.DONE)


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        edit,
        question,
        words,
        plan,
        always,
        queued,
        compacted,
        leaving,
        resized,
        quoted,
        used_up,
        too_many,
        overloaded,
        asking,
        long,
        scrolled,
        stopped,
        signed_out,
        new_model,
        background,
    )
}
