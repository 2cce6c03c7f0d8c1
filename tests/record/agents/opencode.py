"""opencode, for a user who wants to be asked and has turned its plan mode on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial, wraps
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, leaving, run
from tests.record.flows import FLOWS as COMMON
from tests.record.setup import Scene, Setup

CONFIG = {"$schema": "https://opencode.ai/config.json", "permission": {"bash": "ask", "edit": "ask"}}
_BOX = r"\s+┃\s+┃\s+┃\s+┃  (?:Build|Plan) (?!.*esc (?:again to )?interrupt)"
"""The empty input box below what is told, and no footer of a turn that runs."""


def prepare(scene: Scene) -> Mapping[str, str]:
    own = scene.home / ".config" / "opencode" / "opencode.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(CONFIG))
    return {
        "OPENAI_API_KEY": "sk-dummy",
        "OPENCODE_EXPERIMENTAL_PLAN_MODE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": f"{scene.url}/v1", "model": "mock-model"}


async def plan(d: Driver) -> None:
    """The plan agent asks whether its plan may be carried out."""
    await d.start({"say": "Here is my plan.", "use": [{"tool": "plan"}]}, permission_mode="plan")
    await d.moment("plan", State.BLOCKED, Kind.PLAN)
    await d.answer("y")
    await d.moment("carried out", State.DONE)


async def several(d: Driver) -> None:
    """A question that takes several options."""
    await d.start({"say": "I need a decision.", "use": [{**ASK, "multiple": True}]}, LAST)
    await d.moment("several", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,3")
    await d.moment("answered", State.DONE)


async def subagent(d: Driver) -> None:
    """A subagent's command is asked about; the turn is not over while it runs."""
    delegate = {"tool": "delegate", "prompt": "Sleep for a while, then touch made.txt."}
    await d.start({"say": "I delegate.", "use": [delegate, run("touch made.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def limited(d: Driver) -> None:
    """The provider answers 429 and says when to come again."""
    await d.start({**LAST, "fail": {"status": 429, "times": 2, "retry_after": 5}})
    await d.moment("retrying", State.RATE_LIMITED)
    await d.moment("answered", State.DONE)


def _patiently(flow: Flow) -> Flow:
    """Alone it takes ten seconds to its first word, and a minute beside others on the same two cores."""

    @wraps(flow)
    async def played(d: Driver) -> None:
        d.moment = partial(d.moment, within=150.0)  # type: ignore[method-assign]
        await flow(d)

    return played


_OWN = {flow.__name__: flow for flow in (plan, several, subagent, limited)}
FLOWS: dict[str, Flow] = {
    name: _patiently(flow) for name, flow in {**COMMON, **_OWN, "leaving": leaving("/exit")}.items()
}

SETUP = Setup(
    program="opencode",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": r"(?s)╹▀{8}▀*\s[^┃]*ctrl\+p commands(?!.*esc (?:again to )?interrupt)",
        "working": r"esc interrupt",
        "permission": r"(?s)△ Permission required.*# Shell command.*Allow once   Allow always   Reject",
        "edit": r"(?s)△ Permission required.*→ Edit new\.txt.*Allow once   Allow always   Reject",
        "question": r"(?s)Which colour do you prefer\?\s+┃\s+┃  1\. Red.*enter submit  esc dismiss",
        "several": r"(?s)Which colour do you prefer\? \(select all that apply\).*enter toggle  esc dismiss",
        "plan": r"(?s)Would you like to switch.*enter submit  esc dismiss",
        "answered": r"(?s)^     All of it is done now\.\s+▣  (?:Build|Plan) · \S+ · [\dm. ]+s" + _BOX,
        # The approval is a message of its own, without a script.
        "carried out": r"(?s)^     There is nothing more to do\.\s+▣  Build · \S+ · [\dm. ]+s" + _BOX,
        "interrupted": r"(?s)▣  Build · \S+ · interrupted" + _BOX,
        "denied": r"(?s)\$ (?:touch never|for name)[^▣]*▣  Build · \S+" + _BOX,
        "retrying": r"\[retrying",
        "refused": r"\[retrying",
        "failed": r"^\s+┃\s+scripted\s*$",
        "unauthorized": r"^\s+┃\s+Incorrect API key provided",
    },
    without={"trust": "it asks for no trust"},
)
