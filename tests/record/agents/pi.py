"""pi, in permission mode "ask": without it nothing of its own blocks but trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import LAST, SLOW, leaving, run
from tests.record.setup import Scene, Setup

_SELECTOR = r".*\n\s*↑↓ navigate  enter select"
_AT_REST = r"(?!.*^── \S (?:Working|Retrying))"
_SETTINGS = {"theme": "dark", "lastChangelogVersion": "0.87.1", "compaction": {"keepRecentTokens": 20}}
_FOREIGN = """export default function (pi) {
	pi.registerCommand("deploy", {
		handler: async (_words, ctx) => {
			const where = await ctx.ui.select("Deploy where?\\n\\n   staging is free", ["Staging", "Production"]);
			if (where) ctx.ui.notify(`Deploys to ${where}`);
			const tag = await ctx.ui.input("Which tag?");
			if (tag) ctx.ui.notify(`Deploys ${tag}`);
		},
	});
}
"""


def prepare(scene: Scene) -> Mapping[str, str]:
    folder = scene.home / ".pi" / "agent"
    (folder / "extensions").mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(_SETTINGS))
    (folder / "extensions" / "deploy.ts").write_text(_FOREIGN)
    if not scene.trusted:
        (scene.worktree / ".pi").mkdir()
        (scene.worktree / ".pi" / "settings.json").write_text("{}\n")
    return {"OPENAI_API_KEY": "sk-dummy"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": f"{scene.url}/v1", "model": "mock-model", "permission_mode": "ask"}


SETUP = Setup(
    program="pi",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": rf"(?s)\A{_AT_REST}.*^─+\n\s*\n─+\n[^\n]+\n[^\n]*%/128k",
        "working": r"^── \S Working",
        "permission": rf"(?s)^ Allow bash\?{_SELECTOR}",
        "edit": rf"(?s)^ Allow write\?{_SELECTOR}",
        "question": rf"(?s)^ Which colour do you prefer\?{_SELECTOR}",
        "several": rf"(?s)^ Which colours do you like\?.*\[ \] Red{_SELECTOR}",
        "ticked": rf"(?s)^ Which colours do you like\?.*\[x\] Red{_SELECTOR}",
        "words": r"(?s)^ Which colour do you prefer\?\n.*^>.*enter submit",
        "answered": rf"(?s)^ All of it is done now\.\n{_AT_REST}",
        "interrupted": rf"(?s)^ Operation aborted{_AT_REST}",
        "stopped": rf"(?s)^ Error: This operation was aborted{_AT_REST}",
        "denied": rf"(?s)^ The user said no\.{_AT_REST}",
        "retrying": r"Retrying \(\d/\d\) in \d+s",
        "refused": r"Retrying \(\d/\d\) in \d+s",
        "failed": r"^ Error: 400: ",
        "unauthorized": r"^ Error: 401: ",
        "trust": rf"(?s)^ Trust project folder\?{_SELECTOR}",
        "foreign": rf"(?s)^ Deploy where\?{_SELECTOR}",
        "foreign input": r"(?s)^ Which tag\?.*enter submit",
        "told": rf"(?s)There\.\n{_AT_REST}",
        "compacting": r"^── \S (?:Compacting|Summari)",
        "compacted": r"Compacted from",
        "keyless": r"^ Error: No API key found",
    },
    without={"plan": "pi has no plans"},
)


async def several(d: Driver) -> None:
    """Several options are ticked in the pane; then the same is answered over the file."""
    ask = {"tool": "ask", "question": "Which colours do you like?", "options": ["Red", "Blue"], "multiple": True}
    await d.start({"say": "I need a decision.", "use": [ask]}, {"use": [ask]}, LAST)
    await d.moment("several", State.BLOCKED, Kind.QUESTION)
    await d.press("Enter")
    await d.moment("ticked", State.BLOCKED, Kind.QUESTION)
    await d.press("Down", "Down", "Enter")
    await d.moment("several", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,2")
    await d.moment("answered", State.DONE)


async def in_words(d: Driver) -> None:
    """The question is answered in words, in the pane; a permission is refused with words, over the file."""
    ask = {"tool": "ask", "question": "Which colour do you prefer?", "options": ["Red", "Blue"]}
    await d.start({"say": "I need a decision.", "use": [ask]}, {"use": [run("touch never.txt")]}, LAST)
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.press("Down", "Down", "Enter")
    await d.moment("words", State.BLOCKED, Kind.QUESTION)
    await d.press(literal="Green, please")
    await d.press("Enter")
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n", "write nothing")
    await d.moment("answered", State.DONE)


async def in_pane(d: Driver) -> None:
    """Permissions in a small pane: one is given there, one is left with Escape."""
    await d.start({"say": "First.", "use": [run("touch made.txt")]}, {"use": [run("touch second.txt")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.resize(64, 18)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press("Enter")
    await d.until(lambda text: "touch second.txt" in text.split("Allow bash?")[-1], "the second permission")
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.press("Escape")
    await d.moment("stopped", State.IDLE)


async def tool(d: Driver) -> None:
    """A command runs for long, and is interrupted."""
    await d.start({"say": "I wait.", "use": [run("sleep 60")]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("y")
    await d.moment("working", State.WORKING, hold=4.0)
    await d.interrupt()
    await d.moment("stopped", State.IDLE)


async def foreign(d: Driver) -> None:
    """An extension of the user's own asks."""
    await d.start(words="")
    await d.moment("idle", State.IDLE)
    await d.press(literal="/deploy")
    await d.press("Enter")
    await d.moment("foreign", State.BLOCKED, Kind.QUESTION)
    await d.answer("2")
    await d.moment("foreign input", State.BLOCKED, Kind.QUESTION)
    await d.answer("", "v1.2")
    await d.moment("idle", State.IDLE)


async def stopped_retry(d: Driver) -> None:
    """Interrupted while it waits before the next try."""
    await d.start({**LAST, "fail": {"status": 500, "times": 3}})
    await d.moment("retrying", State.RETRYING)
    await d.interrupt()
    await d.moment("idle", State.IDLE)


async def queued(d: Driver) -> None:
    """A message is sent while it works: it goes on with it."""
    await d.start({**SLOW, "say": "Word by word. " * 20})
    await d.moment("working", State.WORKING)
    await d.send(LAST, words="And then?")
    await d.moment("working", State.WORKING)
    await d.moment("answered", State.DONE)


async def compact(d: Driver) -> None:
    """The conversation is summed up, on the human's word."""
    summary = {"say": "A summary of it all. " * 30 + "There.", "slow": 0.05}
    await d.start(LAST)
    await d.moment("answered", State.DONE)
    await d.send(summary, words="Tell me more.")
    await d.moment("told", State.DONE)
    await d.press(literal="/compact")
    await d.press("Enter")
    await d.moment("compacting", State.WORKING)
    await d.moment("compacted", State.IDLE, gone="compacting")


async def keyless(d: Driver) -> None:
    """There is no key for the model."""
    await d.start(LAST, base_url=None, model="anthropic/claude-sonnet-4-5")
    await d.moment("keyless", State.FAILED)


FLOWS: dict[str, Flow] = {
    flow.__name__: flow for flow in (several, in_words, in_pane, tool, foreign, stopped_retry, queued, compact, keyless)
} | {"leaving": leaving("/quit")}
