"""A check's failing output as a message to the agent whose work it is: bounded, and inert."""

from __future__ import annotations

import re

from worktrees import inert

LINES, LETTERS = 60, 6000
_COLOURS = re.compile("\x1b\\[[0-9;:]*m")


def without_colours(output: str) -> str:
    return _COLOURS.sub("", output)


def message(name: str, command: str, state: str, why: str, output: str) -> str:
    """What the agent is told. The end of the output: that is where a test run sums up."""
    lines = inert.block(without_colours(output), 4).rstrip("\n").split("\n")
    kept = lines[-LINES:]
    while len(kept) > 1 and sum(len(line) + 1 for line in kept) > LETTERS:
        kept = kept[1:]
    text = "\n".join(kept)[-LETTERS:]
    how = {"timeout": "ran into its time limit", "void": f"is void: {inert.line(why)}"}.get(state, "failed")
    words = inert.line(command)
    asked = f"The check {inert.line(name)} {how}" + (f" ({words})." if words != inert.line(name) else ".")
    if not text:
        return f"{asked} Please mend it."
    said = f"The last {len(kept)} lines of its output" if len(kept) < len(lines) else "Its output"
    return f"{asked} Please mend it. {said}:\n\n{text}"
