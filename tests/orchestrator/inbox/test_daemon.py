"""Snoozes, priorities and the order on a real daemon that is killed in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.machine import Machine

ASKS = """\
import json, os
def tell(**event):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
for n in range(2):
    tell(type="question", id=f"q{n}", title=f"go on {n}?", options=[{"key": "1", "label": "Yes"}])
    input()
    tell(type="answered", id=f"q{n}")
tell(type="state", state="done")
input()
"""


def attend(machine: Machine, session: str) -> None:
    """The human turned to it, as a dashboard tells."""
    code = "import sys; from orchestrator import client; "
    code += "assert client.request('POST', '/v1/call', {'verb': 'attend', 'focus': sys.argv[1]})[0] == 200"
    subprocess.run([sys.executable, "-c", code, session], env=machine.env, check=True)


def names(machine: Machine) -> list[tuple[str, bool]]:
    return [(item["names"][0], item["snoozed"]) for item in machine.json("inbox")]


def test_the_order_a_priority_and_a_snooze_survive_a_kill(machine: Machine) -> None:
    assert machine.json("inbox") == []
    for name in ("one", "two"):
        program = machine.folder / f"{name}.py"
        program.write_text(ASKS.replace("go on", f"go on {name}"))
        machine.ok("run", "--agent", "command", "--name", name, "--", sys.executable, str(program))
        machine.ok("wait", name, "--for", "blocked", "--timeout", "20")
    assert names(machine) == [("one", False), ("two", False)]
    assert "priority +2" in machine.ok("prioritise", "two", "2")
    assert names(machine) == [("two", False), ("one", False)]
    assert "its priority is +2" in machine.ok("next")
    assert "is snoozed until" in machine.ok("snooze", "two", "10m")
    assert "is snoozed until something changes" in machine.ok("snooze", "one")
    assert machine.json("inbox")[0]["until"] is None or machine.json("inbox")[1]["until"] is None

    os.kill(machine.daemon_pid(), signal.SIGKILL)
    assert names(machine) == [("two", True), ("one", True)]
    assert "is back in the inbox" in machine.ok("snooze", "two", "--off")
    assert names(machine) == [("two", False), ("one", True)]
    assert "is not snoozed" in machine.refused("snooze", "two", "--off")
    attend(machine, machine.session("one")["id"])
    machine.ok("answer", "one", "1")
    machine.until("one", lambda: machine.session("one")["question"]["title"] == "go on one 1?")
    assert names(machine) == [("two", False), ("one", False)]
    assert machine.json("next")["what"] == "go on two 0?"
    machine.until("one", lambda: machine.json("next")["expected_s"] < 30)  # one quick answer, and the prior
    assert "you snoozed it until" in machine.ok("log", "two")
    assert "no time to snooze" in machine.refused("snooze", "two", "soon", code=2)
