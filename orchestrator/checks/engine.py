"""Runs checks on commits: in slots, by what they need, each once for equal tree, definition and environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from orchestrator.checks import environment, results
from orchestrator.checks.definition import Check
from orchestrator.checks.slots import Slots
from sessions.models import Model
from worktrees.checks import NICE, How, Stop, Stopped
from worktrees.cleanroom import run
from worktrees.judging import Ask, judge
from worktrees.models import CheckResult
from worktrees.repository import Repository

UNTOUCHED = "no path that it is about was changed"


class Reuse(StrEnum):
    """Which earlier results of the same tree, definition and environment stand."""

    ALL = "all"
    GOOD = "good"  # what failed is asked anew
    NONE = "none"


class Phase(StrEnum):
    WAITS = "waits"
    RUNS = "runs"
    AGAIN = "again"  # once more, because it failed
    ENDED = "ended"


@dataclass(frozen=True)
class Progress:
    """``key`` names the output while it runs (see results.output); ``result`` is there when it has ended."""

    name: str
    phase: Phase
    key: str = ""
    result: CheckResult | None = None


@dataclass(frozen=True)
class Job:
    """``base``: what changed since then decides which path filters hold; None: all checks run. ``around``: the words of
    the box that checks of a folder run in, ``boxed`` when there is one. ``asked``: a human waits for it.
    """

    repository: Repository
    commit: str
    checks: tuple[Check, ...]
    base: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    around: Callable[[Path], tuple[str, ...]] = lambda _folder: ()
    boxed: bool = False
    reuse: Reuse = Reuse.GOOD
    asked: bool = True


class Report(Model):
    """What all checks of a job said, in the order of their definition."""

    commit: str
    tree: str
    results: tuple[CheckResult, ...]

    @property
    def good(self) -> bool:
        return all(result.good for result in self.results)

    @property
    def bad(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.good)


Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Seen:
    """What is known of a check: its result, if it has one, and what it does now, if it runs."""

    check: Check
    key: str
    result: CheckResult | None
    phase: Phase | None


@dataclass
class _Running:
    task: asyncio.Task[tuple[CheckResult, ...]]
    listeners: list[Told]
    ends: bool = False  # nobody waits for it any more


class Engine:
    """One for all repositories. All methods are for the event loop."""

    def __init__(self, slots: int | None = None) -> None:
        self.slots = slots or max(1, (os.cpu_count() or 1) // 2)
        self._slots = Slots(self.slots)
        self._own: dict[tuple[Path, str], asyncio.Semaphore] = {}
        self._running: dict[str, _Running] = {}
        self._phases: dict[str, Phase] = {}  # by key, of what runs
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="check")

    async def run(self, job: Job, told: Told = lambda _progress: None) -> Report:
        """Judge a commit. When this is cancelled, what runs for nobody else ends with all of its processes.

        ``told`` is called in the event loop. Raises what git has to say.
        """
        tree = await asyncio.to_thread(_tree, job)
        skipped = await asyncio.to_thread(_untouched, job)
        done: dict[str, asyncio.Task[tuple[CheckResult, ...]]] = {}
        ready = asyncio.Event()  # every task is known to the others
        try:
            for row in _rows(job.checks):
                one = asyncio.ensure_future(self._row(job, tree, row, skipped, done, ready, told))
                done |= {check.name: one for check in row}
            ready.set()
            tasks = set(done.values())
            if tasks:
                await asyncio.gather(*tasks)
        finally:
            left = [task for task in done.values() if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        found = {result.name: result for task in set(done.values()) for result in task.result()}
        return Report(commit=job.commit, tree=tree, results=tuple(found[check.name] for check in job.checks))

    async def look(self, job: Job) -> tuple[Seen, ...]:
        """What is known of each check of a job; nothing is run. ``job.commit`` may be a tree."""
        skipped = await asyncio.to_thread(_untouched, job)
        tree = await asyncio.to_thread(_tree, job)
        found: list[Seen] = []
        for row in _rows(job.checks):
            keys = await asyncio.to_thread(_keys, job, tree, row)
            for check, key in zip(row, keys, strict=True):
                result = await asyncio.to_thread(results.read, key)
                if check.name in skipped:
                    result = _not_run(check, UNTOUCHED)
                found.append(Seen(check, key, result, self._phases.get(key)))
        return tuple(found)

    async def close(self) -> None:
        """End all that runs, with its processes and worktrees."""
        running = [one.task for one in self._running.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._threads.shutdown(wait=False)

    async def _row(
        self,
        job: Job,
        tree: str,
        row: tuple[Check, ...],
        skipped: frozenset[str],
        done: Mapping[str, asyncio.Task[tuple[CheckResult, ...]]],
        ready: asyncio.Event,
        told: Told,
    ) -> tuple[CheckResult, ...]:
        await ready.wait()

        def ended(results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
            for result in results:
                told(Progress(result.name, Phase.ENDED, result.key, result))
            return results

        for other in [name for check in row for name in check.needs]:
            told(Progress(row[0].name, Phase.WAITS))
            if not all(result.good for result in await asyncio.shield(done[other]) if result.name == other):
                return ended(tuple(_not_run(check, f"it needs {other}", blocked=True) for check in row))
        if row[0].name in skipped:
            return ended(tuple(_not_run(check, UNTOUCHED) for check in row))
        keys = await asyncio.to_thread(_keys, job, tree, row)
        if (known := await asyncio.to_thread(_known, row, keys, job.reuse)) is not None:
            return ended(known)
        return ended(await self._shared(job, row, keys, told))

    async def _shared(self, job: Job, row: tuple[Check, ...], keys: list[str], told: Told) -> tuple[CheckResult, ...]:
        """Run it, or wait for whoever runs the very same already. It ends when nobody waits any more."""
        while (running := self._running.get(keys[-1])) is not None and running.ends:
            await asyncio.wait([running.task])  # it writes to the same file
            self._forget(keys[-1], running)
        if running is None:
            listeners: list[Told] = []
            task = asyncio.ensure_future(self._in_slot(job, row, keys, lambda said: [tell(said) for tell in listeners]))
            running = self._running[keys[-1]] = _Running(task, listeners)
        names = {key: check.name for key, check in zip(keys, row, strict=True)}

        def listen(said: Progress) -> None:  # one of the same words may have another name
            told(replace(said, name=names[said.key]))

        running.listeners.append(listen)
        told(Progress(row[0].name, Phase.WAITS, keys[0]))
        try:
            found = await asyncio.shield(running.task)
            return tuple(
                result.model_copy(update={"name": check.name}) for result, check in zip(found, row, strict=True)
            )
        finally:
            running.listeners.remove(listen)
            if not running.listeners:
                running.ends = True
                running.task.cancel()
                await asyncio.wait([running.task])
                self._forget(keys[-1], running)

    def _forget(self, key: str, running: _Running) -> None:
        if self._running.get(key) is running:
            del self._running[key]

    async def _in_slot(
        self, job: Job, row: tuple[Check, ...], keys: list[str], told: Callable[[Progress], object]
    ) -> tuple[CheckResult, ...]:
        own = self._own_slots(job.repository.root, row)
        self._phases |= dict.fromkeys(keys, Phase.WAITS)
        try:
            async with own, self._slots.one(0 if job.asked else 1):
                return await self._carry_out(job, row, keys, told)
        finally:
            for key in keys:
                self._phases.pop(key, None)

    def _own_slots(self, root: Path, row: tuple[Check, ...]) -> asyncio.Semaphore:
        limit = row[0].parallel
        if limit is None:
            return asyncio.Semaphore(1)  # nobody else's
        return self._own.setdefault((root, f"{row[0].name}\0{limit}"), asyncio.Semaphore(limit))

    async def _carry_out(
        self, job: Job, row: tuple[Check, ...], keys: list[str], told: Callable[[Progress], object]
    ) -> tuple[CheckResult, ...]:
        loop, stop = asyncio.get_running_loop(), Stop()

        def begins(number: int, again: bool) -> None:
            phase = self._phases[keys[number]] = Phase.AGAIN if again else Phase.RUNS
            told(Progress(row[number].name, phase, keys[number]))

        def tell(number: int, again: bool) -> None:
            loop.call_soon_threadsafe(begins, number, again)

        thread = loop.run_in_executor(self._threads, _judge, job, row, keys, stop, tell)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.gather(thread, return_exceptions=True)
            raise


def _judge(
    job: Job, row: tuple[Check, ...], keys: list[str], stop: Stop, told: Callable[[int, bool], None]
) -> tuple[CheckResult, ...]:
    asked = []
    for check, key in zip(row, keys, strict=True):
        output = results.output(key)
        output.with_suffix(".json").unlink(missing_ok=True)
        output.unlink(missing_ok=True)
        how = How(
            deadline_s=check.timeout,
            env={**job.env, **check.env},
            around=job.around,
            output=output,
            nice=0 if job.asked else NICE,
            stop=stop,
        )
        asked.append(Ask(check.command, how, check.retries))
    try:
        said = judge(job.repository, job.commit, asked, told)
    except Stopped:
        for key in keys:
            results.output(key).unlink(missing_ok=True)
        raise
    at = datetime.now(UTC)
    kept = tuple(
        result.model_copy(update={"name": check.name, "key": key, "at": at})
        for result, check, key in zip(said, row, keys, strict=False)
    )
    for result in kept:
        results.write(result)
    bad = f"{row[len(kept) - 1].name} is not good" if kept else ""
    return (*kept, *(_not_run(check, bad, blocked=True) for check in row[len(kept) :]))


def _rows(checks: tuple[Check, ...]) -> list[tuple[Check, ...]]:
    """What runs in one worktree each."""
    rows: dict[str, list[Check]] = {}
    for check in checks:
        rows.setdefault(check.row or f"\0{check.name}", []).append(check)
    return [tuple(row) for row in rows.values()]


def _tree(job: Job) -> str:
    return run(job.repository.root, "rev-parse", f"{job.commit}^{{tree}}").strip()


def _keys(job: Job, tree: str, row: tuple[Check, ...]) -> list[str]:
    env = {**job.env, **{name: value for check in row for name, value in check.env.items()}}
    seen = environment.digest(env, [check.command for check in row], job.boxed)
    return [
        results.key(job.repository.root, tree, check.digest(row[:number]), seen) for number, check in enumerate(row)
    ]


def _known(row: tuple[Check, ...], keys: list[str], reuse: Reuse) -> tuple[CheckResult, ...] | None:
    """What stands of earlier runs, when all of the row does."""
    if reuse is Reuse.NONE:
        return None
    known: list[CheckResult] = []
    for check, key in zip(row, keys, strict=True):
        if known and not known[-1].good:
            known.append(_not_run(check, f"{known[-1].name} is not good", blocked=True))
            continue
        result = results.read(key)
        if result is None or (reuse is Reuse.GOOD and not result.good):
            return None
        known.append(result.model_copy(update={"name": check.name, "reused": True}))
    return tuple(known)


def _not_run(check: Check, why: str, *, blocked: bool = False) -> CheckResult:
    return CheckResult(
        command=check.command, exit_code=None, output="", seconds=0, name=check.name, not_run=why, blocked=blocked
    )


def _untouched(job: Job) -> frozenset[str]:
    """Checks none of whose paths changed since the base."""
    if job.base is None:
        return frozenset()
    return frozenset(check.name for check in job.checks if check.paths and not _touched(job, check.paths))


def _touched(job: Job, paths: tuple[str, ...]) -> bool:
    """Git's own globs: ``**`` for any folders, and ``!`` in front takes away."""
    specs = [f":(exclude,glob){path[1:]}" if path.startswith("!") else f":(glob){path}" for path in paths]
    words = ("diff-tree", "-r", "--name-only", "--no-renames", "-z", f"{job.base}", job.commit, "--", *specs)
    return bool(run(job.repository.root, *words))
