"""Combined trees: works stacked in order on a target, as objects in the clean room; no branch and no file moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.train.plan import Link
from worktrees import objects
from worktrees.conflicts import merge_tree
from worktrees.integrating import merged
from worktrees.models import Conflict, Settled
from worktrees.trees import tree_of


@dataclass(frozen=True)
class Work:
    """A session's work to be stacked. ``settled``: what of it is in the target by other commits."""

    session: str
    name: str
    commit: str
    settled: Settled | None = None
    joined: bool = False  # it lands with its own commits, so that later ones see them


@dataclass(frozen=True)
class Clash:
    """It does not merge onto those before it. ``partners`` are their names; none: it conflicts with the target."""

    paths: tuple[str, ...]
    partners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stack:
    """``commits`` and ``links`` are those of the works that merge, in order; the rest is in ``clashes``."""

    base: str
    tree: str  # of the base
    links: tuple[Link, ...]
    commits: tuple[str, ...]
    clashes: Mapping[str, Clash]


def build(root: Path, base: str, works: Sequence[Work]) -> Stack:
    """Stack what merges; what conflicts is left out, and those after it stand without it."""
    now, trees, links, commits = base, tree_of(root, base), [], []
    clashes: dict[str, Clash] = {}
    first = trees
    standing: list[Work] = []
    for work in works:
        tree, conflicts = merged(root, now, work.commit, work.settled)
        if conflicts:
            clashes[work.session] = _clash(root, base, standing, work, conflicts)
            continue
        if tree != trees:
            # The same stack gets the same commits: a fixed time.
            now = objects.commit(root, tree, (now, work.commit) if work.joined else (now,), f"{work.name}\n", at=0)
            trees = tree
        links.append(Link(work.session, tree))
        commits.append(now)
        standing.append(work)
    return Stack(base, first, tuple(links), tuple(commits), clashes)


def _clash(root: Path, base: str, standing: Sequence[Work], work: Work, conflicts: Sequence[Conflict]) -> Clash:
    paths = tuple(conflict.path for conflict in conflicts)
    if merged(root, base, work.commit, work.settled)[1]:
        return Clash(paths)
    partners = tuple(other.name for other in standing if merge_tree(root, other.commit, work.commit)[1])
    return Clash(paths, partners or tuple(other.name for other in standing))
