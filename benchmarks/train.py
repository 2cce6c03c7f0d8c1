"""What a merge train costs: ``make bench-train``.

The same queues of branches land one by one (serial), by halving the batch that fails (bors), and as the train plans it,
with one worker and with two: real git, a check of half a second in a fresh worktree of every combined tree, all in one
run. Some branches are bad alone and one pair is bad only together. The same branches have to land in all. Exit code 1
when that is not so, or a goal is missed: fewer checks than halving, and a shorter wall than both. Who is to blame is
looked for by the train beside its landings and not counted here.

``--beside PROGRAM`` runs another queue on the same branches: mergetrain 3.7.1, installed in an environment of its own.
It is asked for one ``validate``; what it then calls ready would land (its ``deploy`` wants a terminal). It names who is
to blame in the same run, and holds back both of a pair that fails together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from random import Random

from orchestrator.train.plan import decide
from orchestrator.train.stack import Stack, Work, build
from worktrees.checks import How, Stop, Stopped
from worktrees.git import run
from worktrees.judging import Ask, judge
from worktrees.repository import Repository, open_repository

Queue = tuple[int, float, frozenset[frozenset[int]]]


@dataclass
class Line:
    """A repository with its branches in a queue, and what is counted."""

    repository: Repository
    works: list[Work]
    start: str
    checks: int = 0

    def stack(self, landed: list[int], more: list[int]) -> Stack:
        return build(self.repository.root, self.target(), [self.works[number] for number in more])

    def target(self) -> str:
        return self.repository.resolve("refs/heads/main")

    def test(self, commit: str, stop: Stop | None = None) -> bool:
        """One check of a combined tree."""
        self.checks += 1
        return judge(self.repository, commit, [Ask("sh check.sh", How(60, stop=stop), retries=0)])[0].good

    def land(self, commit: str) -> None:
        run(self.repository.root, "update-ref", "refs/heads/main", commit, self.target())


def made(folder: Path, queue: Queue, tally: Path | None = None) -> Line:
    """``tally``: a file that gets a line for each check."""
    count, _rate, bad = queue
    root = folder / "project"
    root.mkdir(parents=True)
    run(root, "init", "-q", "-b", "main")
    run(root, "config", "user.name", "Bench")
    run(root, "config", "user.email", "bench@localhost")
    tests = [" && ".join(f"test -e f{number}" for number in sorted(group)) for group in bad]
    told = f"echo >> '{tally}'\n" if tally else ""
    (root / "check.sh").write_text(f"{told}sleep 0.5\n" + "".join(f"if {test}; then exit 1; fi\n" for test in tests))
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", "Begin")
    start = run(root, "rev-parse", "HEAD").strip()
    run(root, "checkout", "-q", "--detach")
    works = []
    for number in range(count):
        run(root, "reset", "-q", "--hard", start)
        (root / f"f{number}").write_text(f"{number}\n")
        run(root, "add", "-A")
        run(root, "commit", "-q", "-m", f"Work {number}")
        works.append(Work(str(number), str(number), run(root, "rev-parse", "HEAD").strip()))
    return Line(open_repository(root), works, start)


def serial(line: Line) -> list[int]:
    landed: list[int] = []
    for number in range(len(line.works)):
        stack = line.stack(landed, [number])
        if line.test(stack.commits[-1]):
            line.land(stack.commits[-1])
            landed.append(number)
    return landed


def halving(line: Line) -> list[int]:
    landed: list[int] = []
    batches = [list(range(len(line.works)))]
    while batches:
        batch = batches.pop(0)
        stack = line.stack(landed, batch)
        if line.test(stack.commits[-1]):
            line.land(stack.commits[-1])
            landed += batch
        elif len(batch) > 1:
            batches[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    return landed


def train(workers: int) -> Callable[[Line], list[int]]:
    def ride(line: Line) -> list[int]:
        landed: list[int] = []
        queue = list(range(len(line.works)))
        results: dict[str, bool] = {}
        outcomes: list[bool] = []
        running: dict[str, tuple[Future[bool], Stop]] = {}
        with ThreadPoolExecutor(workers) as pool:
            stack = line.stack(landed, queue)
            while queue:
                plan = decide(stack.links, results, workers, outcomes, running=frozenset(running))
                if plan.land or plan.reject:
                    if plan.land:
                        line.land(stack.commits[plan.land - 1])
                    landed += queue[: plan.land]
                    outcomes += [True] * plan.land + [False] * plan.reject
                    queue = queue[plan.land + plan.reject :]
                    stack = line.stack(landed, queue)
                    continue
                wanted = {stack.links[length - 1].tree: stack.commits[length - 1] for length in plan.tests}
                for tree in [tree for tree in running if tree not in wanted]:
                    test, stop = running.pop(tree)
                    stop.set()
                    if not isinstance(test.exception(), Stopped | None):
                        test.result()
                for tree, commit in wanted.items():
                    if tree not in running:
                        stop = Stop()
                        running[tree] = pool.submit(line.test, commit, stop), stop
                wait([test for test, _stop in running.values()], return_when=FIRST_COMPLETED)
                for tree in [tree for tree, (test, _stop) in running.items() if test.done()]:
                    results[tree] = running.pop(tree)[0].result()
            for test, stop in running.values():
                stop.set()
                test.exception()
        return landed

    return ride


WAYS: dict[str, Callable[[Line], list[int]]] = {
    "serial": serial,
    "halving": halving,
    "train, 1": train(1),
    "train, 2": train(2),
}


def beside(program: Path, folder: Path, queue: Queue) -> tuple[int, float, int]:
    """Checks, seconds, and how many branches are ready to land."""
    tally = folder / "tally"
    line = made(folder, queue, tally)
    root = line.repository.root
    run(folder, "init", "-q", "--bare", "-b", "main", "origin.git")
    run(root, "remote", "add", "origin", str(folder / "origin.git"))
    run(root, "push", "-q", "origin", "main")
    settings = folder / "mergetrain.yaml"
    settings.write_text("version: 2\nproject:\n  name: bench\ngates:\n  - name: check\n    run: sh check.sh\n")
    env = {**os.environ, "HOME": str(folder)}
    words = [str(program), "--config", str(settings), "--repo", str(root), "--db", str(folder / "queue.db")]

    def ask(*more: str) -> str:
        return subprocess.run([*words, *more], env=env, capture_output=True, text=True, check=False).stdout

    for work in line.works:
        run(root, "worktree", "add", "-q", "-b", f"b{work.session}", str(folder / f"w{work.session}"), work.commit)
        ask("enqueue", "--task", f"t{work.session}", "--branch", f"b{work.session}")
    began = time.monotonic()
    ask("validate")
    wall = time.monotonic() - began
    ready = json.loads(ask("status", "--json"))["counts"]["ready"]
    return len(tally.read_text().splitlines()), wall, ready


def queues(counts: list[int], rates: list[float], seeds: int) -> list[list[Queue]]:
    found = []
    for count in counts:
        for rate in rates:
            several = []
            for seed in range(seeds):
                chance = Random(seed)
                alone = [frozenset([number]) for number in range(count) if chance.random() < rate]
                several.append((count, rate, frozenset([*alone, frozenset(chance.sample(range(count), 2))])))
            found.append(several)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--counts", type=int, nargs="*", default=[8, 32])
    parser.add_argument("--rates", type=float, nargs="*", default=[0.02, 0.1, 0.3])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--beside", type=Path, help="a mergetrain to run on the same branches")
    wanted = parser.parse_args()
    good = True
    print(f"checks and seconds, the mean of {wanted.seeds} queues", flush=True)
    print(f"{'branches':>8} {'bad':>4}" + "".join(f"{name:>16}" for name in WAYS))
    with tempfile.TemporaryDirectory(prefix="bench-train-") as place:
        os.environ["ORCHESTRATOR_HOME"] = str(Path(place) / "home")
        os.environ["GIT_CONFIG_GLOBAL"] = "/dev/null"
        for group in queues(wanted.counts, wanted.rates, wanted.seeds):
            checks, wall = dict.fromkeys(WAYS, 0.0), dict.fromkeys(WAYS, 0.0)
            for seed, queue in enumerate(group):
                landed: dict[str, list[int]] = {}
                for name, way in WAYS.items():
                    line = made(Path(place) / f"{queue[0]}-{queue[1]}-{seed}-{name}", queue)
                    began = time.monotonic()
                    landed[name] = way(line)
                    wall[name] += (time.monotonic() - began) / len(group)
                    checks[name] += line.checks / len(group)
                same = all(found == landed["serial"] for found in landed.values())
                if not same:
                    print(f"not the same branches landed: {landed}")
                good = good and same
                if wanted.beside:
                    other = beside(wanted.beside, Path(place) / f"{queue[0]}-{queue[1]}-{seed}-beside", queue)
                    print(
                        f"{'':>13} mergetrain: {other[0]} checks, {other[1]:.1f} s, {other[2]} ready; "
                        f"{len(landed['serial'])} landed by each of the ways below"
                    )
            cells = "".join(f"{checks[name]:>8.1f}{wall[name]:>7.1f}s" for name in WAYS)
            print(f"{group[0][0]:>8} {group[0][1]:>4.0%}{cells}", flush=True)
            best = min(checks["train, 1"], checks["train, 2"]) < checks["halving"]
            quick = min(wall["train, 1"], wall["train, 2"]) < min(wall["serial"], wall["halving"])
            good = good and best and quick
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
