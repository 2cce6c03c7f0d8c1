"""Claude Code."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, SLOW, run
from tests.record.setup import KEY, Scene, Setup

_REST = r"^❯(?: |\s*$)"


def prepare(scene: Scene) -> Mapping[str, str]:
    about: dict[str, Any] = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
    }
    if scene.trusted:
        about["projects"] = {str(scene.repository): {"hasTrustDialogAccepted": True}}
    (scene.home / ".claude.json").write_text(json.dumps(about))
    return {"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": scene.url}


SETUP = Setup(
    program="claude",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": r"(?s)\? for shortcuts(?!.*esc to interrupt)",
        "working": r"esc to interrupt",
        "permission": r"(?s)Bash command.*Do you want to proceed\?",
        "edit": r"Do you want to create new\.txt\?",
        "question": r"(?s)Which colour do you prefer\?.*Enter to select",
        "plan": r"(?s)Would you like to proceed\?.*❯ 1\. ",
        "answered": r"(?s)● All of it is done now\.(?!.*esc to interrupt)",
        "interrupted": r"Interrupted · What should Claude do instead\?",
        "denied": r"Interrupted · What should Claude do instead\?",
        "retrying": r"retrying in \d+s",
        "refused": r"retrying in \d+s",
        "failed": r"API Error: 400",
        "unauthorized": r"API Error: 401|Invalid API key|Please run /login",
        "sizes": r"(?s)Which sizes\?\s+❯ 1\. \[ \] Small.*Enter to select",
        "two sizes": r"(?s)Which sizes\? → Small, Huge.*Which sizes\?.*Enter to select",
        "review": r"(?s)Review your answers.*→ Blue.*→ Small, Huge.*❯ 1\. Submit answers",
        "green": r"(?s)→ A light green.*Which colour do you prefer\?.*Enter to select",
        "at rest": r"(?s)Declined to answer.*\? for shortcuts(?!.*esc to interrupt)",
        "first plan": r"(?s)^ *First$.*1\. Look.*Would you like to proceed\?.*❯ 1\. ",
        "second plan": r"(?s)^ *Second$.*1\. Look.*Would you like to proceed\?.*❯ 1\. ",
        "shell runs": r"(?s)● It runs now\..*· \d+ shell",
        "shell ended": r"(?s)Background command .* completed.*● There is nothing more to do\.(?!.*esc to interrupt)",
        "agent runs": r"✻ Waiting for 1 background agent",
        "agent asks": r"(?s)Bash command · from the general-purpose agent.*Do you want to proceed\?",
        "agent ended": r"(?s)● There is nothing more to do\.(?!.*(?:esc to interrupt|Waiting for))",
        "first": r"(?s)Bash command.*touch one\.txt\s+╌.*Do you want to proceed\?",
        "second": r"(?s)Bash command.*touch two\.txt\s+╌.*Do you want to proceed\?",
        "fetch": r"Do you want to allow Claude to fetch this content\?",
        "nothing more": r"(?s)● There is nothing more to do\.(?!.*esc to interrupt)",
        "compacting": r"Compacting conversation",
        "compacted": r"Conversation compacted|Compacted",
        "once more to exit": r"Press Ctrl-C again to exit",
        "transcript": r"Showing detailed transcript",
        "narrow permission": r"(?s)^─{40}$.*Do you want to proceed\?",
        "wide permission": r"(?s)^─{200}$.*Do you want to proceed\?",
        "narrow question": r"(?s)^─{40}$.*❯ 1\. Red",
        "quoted": r"(?s)It showed this:.*❯ 1\. Yes.*Esc to cancel.*\? for shortcuts(?!.*esc to interrupt)",
        "quoted question": r"(?s)❯ 1\. Red.*Enter to select.*\? for shortcuts(?!.*esc to interrupt)",
        "limit reached": r"limit reached · retrying in",
        "long": r"(?s)line 59 of it.*Do you want to proceed\?",
        "asks in words": r"(?s)● Shall I go on\?(?!.*esc to interrupt)",
        "trust": r"(?s)Accessing workspace:.*Enter to confirm",
    },
)


def writes_plan(title: str) -> dict[str, Any]:
    return {"use": [{"tool": "write", "path": "PLAN", "content": f"# {title}\n\n1. Look\n2. Change\n"}]}


def delegate(*steps: dict[str, Any]) -> dict[str, Any]:
    """A call that hands a scripted task to a subagent, which Claude Code runs in the background."""
    given = {"description": "look around", "prompt": Driver.prompt(*steps), "subagent_type": "general-purpose"}
    return {"tool": "Agent", "input": given}


def choices(*labels: str) -> list[dict[str, str]]:
    return [{"label": label, "description": f"take {label}"} for label in labels]


async def questions(d: Driver) -> None:
    """Two questions in one call: one choice, then several, then the review of both."""
    colour = {"question": "Which colour do you prefer?", "header": "Colour", "options": choices("Red", "Blue")}
    sizes = {"question": "Which sizes?", "header": "Size", "options": choices("Small", "Large", "Huge")}
    asked = [{**colour, "multiSelect": False}, {**sizes, "multiSelect": True}]
    await d.start({"use": [{"tool": "AskUserQuestion", "input": {"questions": asked}}]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("2")
    await d.moment("sizes", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,3")
    await d.moment("review", State.BLOCKED, Kind.QUESTION)
    await d.answer("1")
    await d.moment("answered", State.DONE)


async def several(d: Driver) -> None:
    """One question that takes several answers, by ticks and words."""
    ask = {"tool": "ask", "question": "Which sizes?", "multiple": True, "options": ["Small", "Large", "Huge"]}
    await d.start({"use": [ask]}, {"use": [ask]}, LAST)
    await d.moment("sizes", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,3")
    await d.moment("two sizes", State.BLOCKED, Kind.QUESTION)
    await d.answer("2", "Tiny")
    await d.moment("answered", State.DONE)


async def words(d: Driver) -> None:
    """A question is answered in words; the next one is dismissed."""
    await d.start({"use": [ASK]}, {"use": [ASK]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("", "A light green")
    await d.moment("green", State.BLOCKED, Kind.QUESTION)
    await d.press("Escape")
    await d.moment("at rest", State.IDLE)


async def replanned(d: Driver) -> None:
    """A plan is sent back with words, then another one is approved."""
    plan = {"say": "Here is my plan.", "use": [{"tool": "plan"}]}
    await d.start(writes_plan("First"), plan, writes_plan("Second"), plan, LAST, permission_mode="plan")
    await d.moment("first plan", State.BLOCKED, Kind.PLAN)
    await d.answer("", "Do it in three steps")
    await d.moment("second plan", State.BLOCKED, Kind.PLAN)
    await d.answer("2")
    await d.moment("answered", State.DONE)


async def background(d: Driver) -> None:
    """A command runs on when the turn is over."""
    given = {"command": "sleep 6", "description": "Wait a while", "run_in_background": True}
    await d.start({"use": [{"tool": "Bash", "input": given}]}, {"say": "It runs now."})
    await d.moment("shell runs", State.BACKGROUND, hold=1.5)
    await d.moment("shell ended", State.DONE)


async def subagent(d: Driver) -> None:
    """A subagent in the background asks for a command."""
    inner = ({"use": [run("touch sub.txt")], "wait": 2}, {"say": "I looked around.", "wait": 3})
    await d.start({"use": [delegate(*inner)]}, {"say": "It looks around."})
    await d.moment("agent runs", State.BACKGROUND)
    await d.moment("agent asks", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("agent runs", State.BACKGROUND, gone="permission")
    await d.moment("agent ended", State.DONE, within=60)


async def subagents(d: Driver) -> None:
    """Two subagents ask at once."""
    names = ("one", "two")
    inner = [delegate({"use": [run(f"touch {name}.txt")]}, {"say": "I looked around.", "wait": 2}) for name in names]
    await d.start({"use": inner}, {"say": "They look around."})
    await d.moment("agent asks", State.BLOCKED, Kind.PERMISSION, hold=2.0)
    other = "second" if re.search(SETUP.marks["first"], await d.stage.seen()) else "first"
    await d.answer("y")
    await d.moment(other, State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.answer("y")
    await d.moment("agent ended", State.DONE, within=60)


async def two(d: Driver) -> None:
    """Two commands are asked for at once."""
    await d.start({"use": [run("touch one.txt"), run("touch two.txt")]}, LAST)
    await d.moment("first", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("second", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def fetch(d: Driver) -> None:
    """A page is to be fetched; refused with words."""
    given = {"url": "http://127.0.0.1:9/page", "prompt": "Read it"}
    await d.start({"use": [{"tool": "WebFetch", "input": given}]}, LAST)
    await d.moment("fetch", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n", "Read the file instead")
    await d.moment("answered", State.DONE)


async def queued(d: Driver) -> None:
    """A prompt is typed while a turn runs."""
    await d.start({"say": "Word by word. " * 12, "slow": 0.1})
    await d.moment("working", State.WORKING)
    await d.send(words="And then the other thing.")
    await d.moment("working", State.WORKING, hold=0.3)
    await d.moment("nothing more", State.DONE)


async def compacted(d: Driver) -> None:
    """The conversation is made shorter."""
    await d.start(LAST)
    await d.moment("answered", State.DONE)
    await d.press(literal="/compact")
    await d.press("Enter")
    await d.moment("compacting", State.WORKING, hold=0.0)
    await d.moment("compacted", State.DONE)
    await d.quit()
    await d.ended(State.EXITED)


async def leaving(d: Driver) -> None:
    """Ctrl-C once asks for another; /exit ends it."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.press("C-c")
    await d.moment("once more to exit", State.IDLE, hold=0.1)
    await d.moment("idle", State.IDLE, gone="once more to exit")
    await d.press(literal="/exit")
    await d.press("Enter")
    await d.ended(State.EXITED)


async def viewer(d: Driver) -> None:
    """The transcript viewer and copy mode over an open dialog, and other sizes of the pane."""
    await d.start({"say": "I run a command.", "use": [run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press("C-o")
    await d.moment("transcript", State.BLOCKED, Kind.PERMISSION, hold=3.0)
    await d.press("C-o")
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION, gone="transcript")
    await d.resize(40, 40)
    await d.moment("narrow permission", State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.resize(200, 50)
    await d.moment("wide permission", State.BLOCKED, Kind.PERMISSION, hold=2.5)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def narrow(d: Driver) -> None:
    """A question in a narrow pane is answered there."""
    await d.start({"use": [ASK]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.resize(40, 40)
    await d.moment("narrow question", State.BLOCKED, Kind.QUESTION, hold=2.5)
    await d.answer("1")
    await d.moment("answered", State.DONE)


async def quoted(d: Driver) -> None:
    """The agent's own words look like a dialog."""
    dialog = "\n".join((" Do you want to proceed?", " ❯ 1. Yes", "   2. No", "", " Esc to cancel · Tab to amend"))
    await d.start({"say": f"It showed this:\n\n```\n{dialog}\n```"}, words="Show me.")
    await d.moment("quoted", State.DONE, hold=3.0)
    dialog = "☐ Choice\n\nWhich colour?\n\n❯ 1. Red\n  2. Blue\n\nEnter to select · ↑/↓ to navigate · Esc to cancel"
    await d.send({"say": f"```\n{dialog}\n```"})
    await d.moment("quoted question", State.DONE, hold=3.0)


async def used_up(d: Driver) -> None:
    """The subscription's limit is reached; it tries again until then."""
    reset = str(int(time.time()) + 3600)
    name = "anthropic-ratelimit-unified"
    headers = {f"{name}-status": "rejected", f"{name}-reset": reset}
    headers |= {f"{name}-representative-claim": "five_hour", f"{name}-5h-status": "rejected", f"{name}-5h-reset": reset}
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "This exceeds your rate limit."}}
    await d.start({**LAST, "fail": {"status": 429, "headers": headers, "body": body}})
    await d.moment("limit reached", State.RATE_LIMITED, hold=1.0)


async def unauthorized(d: Driver) -> None:
    """The key is no good: it tries ten times before it says so."""
    await d.start({**LAST, "fail": {"status": 401}})
    await d.moment("retrying", State.RETRYING)
    await d.moment("unauthorized", State.FAILED, within=300)


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


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        questions,
        several,
        words,
        replanned,
        background,
        subagent,
        subagents,
        two,
        fetch,
        queued,
        compacted,
        leaving,
        viewer,
        narrow,
        quoted,
        used_up,
        asking,
        long,
        scrolled,
        unauthorized,
        stopped,
    )
}
