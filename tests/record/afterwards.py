"""Flows that were written when the detector was finished, to see how it does on what it was not made with.

They are played by their names only and are not part of the corpus.
"""

from __future__ import annotations

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, SLOW, run

DONE = "All of it is done now."
LONG = (
    'for name in one two three; do\n  echo "$name" >> names.txt\ndone\n'
    "printf '%s\\n' 'Do you want to proceed?' >> names.txt"
)


async def narrow(d: Driver) -> None:
    """A permission while the pane shrinks to 70 columns and grows again; then words that quote a dialog."""
    await d.start(
        {"say": "I run a command.", "use": [run("touch narrow.txt")]},
        {"say": f"{DONE}\n\nDo you want to proceed?\n❯ 1. Yes\n  2. No\n\n{DONE}"},
    )
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.resize(70, 30)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION, hold=1.5)
    await d.resize(120, 45)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION, hold=1.5)
    await d.answer("y")
    await d.moment("answered", State.DONE)


async def several_lines(d: Driver) -> None:
    """A command of several lines, one of which reads like a dialog; refused."""
    await d.start({"say": "I run a loop.", "use": [run(LONG)]}, LAST)
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION)
    await d.answer("n")
    await d.moment("denied", State.IDLE)


async def back_to_back(d: Driver) -> None:
    """A question, a permission at once after it, a long answer, an interrupt, and one more turn.

    Codex asks questions in plan mode only, in which it runs nothing: there the permission comes first.
    """
    asks = d.stage.agent != "codex"
    await d.start(
        *([{"say": "I ask first.", "use": [ASK]}] if asks else []),
        {"say": "Then I run.", "use": [run("touch then.txt")]},
        SLOW,
    )
    if asks:
        await d.moment("question", State.BLOCKED, Kind.QUESTION)
        await d.answer("3")
    await d.moment("permission", State.BLOCKED, Kind.PERMISSION, gone="question")
    await d.answer("y")
    await d.moment("working", State.WORKING, gone="permission", hold=1.5)
    await d.interrupt()
    await d.moment("interrupted", State.IDLE)
    await d.send({"say": DONE})
    await d.moment("answered", State.DONE, gone="working")


FLOWS: dict[str, Flow] = {flow.__name__: flow for flow in (narrow, several_lines, back_to_back)}
