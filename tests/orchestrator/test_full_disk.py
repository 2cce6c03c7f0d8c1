"""The daemon on a full disk: no new launch, a clear message, agents go on; with room again all of it is there."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machine import Machine
from tests.orchestrator.test_kills import AGENT


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def worked(machine: Machine) -> Machine:
    script = machine.folder / "agent.sh"
    script.write_text(AGENT)
    machine.ok("run", "--agent", "command", "--name", "a", "--", "sh", str(script))
    machine.ok("wait", "a", "--for", "done", "--timeout", "20")
    return machine


def _room(machine: Machine, size: int) -> None:
    """No file of the daemon may grow beyond ``size`` bytes, as if its disk had no more."""
    resource.prlimit(machine.daemon_pid(), resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_starts_nothing_and_loses_nothing(worked: Machine) -> None:
    ledger = worked.state / "ledger.sqlite3"
    _room(worked, min(path.stat().st_size for path in (ledger, Path(f"{ledger}-wal")) if path.stat().st_size))
    while worked.run("send", "a", "x" * 3000).returncode == 0 and not _unwritten(worked):
        pass
    refused = worked.refused("run", "--agent", "command", "--name", "never", "--", "cat")
    assert "cannot be written" in refused
    assert "make room" in refused
    assert [item["name"] for item in worked.json("ls")] == ["a"]
    assert not list((worked.state / "worktrees").glob("*/never"))
    assert _unwritten(worked) > 0
    assert "cannot be written" in worked.run("doctor").stdout
    worked.run("send", "a", "said while it was full")  # an agent that runs is steered as before
    _room(worked, resource.RLIM_INFINITY)
    _until(lambda: _unwritten(worked) == 0)
    worked.ok("run", "--agent", "command", "--name", "b", "--", "cat")
    worked.ok("down")
    assert "said while it was full" in "\n".join(worked.json("log", "a")["lines"])
    assert [item["name"] for item in worked.json("ls")] == ["a", "b"]


def _unwritten(machine: Machine) -> int:
    words = "import json; from orchestrator import client; print(json.dumps(client.request('GET', '/v1/about')[1]))"
    done = subprocess.run([sys.executable, "-c", words], env=machine.env, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)["unwritten"])
