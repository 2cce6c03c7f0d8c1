"""Variants in the daemon: launched one after the other, compared, and all but one put into the attic."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import landing, launches, standing, timemachine
from orchestrator.commands import (
    Command,
    CompareVariants,
    DiffReply,
    DiffVariants,
    Isolation,
    Pick,
    Refused,
    Run,
    RunVariants,
)
from orchestrator.fleet import Row
from orchestrator.queue import adding
from orchestrator.store import LedgerError
from orchestrator.variants import comparing, naming
from orchestrator.variants.ask import Going, PickReply, VariantsReply, VariantsStarted
from sessions import agents
from sessions.errors import SessionError
from sessions.models import Spec
from worktrees import changes
from worktrees.errors import WorktreeError
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    match command:
        case RunVariants():
            return await _run(supervisor, command)
        case CompareVariants():
            return _compare(supervisor, command.group)
        case DiffVariants():
            one, other = supervisor.row(command.one), supervisor.row(command.other)
            return await asyncio.to_thread(_diff, one, other)
        case Pick():
            return await _pick(supervisor, command)
    raise Refused(f"{command.verb} is not a command of variants")


async def _run(supervisor: Supervisor, command: RunVariants) -> VariantsStarted:
    """What can be refused of any of them is refused before the first is launched."""
    await asyncio.to_thread(open_repository, Path(command.repository))
    for variant in command.variants:
        if variant.agent is not None:
            agents.get(variant.agent).program(Spec(agent=variant.agent, name=""), command.env)
    group, names = _named(supervisor, command)
    started: list[str] = []
    waiting: list[str] = []
    notes: list[str] = []
    reason = ""
    for name, variant in zip(names, command.variants, strict=True):
        run = Run(
            repository=command.repository,
            prompt=command.prompt,
            agent=variant.agent,
            model=variant.model,
            name=name,
            group=group,
            base=command.base,
            permission_mode=command.permission_mode,
            isolation=Isolation(command.isolation) if command.isolation else None,
            method=command.method,
            env=command.env,
            trust=command.trust,
            budget=command.budget,
            now=command.now,
        )
        try:
            reply = await launches.run(supervisor, run, adding.rest(supervisor, run))
        except (Refused, SessionError, WorktreeError, LedgerError) as error:
            if not started + waiting:
                raise
            also = f" ({', '.join(started + waiting)} of {group} are on their way)"
            raise Refused(f"{name} was not launched: {error.message}{also}", error.hint) from error
        started += reply.names
        waiting += reply.queued
        reason = reply.reason or reason
        notes += [note for note in reply.notes if note not in notes]
    return VariantsStarted(group=group, names=tuple(started), waiting=tuple(waiting), reason=reason, notes=tuple(notes))


def _named(supervisor: Supervisor, command: RunVariants) -> tuple[str, tuple[str, ...]]:
    """A name for the group that none has, and one for each session."""
    fleet = supervisor.fleet
    names_of = (*fleet, *fleet.queue.tasks)
    taken = {one.name for one in names_of} | {one.group for one in names_of} | supervisor.admission.names
    stem = command.name or launches.slug(command.prompt)
    group, number = stem, 1
    names = naming.names(group, command.variants)
    while group in taken or not taken.isdisjoint(names):
        if command.name is not None:
            raise Refused(f"there is {group} already, or a session of a name that it needs", "choose another --name")
        number += 1
        group = f"{stem}-{number}"
        names = naming.names(group, command.variants)
    for name in (group, *names):
        launches.check_name(name)
    return group, names


def _compare(supervisor: Supervisor, name: str) -> VariantsReply:
    rows = comparing.group(supervisor.fleet, name)
    if not rows:
        groups = sorted({row.group for row in supervisor.fleet if row.group})
        hint = (
            f"there are: {', '.join(groups[:8])}" if groups else 'launch some: orchestrator run --variants A,B "task"'
        )
        raise Refused(f"no group of variants {name!r}", hint)
    return comparing.compared(rows, supervisor.time.now())


def _diff(one: Row, other: Row) -> DiffReply:
    """Both are snapshotted, so that what is not committed is in it; nothing new is kept of content that is kept."""
    if one.repository != other.repository:
        raise Refused(f"{one.name} and {other.name} are of two repositories", "compare sessions of one")
    trees = []
    for row in (one, other):
        standing.worktree(row)
        trees.append(timemachine.keep(row, "compared with another one").tree)
    found, patch = changes.between(Path(one.repository), trees[0], trees[1])
    return DiffReply(base=one.name, changes=found, patch=patch)


async def _pick(supervisor: Supervisor, command: Pick) -> PickReply:
    row = supervisor.row(command.session)
    others = [other for other in comparing.group(supervisor.fleet, row.name) if other.id != row.id]
    if row.group is None:
        raise Refused(f"{row.name} is no variant of a group", "remove one session: orchestrator rm NAME")
    if not others:
        raise Refused(f"{row.name} is the only one left of {row.group}", f"land it: orchestrator merge {row.name}")
    for other in others:
        if other.merging is not None:
            raise Refused(f"{other.name} is being merged ({other.merging})", "wait for it, then pick")
    going = tuple([await asyncio.to_thread(_going, other) for other in others])
    failed: dict[str, str] = {}
    if not command.dry_run:
        for other in others:
            try:
                await landing.remove(supervisor, other)
            except (Refused, SessionError, WorktreeError, LedgerError, OSError) as error:
                failed[other.name] = getattr(error, "message", str(error))
    return PickReply(
        kept=row.name,
        group=row.group,
        going=tuple(one for one in going if one.name not in failed),
        failed=failed,
    )


def _going(row: Row) -> Going:
    seen = landing.preview_remove(row)
    return Going(
        name=row.name,
        state=row.state.value,
        running=seen.running,
        uncommitted=seen.uncommitted,
        unmerged=seen.unmerged,
    )
