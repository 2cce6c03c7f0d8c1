"""The combined trees of one train, the tests of them, and how both are written down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import stacking
from orchestrator.checks.definition import Check
from orchestrator.checks.engine import Phase, Progress, Report
from orchestrator.commands import Refused
from orchestrator.train.ask import Combined, Entry, Train, TrainMoved
from orchestrator.train.stack import Stack, Work, build
from worktrees.faultpoints import point
from worktrees.models import CheckResult, Method

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

KEPT_TESTS = 200
"""Tests that a train remembers; what they said stays true of their trees."""


class Combining:
    """A train and its tests. All methods are for the event loop, but where they say so."""

    def __init__(self, supervisor: Supervisor, train: Train, checks: tuple[Check, ...]) -> None:
        self.train = train
        self.checks = checks
        self.supervisor = supervisor
        self.root = Path(train.repository)
        self._wake = asyncio.Event()
        self._said: dict[str, tuple[CheckResult, ...]] = {}  # by tree

    def say(self, train: Train, *, ahead: bool = False) -> None:
        """Write the train down as it is now. ``ahead``: raises LedgerError when that cannot be done."""
        if train == self.train and not ahead:
            return
        self.train = train
        (self.supervisor.intend if ahead else self.supervisor.emit)(None, TrainMoved(train=train))

    def change(self, **update: object) -> None:
        self.say(self.train.model_copy(update=update))

    def put(self, session: str, **update: object) -> None:
        self.say(self.train.put(session, **update))

    def wake(self) -> None:
        self._wake.set()

    def _work(self, entry: Entry) -> Work:
        row = self.supervisor.fleet.rows.get(entry.session)
        settled = stacking.settled(self.supervisor, row) if row is not None and entry.state != "landed" else None
        return Work(entry.session, entry.name, entry.commit, settled, joined=entry.method in (Method.MERGE, Method.FF))

    def stack_on(self, base: str, sessions: Sequence[str]) -> Stack:
        """These works, in that order, on that commit; for a thread."""
        entries = [entry for name in sessions if (entry := self.train.entry(name)) is not None]
        return build(self.root, base, [self._work(entry) for entry in entries])

    def _results(self) -> dict[str, bool]:
        return {test.tree: test.state == "passed" for test in self.train.tests if test.state != "runs"}

    def known(self, tree: str) -> bool | None:
        return self._results().get(tree)

    async def judge(self, tree: str, commit: str, base: str, sessions: tuple[str, ...], about: str = "") -> bool:
        """Test a combined tree and write down what came out; cancelled, nothing of it is left."""
        entries = [entry for session in sessions if (entry := self.train.entry(session)) is not None]
        rows = [row for entry in entries if (row := self.supervisor.fleet.rows.get(entry.session)) is not None]
        test = Combined(tree=tree, names=tuple(entry.name for entry in entries), about=about)
        self._put_test(test)
        began = asyncio.get_running_loop().time()

        def told(said: Progress) -> None:
            if said.phase in (Phase.RUNS, Phase.AGAIN):
                self._put_test(test.model_copy(update={"now": said.name, "key": said.key}))

        try:
            if self.checks and not rows:
                raise Refused("the sessions of a test are gone", "orchestrator train")
            report = (
                await self.supervisor.checks.judge(rows, commit, self.checks, base=base, asked=not about, told=told)
                if self.checks
                else Report(commit=commit, tree=tree, results=())
            )
        except BaseException:
            self.change(tests=tuple(one for one in self.train.tests if one.tree != tree))
            raise
        point("train.tested")
        bad = next((result for result in report.bad if not result.blocked), None) or next(iter(report.bad), None)
        update: dict[str, object] = {"state": "passed" if report.good else "failed"}
        update["seconds"] = round(asyncio.get_running_loop().time() - began, 2)
        if bad is not None:
            update |= {"check": bad.name or bad.command, "key": bad.key}
        self._put_test(test.model_copy(update=update))
        self._said[tree] = report.results
        return report.good

    def _put_test(self, test: Combined) -> None:
        others = tuple(one for one in self.train.tests if one.tree != test.tree)
        self.change(tests=(*others, test)[-KEPT_TESTS:])
