"""Who descends from whom, and where pairs of commits parted: the merge bases of many pairs from one look."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from worktrees.cleanroom import run, run_code

Pair = tuple[str, str]
LIMIT = 100_000
"""Commits above the common floor that are looked at; a history that parted longer ago is not."""


def is_ancestor(path: Path, one: str, other: str) -> bool:
    """Whether ``other`` holds the commit ``one``; False when either is missing. ``path``: checkout or git directory."""
    return run_code(path, "merge-base", "--is-ancestor", one, other, ok=(0, 1, 128))[0] == 0


def merge_bases(repository: Path, pairs: Iterable[Pair]) -> dict[Pair, tuple[str, ...]]:
    """All merge bases of each pair of commits. Empty when one is missing, unrelated to the others, or too far away."""
    wanted = list(dict.fromkeys(pairs))
    tips = sorted({tip for pair in wanted for tip in pair})
    if not tips:
        return {}
    code, said = run_code(repository, "merge-base", "--octopus", *tips, ok=(0, 1, 128))
    if code != 0:
        return {}
    floor = said.split()[0]
    limit = f"--max-count={LIMIT + 1}"
    lines = run(repository, "rev-list", "--topo-order", "--parents", limit, *tips, f"^{floor}").splitlines()
    if len(lines) > LIMIT:
        return {}
    order = [*(line.split(" ") for line in lines), [floor]]
    place = {commit[0]: n for n, commit in enumerate(order)}
    # What the floor does not reach up to here is below it: dominated by the floor, which every tip has.
    parents = [[place[parent] for parent in commit[1:] if parent in place] for commit in order]
    above = {tip: _reached([place[tip]], parents) for tip in tips}
    found: dict[int, tuple[str, ...]] = {}
    bases = {}
    for one, other in wanted:
        common = above[one] & above[other]
        if common not in found:
            found[common] = tuple(order[n][0] for n in _highest(common, parents))
        bases[one, other] = found[common]
    return bases


def _reached(start: list[int], parents: list[list[int]]) -> int:
    """The commits that ``start`` reaches, itself included, as bits."""
    seen, waiting = 0, start
    while waiting:
        at = waiting.pop()
        if not seen >> at & 1:
            seen |= 1 << at
            waiting += parents[at]
    return seen


def _highest(commits: int, parents: list[list[int]]) -> list[int]:
    """Those of ``commits`` that no other one of them reaches; bits are in topological order, children first."""
    highest = []
    while commits:
        at = (commits & -commits).bit_length() - 1
        highest.append(at)
        commits &= ~_reached([at], parents)
    return highest
