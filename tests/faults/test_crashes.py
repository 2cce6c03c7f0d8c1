"""Agents that do not start or crash again and again, and a ledger that is damaged or whose disk is full."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.puppet import Puppet
from tests.faults.scene import Scene


def _program(scene: Scene, text: str) -> str:
    script = scene.folder / "program.sh"
    script.write_text(text)
    return str(script)


@fault(
    4,
    Guard("an end within three seconds is no start", {"sessions.ending:Ending._ended_at_once": "nothing"}),
    Guard("the screen is read when the program has ended", {"sessions.ending:Ending._last_look": "sees_nothing"}),
)
def test_04_the_agent_ends_right_after_its_start(scene: Scene) -> None:
    """That a pane was made is no evidence: it is told as failed to start, with its last words."""
    program = _program(scene, "echo 'unknown option --sped'; exit 2\n")
    scene.machine.ok("run", "--agent", "command", "--name", "p", "--", "sh", program)
    scene.machine.ok("wait", "p", "--for", "crashed,exited,failed", "--timeout", "20")
    failure = scene.machine.session("p")["launch_failure"] or ""
    scene.safe("failed to start: exited with code 2" in failure, "nobody is told that it never began")
    scene.safe("unknown option --sped" in failure, "its last words are lost")


@fault(5, Guard("more than three crashes in five minutes end it", {"orchestrator.recovery:pause": "no_pause"}))
def test_05_a_crash_loop(scene: Scene) -> None:
    """It is started again three times, then the human is asked, with the reason."""
    scene.sabotage("orchestrator.recovery:PAUSES", "short_pauses")
    scene.machine.settings('[run]\nrestart = "on-crash"\n')
    starts = scene.folder / "starts"
    program = _program(scene, f"echo x >>{starts}; kill -9 $$\n")
    scene.machine.ok("run", "--agent", "command", "--name", "p", "--", "sh", program)
    count = lambda: len(starts.read_text().split()) if starts.exists() else 0  # noqa: E731
    asked = lambda: "not started again" in (scene.machine.session("p")["launch_failure"] or "")  # noqa: E731
    scene.wait(lambda: asked() or count() > 6, "nobody is asked")
    scene.safe(count() == 4, f"it was begun {count()} times and nobody is asked")
    assert "orchestrator resume p" in scene.machine.session("p")["launch_failure"]


def _about(scene: Scene) -> dict[str, Any]:
    words = "import json; from orchestrator import client; print(json.dumps(client.request('GET', '/v1/about')[1]))"
    done = subprocess.run(
        [sys.executable, "-c", words], env=scene.machine.env, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@fault(
    25,
    Guard("what happens meanwhile is held in memory", {"orchestrator.store:Store.observe": "written_or_lost"}),
    Guard("nothing is begun that is not written down", {"orchestrator.supervisor:Supervisor.intend": "begun_anyway"}),
)
def test_25_the_disk_is_full(scene: Scene) -> None:
    """No new launch, with the reason; an agent that runs goes on, and with room again all of it is in the ledger."""
    agent = Puppet(scene)
    agent.run()
    machine, pid = scene.machine, scene.machine.daemon_pid()
    ledger = machine.state / "ledger.sqlite3"
    sizes = [path.stat().st_size for path in (ledger, Path(f"{ledger}-wal")) if path.stat().st_size]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(sizes), resource.RLIM_INFINITY))
    for text in ("x" * 9000, "said while it was full"):
        agent.do(f'tell \'{{"type": "message", "role": "agent", "text": "{text}"}}\'')
    scene.wait(lambda: not scene.guarded or _about(scene)["unwritten"], "the disk is not full")
    refused = machine.run("run", "--agent", "command", "--name", "q", "--", "cat")
    scene.safe(refused.returncode == 1, "an agent was begun of which nothing is written down")
    if scene.guarded:
        assert "make room" in refused.stderr
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    scene.wait(lambda: _about(scene)["unwritten"] == 0, "it is not written when there is room again")
    log = "\n".join(machine.json("log", "p")["lines"])
    scene.safe("said while it was full" in log, "what happened while the disk was full is lost")
    machine.ok("run", "--agent", "command", "--name", "q", "--", "cat")


@fault(
    26,
    Guard("a ledger that cannot be used is looked past", {"orchestrator.rebuild:open_ledger": "ledger_or_nothing"}),
    Guard("sessions are found by folders, refs and panes", {"orchestrator.found:sessions": "empty"}),
)
def test_26_the_ledger_is_damaged(scene: Scene) -> None:
    """The fleet is found and shown as read-only; the file stays as it is until the human has a new one written."""
    agent = Puppet(scene)
    agent.run()
    scene.expect(agent.worktree / "work.txt", b"the only copy\n")
    agent.do("state working; echo the only copy >work.txt; state done")
    machine = scene.machine
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    ledger = machine.state / "ledger.sqlite3"
    for part in ("-wal", "-shm"):
        Path(f"{ledger}{part}").unlink(missing_ok=True)
    ledger.write_bytes(b"\xff" * 8192)
    listed = machine.run("ls", "--json")
    names = [item["name"] for item in json.loads(listed.stdout)] if listed.returncode == 0 else []
    scene.safe(names == ["p"], "the fleet is gone")
    assert "read-only" in machine.run("ls").stderr
    assert "rebuild-ledger" in machine.refused("run", "--agent", "command", "--", "cat")
    scene.safe(ledger.read_bytes() == b"\xff" * 8192, "the evidence was written over")
    machine.ok("doctor", "--rebuild-ledger")
    scene.safe(next(machine.state.glob("ledger.sqlite3.damaged-*")).read_bytes() == b"\xff" * 8192, "it was deleted")
    agent.do("state working; state done")
    scene.safe(agent.starts == 1 and machine.session("p")["generation"] == 1, "it was begun twice")
