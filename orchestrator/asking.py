"""An agent is asked to resolve a session's conflicts: in a worktree of its own, and it only proposes.

Its session begins at the merge as git left it, marks and all, with both intents and both diffs in its task. What its
worktree holds when it rests is the proposal: read as resolutions, shown beside the others, and taken by a human or not.
Checks run on it as on any session's work. It cannot land by itself.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import launches, stacking
from orchestrator.commands import Refused, Run
from orchestrator.conflict_commands import AskAgent, Offer, Proposal
from orchestrator.fleet import Row
from orchestrator.replies import Started
from sessions.models import SessionId, State
from worktrees import inert, resolving, trees
from worktrees import proposals as read
from worktrees.ancestry import is_ancestor
from worktrees.changes import head
from worktrees.cleanroom import run, run_code
from worktrees.errors import WorktreeError
from worktrees.problems import Resolution, ThreeWay
from worktrees.resolving import Work
from worktrees.snapshots import tree_of

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

MOST = 8000
"""Characters of each diff in the task; the agent has all of it in its worktree."""
_BROKEN = {State.FAILED, State.CRASHED, State.LOST}


async def ask(supervisor: Supervisor, row: Row, command: AskAgent) -> Started:
    """Start a session on the conflicted merge."""
    from orchestrator.conflicts import seen

    if row.resolves is not None:
        raise Refused(f"{row.name} resolves conflicts itself", f"tell it what to do: orchestrator send {row.name} TEXT")

    def prepare() -> tuple[str, str]:
        work, found = seen(supervisor, row)
        start = resolving.commit(work, found.tree, f"Merge {row.target} into {row.branch}, with its conflicts\n")
        return start, task(row, work, found)

    start, words = await asyncio.to_thread(prepare)
    taken = {other.name for other in supervisor.fleet}
    stem = f"resolve-{row.name}"[:56]
    name = next(name for n in range(1, 1000) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
    wanted = Run(
        repository=row.repository,
        prompt=words,
        agent=command.agent or row.agent,
        base=start,
        name=name,
        isolation=row.isolation,
        trust=command.trust,
        env=command.env,
        resolves=row.id,
    )
    return await launches.run(supervisor, wanted)


def task(row: Row, work: Work, found: ThreeWay) -> str:
    """What the agent is told: what conflicts, what each side wanted, what each side did."""
    root = work.worktree
    base = run_code(root, "merge-base", found.ours, found.theirs, ok=(0, 1))[1].strip() or found.ours
    said = run(root, "log", "--no-merges", "--max-count=20", "--format=%s%n%n%b", f"{base}..{work.target}")
    paths = [f":(literal){path}" for path in run_paths(root, found)]
    parts = [
        f"This worktree holds the merge of {row.branch} into {row.target}, which conflicts. Resolve it: edit the files "
        "so that what both sides wanted holds, and leave no conflict marks. Change nothing else, unless the merge "
        "needs it. You need not commit.",
        "In conflict:\n" + "\n".join(f"- {one.path}: {one.kind}. {one.words}" for one in found.problems[:100]),
        f"What {row.branch} was to do:\n{row.prompt}",
        f"What came into {row.target} meanwhile:\n{said.strip() or 'nothing that its commits tell'}",
    ]
    for side, commit in ((row.target, found.ours), (row.branch, found.theirs)):
        diff = run(root, "diff", "--no-color", base, commit, "--", *paths)
        cut = f"{diff[:MOST]}\n… (git diff {base[:10]} {commit[:10]} has all of it)" if len(diff) > MOST else diff
        parts.append(f"What {side} did to these files:\n{cut}")
    return inert.block("\n\n".join(parts))


def run_paths(root: Path, found: ThreeWay) -> list[str]:
    """Every path that a resolution could touch, as git has it."""
    return sorted({path for effect in found.effects.values() for path in effect})


def proposals(
    supervisor: Supervisor, row: Row, work: Work, found: ThreeWay
) -> tuple[tuple[Proposal, ...], tuple[Offer, ...]]:
    """What the agents that were asked propose, as whole merges and conflict by conflict."""
    proposed: list[Proposal] = []
    offers: list[Offer] = []
    for other in (other for other in supervisor.fleet if other.resolves == row.id):
        checks = _checks(other)
        if not stacking.rests(other):
            proposed.append(Proposal(session=other.name, state="works"))
            continue
        if other.status.state in _BROKEN:
            proposed.append(
                Proposal(session=other.name, state=f"it {other.status.state}: orchestrator show {other.name}")
            )
            continue
        try:
            tree, resolutions, also = _read(other, work, found)
        except WorktreeError as error:
            proposed.append(Proposal(session=other.name, state=error.message, checks=checks))
            continue
        proposed.append(Proposal(session=other.name, state="ready", tree=tree, checks=checks, also=also))
        offers += [Offer(by=other.name, resolution=one) for one in resolutions]
    return tuple(proposed), tuple(offers)


def _read(other: Row, work: Work, found: ThreeWay) -> tuple[str, tuple[Resolution, ...], tuple[str, ...]]:
    worktree = Path(other.worktree)
    if not worktree.is_dir():
        raise WorktreeError("its worktree is gone")
    head(worktree)  # a sealed one's commits are brought over
    tree = tree_of(worktree)
    for side in (work.target, work.tip):
        if not is_ancestor(worktree, side, other.base_commit):
            raise WorktreeError("it was asked about older work: what it proposes is of another merge")
    began = trees.tree_of(worktree, other.base_commit)
    if began != found.tree:
        raise WorktreeError("it was asked about older work: what it proposes is of another merge")
    if tree == began:
        raise WorktreeError("it changed nothing")
    resolving.refuse_marks(work.worktree, found, tree)
    resolutions, also = read.of_tree(work.worktree, found, tree)
    return tree, resolutions, also


def rested(supervisor: Supervisor, session: SessionId) -> None:
    """A session that was asked came to rest: say so."""
    row = supervisor.fleet.rows.get(session)
    if row is None or row.resolves is None or row.status.state not in (State.DONE, State.IDLE) or row.totals.files == 0:
        return
    asker = supervisor.fleet.rows.get(row.resolves)
    if asker is not None and row.status.state is State.DONE:
        supervisor.notice("info", f"{row.name} proposes a resolution", f"look: orchestrator conflicts {asker.name}")


def _checks(row: Row) -> str:
    if row.checks is None:
        return ""
    return ", ".join(f"{word.name} {word.state}" for word in row.checks.words)
