"""SIGKILL at every step of a train, in turn: what is proven lands once, what is bad does not, and nothing is lost."""

from __future__ import annotations

import time

from tests.machine import Machine
from tests.nightly import some
from tests.orchestrator.test_kills import Faulty
from tests.orchestrator.train.test_train import agents, checked, newest, states
from worktrees.faultpoints import POINTS

STEPS = [name for name in POINTS if name.startswith("train.")]
STEPS += ["operation.moved", "operation.planned", "operation.done", "operation.closed"]


def ended(machine: Machine) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while (train := newest(machine))["state"] == "runs" and time.monotonic() < deadline:
        machine.run("wait", train["entries"][0]["name"], "--for", "working", "--timeout", "0.2")
    return train


def test_a_train_that_is_killed_anywhere_comes_to_the_same_end(machine: Machine) -> None:
    checked(machine, "! ls bad*")
    faulty = Faulty(machine)
    for number, fault in enumerate(some(STEPS, each=3)):
        good, bad, last = f"good{number}", f"bad{number}", f"last{number}"
        agents(machine, **{name: name for name in (good, bad, last)})
        machine.ok("down")
        machine.wait_for_no_daemon()
        assert faulty.until_killed(faulty.serve(fault), "merge", good, bad, last, "--detach"), fault
        assert states(ended(machine)) == {good: "landed", bad: "rejected", last: "landed"}, fault
        subjects = machine.git("log", "--format=%s", "main").splitlines()
        names = set(machine.git("ls-tree", "--name-only", "main").split())
        assert {good, last} <= names, fault
        assert bad not in names, fault
        assert len(subjects) == 2 + 2 * (number + 1), (fault, subjects)  # each landed once
        assert not machine.git("status", "--porcelain", "--untracked-files=no").strip(), fault
        assert machine.git("rev-parse", "--verify", f"agent/{bad}"), fault  # the work is where it was
