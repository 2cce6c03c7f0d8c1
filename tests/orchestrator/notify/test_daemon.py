"""A real daemon tells each breakpoint once: by the user's command, and to the first dashboard that asks."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.machine import Machine

ASKS = """\
import json, os
def tell(**event):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
for n in range(3):
    tell(type="question", id=f"q{n}", title=f"-go on {n}? <b>\\x1b]0;x\\x07", options=[{"key": "1", "label": "Yes"}])
    input()
    tell(type="answered", id=f"q{n}")
input()
"""
RECORD = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + chr(10))"


def call(machine: Machine, **command: Any) -> Any:
    """As a dashboard says it."""
    code = "import json, sys; from orchestrator import client; "
    code += "print(json.dumps(client.request('POST', '/v1/call', json.loads(sys.argv[1]))[1]))"
    argv = [sys.executable, "-c", code, json.dumps(command)]
    return json.loads(subprocess.run(argv, env=machine.env, check=True, capture_output=True, text=True).stdout)


def test_each_breakpoint_is_told_once_and_none_of_the_session_on_screen(machine: Machine) -> None:
    record, lines = machine.folder / "record.py", machine.folder / "told"
    record.write_text(RECORD)
    lines.touch()
    machine.settings(f"[notify]\ncommand = \"{sys.executable} '{record}' '{lines}'\"\n")
    program = machine.folder / "asks.py"
    program.write_text(ASKS)

    def told() -> list[list[str]]:
        return [json.loads(line) for line in lines.read_text().splitlines()]

    def asked(name: str, number: int) -> None:
        machine.until(name, lambda: (machine.session(name)["question"] or {}).get("id") == f"q{number}")

    for name in ("one", "two"):
        machine.ok("run", "--agent", "command", "--name", name, "--", sys.executable, str(program))
    asked("one", 0)
    asked("two", 0)
    machine.until("one", lambda: "one asks" in str(told()) and "two asks" in str(told()))
    assert str(told()).count("one asks") == 1  # both in one, or one after the other
    assert all(title.startswith("orchestrator: ") and body.isprintable() for title, body in told())
    assert "<" not in str(told())

    one, two = machine.session("one")["id"], machine.session("two")["id"]
    marks = {one: "asks/q0", two: "asks/q0", "gone": "asks/q0"}
    assert call(machine, verb="ring", marks=marks)["title"] == "2 agents ask"
    assert call(machine, verb="ring", marks=marks)["title"] == ""  # another dashboard, or the same again
    assert call(machine, verb="ring", marks={one: "asks/q1"})["title"] == ""  # it does not ask that (any more)

    before = len(told())
    call(machine, verb="attend", focus="one")
    machine.ok("answer", "one", "1")
    asked("one", 1)
    machine.ok("answer", "two", "1")
    asked("two", 1)
    machine.until("two", lambda: len(told()) > before)
    assert [title for title, _ in told()[before:]] == ["orchestrator: two asks"]
    assert call(machine, verb="ring", marks={one: "asks/q1"})["title"] == ""

    machine.settings("[notify]\ncommand = '/no/such/program'\n")
    call(machine, verb="attend", focus=None)
    machine.ok("answer", "one", "1")
    asked("one", 2)
    machine.until("one", lambda: "did not tell you" in machine.log())
    assert before + 1 == len(told())
