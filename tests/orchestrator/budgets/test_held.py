"""A cap on a real daemon: the session is held, asks, survives a kill -9 of the daemon, goes on and finishes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from sessions import processes
from tests.machine import Machine


def script(machine: Machine, steps: int, output: int) -> None:
    """A model that calls the shell ``steps`` times and then is done; every answer is of ``output`` tokens.

    It thinks for a moment, as models do: faster than a signal no cap can be.
    """
    answers: list[dict[str, Any]] = [
        {
            "text": f"Step {n}.",
            "pause": 0.7,
            "usage": {"input": 10, "output": output},
            "calls": [{"name": "run", "input": {"command": f"echo {n} >> steps", "why": "to count"}}],
        }
        for n in range(steps)
    ]
    path = machine.folder / "script.json"
    path.write_text(json.dumps({"delay": 0, "steps": [*answers, {"text": "Done.", "usage": {"output": output}}]}))
    args = ["--provider", "scripted", "--script", str(path), "--permission-mode", "bypass"]
    machine.settings(f"[agents.coder]\nargs = {json.dumps(args)}\n")


def steps(item: dict[str, Any]) -> int:
    path = Path(item["worktree"]) / "steps"
    return len(path.read_text().splitlines()) if path.exists() else 0


def asked(machine: Machine, name: str) -> list[str]:
    """The ids of the questions about budgets that the ledger holds, in order."""
    store = Store(machine.state / "ledger.sqlite3")
    session = machine.session(name)["id"]
    found = [envelope.event for envelope in store.of(session, ("status",))]
    store.close()
    return [
        event.status.question.id
        for event in found
        if event.event == "status" and event.status.kind == "budget" and event.status.question is not None
    ]


def test_a_cap_holds_and_asks_once_and_a_yes_lets_it_finish(machine: Machine) -> None:
    script(machine, steps=6, output=100)
    machine.ok("run", "--agent", "coder", "--name", "one", "--max-tokens", "250", "Count")
    machine.ok("wait", "one", "--for", "blocked", "--timeout", "40")
    item = machine.session("one")
    assert item["kind"] == "budget"
    assert item["question"]["title"] == "300 tokens of this session's 250 tokens are spent. Go on?"
    assert item["tokens"]["output"] == 300
    assert processes.held(item["pid"])
    before = steps(item)
    assert "budget" in machine.ok("why", "one")
    assert "is held" in machine.refused("send", "one", "more")
    machine.ok("pause", "one")
    machine.ok("unpause", "one")
    assert processes.held(item["pid"])

    os.kill(machine.daemon_pid(), signal.SIGKILL)
    assert machine.session("one")["question"]["id"] == item["question"]["id"]
    assert processes.held(item["pid"])
    assert steps(machine.session("one")) == before
    assert "spent" in machine.ok("budget", "one")
    assert "is no answer" in machine.refused("answer", "one", "9")
    machine.ok("answer", "one", "y", "--question", item["question"]["id"])
    again = machine.run("answer", "one", "y", "--question", item["question"]["id"])  # adds nothing a second time
    assert "goes on already" in again.stdout or "asks something else by now" in again.stderr
    machine.until("one", lambda: len(asked(machine, "one")) == 2)
    item = machine.session("one")
    assert item["question"]["title"] == "500 tokens of this session's 500 tokens are spent. Go on?"
    machine.ok("answer", "one", "a")
    machine.ok("wait", "one", "--for", "done", "--timeout", "40")
    item = machine.session("one")
    assert (item["tokens"]["output"], steps(item)) == (700, 6)
    assert len(asked(machine, "one")) == 2
    assert machine.log().count("a cap is nearly reached") == 2  # at 200 of 250, and at 400 of 500
    (line,) = [line for line in machine.json("budget", "one")["lines"] if line["scope"] == "session"]
    assert line["lifted"]


def test_the_cap_of_a_day_holds_all_and_one_yes_lets_all_go_on_and_a_no_stops_one(machine: Machine) -> None:
    script(machine, steps=6, output=100)
    with (machine.home / ".config" / "orchestrator" / "config.toml").open("a") as file:
        file.write('[budget]\nday = "250 tokens"\n')
    machine.ok("run", "--agent", "coder", "-n", "2", "--name", "both", "Count")
    for name in ("both-1", "both-2"):
        machine.ok("wait", name, "--for", "blocked", "--timeout", "40")
    assert "250 tokens are spent" in machine.refused("run", "--agent", "coder", "--name", "third", "Count")
    assert "--day --add" in machine.refused("run", "--agent", "coder", "--name", "third", "Count")
    assert machine.session("both-1")["question"]["same"] == [machine.session("both-2")["id"]]
    machine.ok("answer", "both-2", "n")
    assert machine.session("both-2")["state"] == "exited"
    machine.ok("budget", "--day", "--add", "10k")
    machine.ok("wait", "both-1", "--for", "done", "--timeout", "40")
    assert steps(machine.session("both-1")) == 6
    assert steps(machine.session("both-2")) < 6
    machine.ok("run", "--agent", "coder", "--name", "third", "--budget", "$1", "--model", "unknown-model", "Count")
    assert "no price is known for unknown-model" in machine.log()
    machine.ok("wait", "third", "--for", "done", "--timeout", "40")
    assert machine.log().count("third: a cap that cannot hold") == 1
