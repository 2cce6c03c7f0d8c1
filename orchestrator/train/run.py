"""Drives one train: what is tested next, what lands, what goes back, written ahead so that a kill loses nothing.

The train in the ledger is the whole state. A step is written before it is done where doing it twice would matter (a
landing), and after it where only time would be lost (a test). What landed is what the operation log in git says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator import afterwards, landing
from orchestrator.checks.definition import Check
from orchestrator.commands import Merge, Refused
from orchestrator.store import LedgerError
from orchestrator.train import blame
from orchestrator.train.ask import Train
from orchestrator.train.combining import Combining
from orchestrator.train.plan import Plan, decide
from orchestrator.train.stack import Stack, build
from sessions.errors import SessionError
from worktrees import landing as git_landing
from worktrees.errors import NothingToLand, WorktreeError
from worktrees.faultpoints import point
from worktrees.models import CheckResult
from worktrees.repository import open_repository
from worktrees.trees import tree_of

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")


class Moved(WorktreeError):
    """The target or the work is not what was tested."""


class Driver(Combining):
    """One train at work. All methods are for the event loop."""

    def __init__(self, supervisor: Supervisor, train: Train, checks: tuple[Check, ...]) -> None:
        super().__init__(supervisor, train, checks)
        self._tests: dict[str, asyncio.Task[None]] = {}  # by tree, of those that decide what lands
        self._blame = blame.Blame(self)
        self._blame.go_on()

    async def close(self) -> None:
        """End its tests with all of their processes; the train stays as it is written."""
        tasks = [*self._tests.values(), *self._blame.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # The loop.

    async def drive(self) -> None:
        """Until the train is done or cancelled."""
        try:
            while self.train.active:
                self._wake.clear()
                if self.train.state == "paused" or not await self._step():
                    await self._wake.wait()
        finally:
            await self.close()
            gone = [test.model_copy(update={"state": "failed"}) for test in self.train.tests if test.state == "runs"]
            if gone and not self.train.active:
                self.change(tests=tuple(test for test in self.train.tests if test.state != "runs"))

    async def _step(self) -> bool:
        """Do what can be done now; False: nothing can, until something ends or is asked for."""
        try:
            self._leave_the_gone()
            if not self.train.waiting:
                await self._stop(())
                if self._blame.busy:
                    return False
                await self._afterwards()
                self.change(state="done", plan="")
                return True
            stack = await asyncio.to_thread(self._stacked)
            if self._reject_clashing(stack):
                return True
            plan = decide(
                stack.links,
                self._results(),
                self.train.workers,
                self.train.outcomes,
                running=frozenset(self._tests),
            )
            self.change(plan=plan.why)
            if plan.land or plan.reject:
                await self._settle(stack, plan)
                return True
            await self._test(stack, plan)
            return False
        except (WorktreeError, Refused, SessionError, LedgerError, OSError) as error:
            self.halt(error)
            return True

    async def _afterwards(self) -> None:
        """What the settings want of sessions that landed; not before the end, as tests may still be about them."""
        for entry in self.train.entries:
            row = self.supervisor.fleet.rows.get(entry.session)
            if entry.state == "landed" and row is not None and row.landing is not None:
                await afterwards.do(self.supervisor, row, row.landing, None)

    def halt(self, error: Exception) -> None:
        message = getattr(error, "message", str(error))
        hint = getattr(error, "hint", "")
        self.change(state="paused", trouble=f"{message} → {hint}" if hint else message)
        self.supervisor.notice("warning", f"The train of {self.root.name} waits", f"{message}; {hint}".rstrip("; "))

    def _leave_the_gone(self) -> None:
        for entry in self.train.waiting:
            if entry.session not in self.supervisor.fleet.rows:
                self.put(entry.session, state="left", why="the session was removed")

    def _stacked(self) -> Stack:
        return build(self.root, self._target(), [self._work(entry) for entry in self.train.waiting])

    def _target(self) -> str:
        """The commit that the target is now; for a thread."""
        return open_repository(self.root).resolve(f"refs/heads/{self.train.target}")

    def _reject_clashing(self, stack: Stack) -> bool:
        """What conflicts with the target is rejected; what conflicts with others before it waits for what they do."""
        changed = False
        for session, clash in stack.clashes.items():
            entry = self.train.entry(session)
            assert entry is not None
            where = ", ".join(clash.paths[:3]) + (" …" if len(clash.paths) > 3 else "")
            if clash.partners:
                why = f"it conflicts with {', '.join(clash.partners)} in {where}: it waits for what becomes of it"
                self.put(session, behind=clash.partners, why=why)
                continue
            landed = {one.name for one in self.train.entries if one.state == "landed"}
            partners = tuple(name for name in entry.behind if name in landed)
            others = f"{', '.join(partners)}, which landed," if partners else self.train.target
            self._reject(session, f"it conflicts with {others} in {where}", partners=partners, behind=())
            self._blame.tell(session)
            changed = True
        for entry in self.train.waiting:
            if entry.behind and entry.session not in stack.clashes:
                self.put(entry.session, behind=(), why="")
        return changed

    def _reject(self, session: str, why: str, **update: object) -> None:
        train = self.train.put(session, state="rejected", why=why, **update)
        self.say(train.model_copy(update={"outcomes": (*train.outcomes, False)}))
        point("train.rejected")

    # Tests.

    async def _test(self, stack: Stack, plan: Plan) -> None:
        wanted = {stack.links[length - 1].tree: length for length in plan.tests}
        await self._stop(wanted)
        for tree, length in wanted.items():
            if tree not in self._tests:
                sessions = tuple(link.change for link in stack.links[:length])
                self._tests[tree] = asyncio.ensure_future(
                    self._judge(tree, stack.commits[length - 1], stack.base, sessions)
                )

    async def _judge(self, tree: str, commit: str, base: str, sessions: tuple[str, ...]) -> None:
        try:
            await self.judge(tree, commit, base, sessions)
        except (WorktreeError, Refused, OSError) as error:
            self.halt(error)
        finally:
            self._tests.pop(tree, None)
            self.wake()

    async def _stop(self, wanted: Sequence[str] | dict[str, int]) -> None:
        """End tests that tell nothing any more."""
        going = [task for tree, task in tuple(self._tests.items()) if tree not in wanted]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    # Landing.

    async def _settle(self, stack: Stack, plan: Plan) -> None:
        """Land the front, reject the one behind it."""
        point("train.proven")
        await asyncio.to_thread(lambda: git_landing.refuse_target(open_repository(self.root), self.train.target))
        results = self._results_of(stack, plan)
        for number in range(plan.land):
            before = stack.links[number - 1].tree if number else stack.tree
            if not await self._land(stack.links[number].change, before, stack.links[number].tree, results):
                return
        if plan.reject:
            link = stack.links[plan.land]
            self._reject_failing(link.change, link.tree)

    def _results_of(self, stack: Stack, plan: Plan) -> tuple[CheckResult, ...]:
        """What checks said of the front as a whole: they stand for each of its landings."""
        return self._said.get(stack.links[plan.land - 1].tree, ()) if plan.land else ()

    async def _land(self, session: str, before: str, after: str, results: tuple[CheckResult, ...]) -> bool:
        """Land one of a proven front. False: what was planned holds no more."""
        entry = self.train.entry(session)
        row = self.supervisor.fleet.rows.get(session)  # type: ignore[call-overload]
        if entry is None or row is None or entry.state not in ("waits", "lands") or self.train.state != "runs":
            return False

        def judged(target: str, commit: str) -> tuple[CheckResult, ...]:
            if tree_of(self.root, target) != before:
                raise Moved(f"{self.train.target} moved while the train was tested", "it is tested anew")
            if tree_of(self.root, commit) != after:
                raise Moved("its work changed after it was put into the train", f"orchestrator merge {row.name}")
            return results

        self.say(self.train.put(session, state="lands"), ahead=True)
        try:
            landed = await landing.merge(
                self.supervisor, row, Merge(session=session, method=entry.method, checks=()), judged=judged
            )
        except NothingToLand as error:
            self.put(session, state="left", why=error.message)
            return before == after
        except Moved as error:
            if not await asyncio.to_thread(self._stands, before):
                self.put(session, state="waits")
                await self._rebase()
            else:
                self._reject(session, error.message)
            return False
        except (WorktreeError, Refused) as error:
            self._reject(session, f"{error.message} → {error.hint}" if error.hint else error.message)
            return False
        point("train.landed")
        train = self.train.put(session, state="landed", after=landed.after, why="")
        self.say(
            train.model_copy(
                update={"outcomes": (*train.outcomes, True), "since": (*train.since, entry.session)},
            )
        )
        return True

    def _stands(self, tree: str) -> bool:
        return tree_of(self.root, self._target()) == tree

    async def _rebase(self) -> None:
        """Somebody else moved the target: who is to blame is looked for from there on."""
        self.change(base=await asyncio.to_thread(self._target), since=())

    def _reject_failing(self, session: str, tree: str) -> None:
        test = next((one for one in self.train.tests if one.tree == tree), None)
        check, key = (test.check, test.key) if test is not None else ("", "")
        said = f"the check {check} fails with it" if check else "it fails"
        ahead, base = self.train.since, self.train.base
        self._reject(session, said, check=check, key=key, deciding=True, base=base, ahead=ahead)
        self._blame.begin(session)
