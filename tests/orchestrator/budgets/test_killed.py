"""SIGKILL between what is written of a held or parked session and what is done to it; afterwards it is done once."""

from __future__ import annotations

import json
import sys

import pytest

from sessions import processes
from tests.machine import Machine
from tests.nightly import some
from tests.orchestrator.budgets.test_held import asked, script, steps
from tests.orchestrator.budgets.test_parked import PROGRAM, words
from tests.orchestrator.test_kills import Faulty


@pytest.mark.parametrize("fault", some(["budget.freed", "budget.asked", "budget.allowed"], each=3))
def test_a_held_session_is_held_or_goes_on_as_the_ledger_says(machine: Machine, fault: str) -> None:
    script(machine, steps=4, output=100)
    daemon = Faulty(machine).serve(fault)
    machine.run("run", "--agent", "coder", "--name", "one", "--max-tokens", "150", "Count")
    if fault != "budget.asked":
        machine.ok("wait", "one", "--for", "blocked", "--timeout", "40")
        machine.run("answer", "one", "a")
    assert daemon.wait(20) == -9
    if fault == "budget.asked":
        machine.until("one", lambda: processes.held(machine.session("one")["pid"]))
        machine.ok("answer", "one", "a")
    machine.ok("wait", "one", "--for", "done", "--timeout", "40")
    assert steps(machine.session("one")) == 4
    assert len(asked(machine, "one")) == 1


@pytest.mark.parametrize("fault", some(["parking.begun", "parking.told"]))
def test_a_parked_session_goes_on_once(machine: Machine, fault: str) -> None:
    program = machine.folder / "limited.py"
    program.write_text(PROGRAM)
    machine.settings(f"[agents.coder]\ncommand = {json.dumps([sys.executable, '-u', str(program)])}\n")
    daemon = Faulty(machine).serve(fault)
    machine.run("run", "--agent", "coder", "--name", "one", "soon")
    assert daemon.wait(40) == -9
    assert machine.session("one")["state"] in ("rate_limited", "done", "working")
    machine.until("one", lambda: words(machine, "one") == ["continue"])
    machine.until("one", lambda: machine.session("one")["parked_until"] is None)
    assert words(machine, "one") == ["continue"]
