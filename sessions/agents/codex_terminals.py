"""Commands that Codex left running in its background terminals. Its own state, hooks and screen say nothing of them.

The rollout does: the output of a call that has not ended names the terminal, and an item of that name is completed when
its command ends, be it after the turn. Seen in 0.169.0.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sessions.models import Evidence, State

_RUNS = re.compile(r"^Process running with session ID (\S+)$", re.MULTILINE)
_REST = (State.IDLE, State.DONE)


class Terminals:
    """What runs on, and what Codex's channels claim meanwhile. ``since``: what is older was left by another launch."""

    def __init__(self, since: datetime | None) -> None:
        self._since = since
        self._running: set[str] = set()
        self._resting: dict[str, Evidence] = {}  # by channel, as Codex said it
        self._told: dict[str, State | None] = {}  # by channel, as it was weighed
        self._is_aborted = False

    def output(self, words: str, at: datetime) -> None:
        """The output of a call: it may have returned before its command ended."""
        if self._since is None or at >= self._since:
            self._running.update(_RUNS.findall(words))

    def completed(self, item: object) -> None:
        """An item of a turn is complete."""
        if isinstance(item, dict) and item.get("type") == "CommandExecution":
            self._running.discard(str(item.get("process_id")))

    def begun(self) -> None:
        self._is_aborted = False

    def aborted(self) -> None:
        """The human ended the turn: it rests, whatever runs on."""
        self._is_aborted = True

    def weigh(self, claim: Evidence) -> Evidence:
        """``claim``; rest while commands run on is background work."""
        self._resting.pop(claim.channel, None)
        if claim.state in _REST:
            self._resting[claim.channel] = claim
            claim = self._weighed(claim)
        self._told[claim.channel] = claim.state
        return claim

    def changed(self, at: datetime) -> tuple[Evidence, ...]:
        """Claims of rest that mean something else by now."""
        found = []
        for channel, claim in self._resting.items():
            now = self._weighed(claim)
            if now.state is not self._told[channel]:
                self._told[channel] = now.state
                found.append(now.model_copy(update={"at": at}))
        return tuple(found)

    def _weighed(self, claim: Evidence) -> Evidence:
        if not self._running or self._is_aborted:
            return claim
        count = len(self._running)
        saw = f"{claim.saw}, {count} background terminal{'s' if count > 1 else ''}"
        return claim.model_copy(update={"state": State.BACKGROUND, "saw": saw[:120]})


def words(output: Any) -> str:
    """The text of a call's output, plain or in blocks."""
    if isinstance(output, list):
        return "\n".join(str(block.get("text", "")) for block in output if isinstance(block, dict))
    return str(output)
