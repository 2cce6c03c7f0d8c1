"""The sample with three variants of one task."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.checks.ask import Checked, Word
from orchestrator.events import Changed, Created
from sessions.events import Counted
from sessions.models import SessionId, State, Usage
from tests.orchestrator.sample import SampleLink
from worktrees.models import Drift, Totals

_ROWS = (
    # agent, state, files, added, removed, uncommitted, check, tokens out, cost, conflicts
    ("claude", State.DONE, 2, 40, 3, 0, "passed", 9_000, 0.21, ()),
    ("codex", State.DONE, 5, 210, 90, 1, "failed", 31_000, None, ("src/rows.py",)),
    ("gemini", State.WORKING, 1, 12, 0, 1, "", 4_000, 0.02, ()),
)


class GroupedLink(SampleLink):
    """Each began 5 minutes ago; those that are done are since 1 minute."""

    def __init__(self) -> None:
        super().__init__()
        for agent, state, files, added, removed, uncommitted, check, out, cost, conflicts in _ROWS:
            name = f"sort-{agent}"
            created = Created(
                name=name,
                agent=agent,
                prompt="Sort the rows.",
                repository="/home/dev/shop",
                branch=f"agent/{name}",
                base="main",
                base_commit="5f2d0c9a" * 5,
                target="main",
                worktree=f"{self.worktrees}/{name}",
                model="opus" if agent == "claude" else None,
                group="sort",
            )
            self._append(SessionId(f"v-{agent}"), created, self.now - timedelta(minutes=5))
            totals = Totals(files=files, added=added, removed=removed, uncommitted=uncommitted)
            drift = Drift(ahead=1, behind=0, merge_base="5f2d0c9a" * 5)
            self.emit(name, Changed(totals=totals, drift=drift, head="a" * 40, conflicts=conflicts), 61)
            self.emit(name, Counted(total=Usage(input=out, output=out), cost_usd=cost), 61)
            self.status(name, state, None, 60)
            if check:
                words = (Word(key="k", name="test", state=check),)
                self.emit(name, Checked(commit="a" * 40, tree="b" * 40, words=words, done=True), 50)
