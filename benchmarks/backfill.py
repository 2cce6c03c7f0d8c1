"""How full the queue keeps its slots: ``make bench-backfill``.

12 tasks on 4 slots on a real daemon, agents of random length, some after others; once in peace, and once with a SIGKILL
of the daemon in the middle, after which nothing but ``orchestrator queue`` starts the next one. A slot counts as used
from when its session is written down until its agent is done by its own clock: what passes until that is noticed,
while there is no daemon, and until the next task is chosen is lost. Counted is the time in which a task waits that may
start. Exit code 1 when less than 0.95 of it is used, an agent ran twice or not at all, one began before what it comes
after was done, or more ran at once than there are slots.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from orchestrator.store import Store
from tests.machine import Machine

GOAL = 0.95
AGENT = """
printf '{"type": "state", "state": "working"}\\n' >> "$ORCHESTRATOR_EVENTS"
echo "began $1 $(date +%s.%N)" >> "$3"
sleep "$2"
echo "ended $1 $(date +%s.%N)" >> "$3"
printf '{"type": "state", "state": "done"}\\n' >> "$ORCHESTRATOR_EVENTS"
cat
"""


@dataclass(frozen=True)
class Job:
    """A task: how long its agent works (seconds), and which it comes after."""

    name: str
    lasts: float
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stay:
    """When a session took its slot, when its agent began and when it was done: seconds of the wall clock."""

    taken: float
    began: float
    ended: float


def utilisation(jobs: Sequence[Job], stays: Mapping[str, Stay], slots: int) -> float:
    """The used share of the slots, over the time in which a task waits that may start."""
    after = {job.name: job.after for job in jobs}
    first = min(stay.taken for stay in stays.values())
    may = {name: max([first, *(stays[other].ended for other in after[name])]) for name in stays}
    edges = sorted({first, *may.values(), *(at for stay in stays.values() for at in (stay.taken, stay.ended))})
    used = counted = 0.0
    for start, end in pairwise(edges):
        if any(may[name] <= start < stay.taken for name, stay in stays.items()):
            counted += end - start
            used += (end - start) * sum(stay.taken <= start < stay.ended for stay in stays.values())
    return used / (counted * slots) if counted else 1.0


def faults(jobs: Sequence[Job], told: Sequence[str], slots: int) -> list[str]:
    """What must not be in the lines that the agents wrote."""
    found, running, done = [], 0, set()
    after = {job.name: job.after for job in jobs}
    began = [line.split()[1] for line in told if line.startswith("began")]
    found += [f"{name} ran {began.count(name)} times" for name in after if began.count(name) != 1]
    for line in told:
        word, name, _ = line.split()
        running += 1 if word == "began" else -1
        if word == "ended":
            done.add(name)
        elif early := set(after[name]) - done:
            found.append(f"{name} began before {', '.join(sorted(early))} was done")
        if running > slots:
            found.append(f"{running} ran at once, on {slots} slots")
    return found


def play(machine: Machine, jobs: Sequence[Job], slots: int, *, kill_after: int | None = None) -> dict[str, Stay]:
    """Queue ``jobs`` and wait until all are done. ``kill_after``: so many have begun when the daemon is killed.

    Raises AssertionError with what must not have been.
    """
    log, script = machine.folder / "told", machine.folder / "agent.sh"
    log.touch()
    script.write_text(AGENT)
    machine.settings(f'[queue]\nslots = {slots}\nafter = "done"\n[run]\nmax_running = 64\n')
    machine.ok("queue", "hold")
    for job in jobs:
        after = [word for name in job.after for word in ("--after", name)]
        program = ("sh", str(script), job.name, str(job.lasts), str(log))
        machine.ok("add", "--agent", "command", "--name", job.name, *after, "--", *program)

    def told(word: str = "") -> list[str]:
        return [line for line in log.read_text().splitlines() if line.startswith(word)]

    machine.ok("queue", "release")
    if kill_after is not None:
        machine.until(jobs[0].name, lambda: len(told("began")) >= kill_after)
        os.kill(machine.daemon_pid(), signal.SIGKILL)
        machine.ok("queue")
    machine.until(jobs[0].name, lambda: not machine.json("queue")["lines"])
    assert not (found := faults(jobs, told(), slots)), "; ".join(found)
    at = {(line.split()[0], line.split()[1]): float(line.split()[2]) for line in told()}
    store = Store(machine.state / "ledger.sqlite3")
    try:
        taken = {
            envelope.event.name: envelope.at.timestamp()
            for envelope in store.since(0)
            if envelope.event.event == "created"
        }
    finally:
        store.close()
    return {job.name: Stay(taken[job.name], at["began", job.name], at["ended", job.name]) for job in jobs}


def made(chance: Random, count: int = 12) -> list[Job]:
    """Agents of 4 to 14 seconds; every fourth comes after an earlier one."""
    return [
        Job(f"t{number}", round(chance.uniform(4, 14), 1), (f"t{chance.randrange(number)}",) if number % 4 == 3 else ())
        for number in range(count)
    ]


def main() -> int:
    """Both runs; prints a line for each."""
    good = True
    for how, kill_after in (("in peace", None), ("the daemon killed after 6 starts", 6)):
        jobs = made(Random(6))
        with tempfile.TemporaryDirectory(prefix="orchestrator-backfill-") as folder:
            machine = Machine(Path(folder) / "machine")
            try:
                stays = play(machine, jobs, 4, kill_after=kill_after)
            except AssertionError as error:
                print(f"{how}: {error}")
                good = False
                continue
            finally:
                machine.end()
        share = utilisation(jobs, stays, 4)
        wall = max(stay.ended for stay in stays.values()) - min(stay.taken for stay in stays.values())
        launch = sorted(stay.began - stay.taken for stay in stays.values())[len(stays) // 2]
        print(
            f"{how}: {share:.3f} of 4 slots used while a task waited that may start (goal {GOAL}); "
            f"12 tasks once each in {wall:.0f} s, an agent begins {launch * 1000:.0f} ms after its slot is taken"
        )
        good &= share >= GOAL
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
