"""What the radar costs and whether it is right: ``make bench-radar``.

Agreement with a real ``git merge`` on random pairs of works, then the cost of a first look at a fleet and of one after
a single session changed, beside the same pairs asked of git one by one. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.worktrees.histories import Tree, Writer, pairs, really
from worktrees import conflicts
from worktrees.ancestry import merge_bases
from worktrees.git import run
from worktrees.radar import Radar, apart, touched

FIRST_S = 4.0
AGAIN_S = 0.3
ROUNDS = 5


def agreement(root: Path, count: int) -> bool:
    """Merge ``count`` random pairs both ways."""
    made = pairs(root, count, seed=500)
    foreseen = Radar().look(root, made)
    bases = {pair: found[0] for pair, found in merge_bases(root, made).items() if len(found) == 1}
    sides = touched(root, sorted({(base, tip) for pair, base in bases.items() for tip in pair}))
    told = sum(apart(sides[base, one], sides[base, other]) for (one, other), base in bases.items())
    right = conflicting = 0
    for pair in made:
        clean, unmerged = really(root, *pair)
        found = foreseen[pair]
        paths = {conflict.path for conflict in found.conflicts}
        right += not found.error and (not paths) is clean and (not unmerged or paths == unmerged)
        conflicting += not clean
    print(f"agreement with git merge: {right} of {count} pairs ({conflicting} conflict; {told} told without merging)")
    return right == count


def fleet(root: Path, sessions: int, files: int) -> tuple[str, list[str], list[str]]:
    """A target, a work of each session, and what each of them does next."""
    chance, writer = Random(1), Writer()
    lines = [f"line {n}\n".encode() for n in range(60)]
    tree: Tree = {f"src/{n % 50}/part{n % 9}/module{n}.py": ("100644", b"".join(lines)) for n in range(files)}
    names = sorted(tree)
    base = writer.commit(tree)
    target = writer.commit(_edited(tree, names[:3], chance), base)
    tips, marks = [], []
    for _ in range(sessions):
        # As agents do: some files of its own, and one or two that many touch.
        mine = _edited(tree, [*chance.sample(names, 12), *chance.sample(names[:6], 2)], chance)
        mark = writer.commit(mine, base)
        tips.append(mark)
        marks.append(writer.commit(_edited(mine, chance.sample(names, 2), chance), mark))
    run(root, "fast-import", "--quiet", stdin=b"".join(writer.stream))
    ids = {
        int(line.split()[0].rsplit("/", 1)[1]): line.split()[1]
        for line in run(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/made").splitlines()
    }
    return ids[target], [ids[mark] for mark in tips], [ids[mark] for mark in marks]


def _edited(tree: Tree, names: list[str], chance: Random) -> Tree:
    edited = dict(tree)
    for name in names:
        lines = edited[name][1].splitlines(keepends=True)
        lines[chance.randrange(len(lines))] = b"edited %d\n" % chance.randint(0, 10**6)
        edited[name] = "100644", b"".join(lines)
    return edited


def wanted(target: str, works: list[str]) -> list[tuple[str, str]]:
    """Each against the target and against every other."""
    return [(target, work) for work in works] + [(a, b) for n, a in enumerate(works) for b in works[n + 1 :]]


def cost(root: Path, sessions: int, files: int) -> bool:
    target, works, later = fleet(root, sessions, files)
    firsts, agains = [], []
    for round_ in range(ROUNDS):
        seen, now = Radar(), list(works)
        firsts.append(_took(lambda seen=seen, now=now: seen.look(root, wanted(target, now))))
        now[round_ % sessions] = later[round_ % sessions]
        agains.append(_took(lambda seen=seen, now=now: seen.look(root, wanted(target, now))))
    asked = wanted(target, works)
    began = time.perf_counter()
    for pair in asked:
        conflicts.preview(root, *pair)
    alone = time.perf_counter() - began
    found = Radar().look(root, asked)
    conflicting = sum(bool(forecast.conflicts) for forecast in found.values())
    print(f"{sessions} sessions, {files} files, {len(asked)} pairs, {conflicting} conflict")
    for what, took, goal in (("first look", firsts, FIRST_S), ("one session changed", agains, AGAIN_S)):
        print(f"  {what:20} median {statistics.median(took):.2f} s, worst {max(took):.2f} s  (goal {goal} s)")
    print(f"  one git for each     {alone:.2f} s")
    return statistics.median(firsts) <= FIRST_S and statistics.median(agains) <= AGAIN_S


def _took(work: object) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=500, metavar="N", help="random pairs to merge for real")
    options.add_argument("--sessions", type=int, default=20, metavar="N")
    options.add_argument("--files", type=int, default=5000, metavar="N")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="orchestrator-radar-") as folder:
        os.environ |= {"HOME": folder, "ORCHESTRATOR_HOME": f"{folder}/home"}
        right = True
        for name in ("agreement", "cost"):
            root = Path(folder) / name
            root.mkdir()
            run(root, "init", "-q", "-b", "main")
            run(root, "config", "user.email", "radar@localhost")
            run(root, "config", "user.name", "radar")
            if name == "cost":
                right &= cost(root, asked.sessions, asked.files)
            elif asked.pairs:
                right &= agreement(root, asked.pairs)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
