"""Conflicts of a session with its target: shown, decided, and accepted as a merge on the session's branch.

Nothing lands from here: the branch gets the merge as one operation, and landing goes on from there as always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import asking, landing, stacking, standing, timemachine
from orchestrator.commands import Command, Refused
from orchestrator.conflict_commands import ConflictsReply, Offer, Resolve, Resolved
from orchestrator.events import Followed
from orchestrator.fleet import Row
from sessions.errors import SessionError
from worktrees import mergiraf, proposals, remembering, resolving
from worktrees.errors import WorktreeError
from worktrees.problems import Problem, Resolution, ThreeWay, left, take
from worktrees.repository import open_repository
from worktrees.resolving import Work
from worktrees.three_way import Names

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    row = supervisor.row(getattr(command, "session", ""))
    match command.verb:
        case "conflicts":
            return await asyncio.to_thread(look, supervisor, row)
        case "resolve":
            return await resolve(supervisor, row, command)
        case "ask_agent":
            return await asking.ask(supervisor, row, command)
        case other:
            raise Refused(f"{other} is not a command", "")


def look(supervisor: Supervisor, row: Row) -> ConflictsReply:
    """What there is to decide, what was decided, and what is offered."""
    work, found = seen(supervisor, row)
    git_dir = open_repository(Path(row.repository)).git_dir
    offers = []
    for problem in found.problems:
        if (before := remembering.recall(git_dir, problem)) is not None:
            offers.append(Offer(by="remembered", resolution=before))
        if (text := mergiraf.offer(problem)) is not None:
            offers.append(Offer(by="mergiraf", resolution=proposals.of_text(problem, text)))
    proposed, of_agents = asking.proposals(supervisor, row, work, found)
    known = {problem.id for problem in found.problems}
    return ConflictsReply(
        session=row.name,
        ours=row.target,
        theirs=row.name,
        work=work.id,
        problems=found.problems,
        draft=tuple(one for one in remembering.draft(row.id) if one.problem in known),
        offers=(*offers, *of_agents),
        proposals=proposed,
    )


def seen(supervisor: Supervisor, row: Row) -> tuple[Work, ThreeWay]:
    """The session's work as it is now, and how it merges. NothingToLand when it merges cleanly."""
    work = Work(standing.worktree(row), row.target, stacking.settled(supervisor, row))
    found = work.look(names(row))
    resolving.refuse_clean(found, row.name, row.target)
    return work, found


def names(row: Row) -> Names:
    return Names(row.target, row.name)


async def resolve(supervisor: Supervisor, row: Row, command: Resolve) -> Resolved:
    """Keep what is decided; when nothing is open, and unless it is only to be kept, accept it."""
    work, found = await asyncio.to_thread(seen, supervisor, row)
    if command.work is not None and command.work != work.id:
        await asyncio.to_thread(_keep, row, command.resolutions)
        raise Refused(f"{row.name} or {row.target} has moved since the conflicts were looked at", resolving.AGAIN)
    decided = await asyncio.to_thread(_decided, row, found, command)
    open_ = sum(left(problem, decided.get(problem.id)) for problem in found.problems)
    if command.keep:
        return Resolved(message=f"kept; {open_} decisions are open", left=open_)
    if open_ and command.proposal is None:
        names_ = [problem.path for problem in found.problems if left(problem, decided.get(problem.id))]
        said = ", ".join(names_[:3]) + (" …" if len(names_) > 3 else "")
        raise Refused(
            f"{open_} decisions are open, in {said}; those that were made are kept",
            f"orchestrator conflicts {row.name} · orchestrator resolve {row.name} --take ours|theirs FILE",
        )
    landing.refuse_unfinished(row)
    stacking.refuse_above(supervisor, row)

    def tree(now: Work) -> str:
        return resolving.resolved_tree(now.worktree, now.look(names(row)), decided.values(), command.proposal)

    def go() -> str:
        return resolving.accept(
            Path(row.worktree),
            row.id,
            row.target,
            work.id,
            tree,
            name=row.name,
            message=command.message or _message(row, found),
            settled=stacking.settled(supervisor, row),
            limits=timemachine.limits(row),
        )

    async with supervisor.landing_lock(row.repository):
        tip = await asyncio.to_thread(go)
    supervisor.emit(row.id, Followed(head=tip, base_commit=work.target))
    supervisor.git.look(row.id)
    await asyncio.to_thread(_remember, row, found, decided)
    await _end_resolvers(supervisor, row)
    return Resolved(message=f"{row.name} holds all of {row.target} now ({tip[:10]}): it can land", tip=tip)


def _decided(row: Row, found: ThreeWay, command: Resolve) -> dict[str, Resolution]:
    """By conflict, what is decided now; it is kept as the draft."""
    decided = {one.problem: one for one in (*remembering.draft(row.id), *command.resolutions)}
    if command.take is not None:
        wanted = [problem for problem in found.problems if problem.path in command.files]
        if missing := sorted(set(command.files) - {problem.path for problem in wanted}):
            raise Refused(f"{missing[0]} is not in conflict", f"orchestrator conflicts {row.name}")
        if not command.files:
            wanted = [problem for problem in found.problems if left(problem, decided.get(problem.id))]
        for problem in wanted:
            decided[problem.id] = _merged(problem, decided.get(problem.id), command)
    elif command.files:
        raise Refused("files are named, and no side to take", "add: --take ours or --take theirs")
    _keep(row, decided.values())
    return {problem.id: decided[problem.id] for problem in found.problems if problem.id in decided}


def _merged(problem: Problem, before: Resolution | None, command: Resolve) -> Resolution:
    """A side for all of a problem that is named; for one that is not, only for what is open in it."""
    assert command.take is not None
    made = take(problem, command.take)
    if command.files or before is None:
        return made
    picks = (*before.picks, *(None for _ in problem.hunks))
    picks = tuple(old or new for old, new in zip(picks, made.picks, strict=False))
    return made.model_copy(update={"choice": before.choice or made.choice, "picks": picks, "text": before.text})


def _keep(row: Row, resolutions: Iterable[Resolution]) -> None:
    """The draft, together with what was decided about files as they were before."""
    known = {one.problem: one for one in remembering.draft(row.id)}
    remembering.keep_draft(row.id, ({**known, **{one.problem: one for one in resolutions}}).values())


def _remember(row: Row, found: ThreeWay, decided: dict[str, Resolution]) -> None:
    git_dir = open_repository(Path(row.repository)).git_dir
    for problem in found.problems:
        if problem.id in decided:
            remembering.remember(git_dir, problem, decided[problem.id])
    remembering.drop_draft(row.id)


def _message(row: Row, found: ThreeWay) -> str:
    lines = "".join(f"- {problem.path}: {problem.kind}\n" for problem in found.problems[:50])
    return f"Merge branch '{row.target}' into {row.branch}\n\nConflicts that were resolved:\n{lines}"


async def _end_resolvers(supervisor: Supervisor, row: Row) -> None:
    """Sessions that were asked about these conflicts go to the attic."""
    for other in [other for other in supervisor.fleet if other.resolves == row.id]:
        try:
            await landing.remove(supervisor, other)
        except (Refused, WorktreeError, SessionError, OSError) as error:
            words = f"{getattr(error, 'message', error)}; then: orchestrator rm {other.name}"
            supervisor.notice("warning", f"{other.name} was not removed", words)
