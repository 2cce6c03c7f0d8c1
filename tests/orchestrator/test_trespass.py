"""An agent that commits into the main checkout is seen, and what the human does alone is not told."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.machine import Machine

TRESPASSER = r"""
printf '%s\n' '{"type": "state", "state": "working"}' >> "$ORCHESTRATOR_EVENTS"
read -r line
cd "$1" && echo bad > bad.txt && git add bad.txt && git commit -q -m "Straight on main"
read -r line
"""


def notices(machine: Machine) -> list[str]:
    words = "import json; from orchestrator import client; print(json.dumps(client.request('GET', '/v1/fleet')[1]))"
    done = subprocess.run([sys.executable, "-c", words], env=machine.env, capture_output=True, text=True, check=True)
    return [f"{one['event']['title']}: {one['event']['message']}" for one in json.loads(done.stdout)["notices"]]


def test_a_commit_in_the_main_checkout_while_an_agent_works_is_told_with_the_way_back(machine: Machine) -> None:
    script = machine.folder / "agent.sh"
    script.write_text(TRESPASSER)
    before = machine.git("rev-parse", "main")
    machine.ok("run", "--agent", "command", "--name", "bad", "--", "sh", str(script), str(machine.repository))
    machine.ok("wait", "bad", "--for", "working", "--timeout", "20")
    machine.ok("diff", "bad")
    machine.ok("send", "bad", "go")
    told: list[str] = []
    for _look in range(200):
        told = [text for text in notices(machine) if "not landed" in text]
        if told:
            break
    (text,) = told
    assert "Straight on main was committed in" in text
    assert "while bad worked" in text
    assert f"reset --keep {before[:10]} takes it back" in text
    machine.ok("stop", "bad")
    machine.write("mine.txt", "mine\n")
    machine.commit("My own")
    machine.ok("ls")
    assert len([text for text in notices(machine) if "not landed" in text]) == 1
