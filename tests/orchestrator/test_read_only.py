"""A daemon on a ledger that it cannot use: the fleet is found, shown and steered; nothing is written until rebuilt."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.machine import Machine
from tests.orchestrator.test_kills import AGENT


@pytest.fixture
def worked(machine: Machine) -> Machine:
    """One session that made something, one that was removed; the daemon was killed."""
    script = machine.folder / "agent.sh"
    script.write_text(AGENT)
    for name in ("a", "gone"):
        machine.ok("run", "--agent", "command", "--name", name, "--", "sh", str(script))
        machine.ok("wait", name, "--for", "done", "--timeout", "20")
    machine.ok("rm", "gone", "--yes")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    return machine


def _damage(machine: Machine) -> bytes:
    path = machine.state / "ledger.sqlite3"
    for part in ("-wal", "-shm"):
        Path(f"{path}{part}").unlink(missing_ok=True)
    path.write_bytes(b"\xff" * 8192)
    return path.read_bytes()


def test_a_damaged_ledger_costs_no_session_and_no_work(worked: Machine) -> None:
    before = _damage(worked)
    listed = worked.run("ls")
    assert listed.returncode == 0
    assert "read-only" in listed.stderr
    assert "cannot be read" in listed.stderr
    (item,) = worked.json("ls")
    assert (item["name"], item["generation"], item["branch"]) == ("a", 1, "agent/a")
    worked.ok("wait", "a", "--for", "done,idle", "--timeout", "20")
    worked.ok("send", "a", "still here?")
    assert "+precious" in worked.ok("diff", "a")
    for refused in (("run", "--agent", "command", "--", "cat"), ("rm", "a", "--yes"), ("resume", "--all")):
        said = worked.refused(*refused)
        assert "nothing can be written down" in said
        assert "--rebuild-ledger" in said
    assert (worked.state / "ledger.sqlite3").read_bytes() == before
    assert "--rebuild-ledger" in worked.run("doctor").stdout

    said = worked.ok("doctor", "--rebuild-ledger")
    assert "1 sessions found: a" in said or "1 session found: a" in said
    (aside,) = worked.state.glob("ledger.sqlite3.damaged-*")
    assert aside.read_bytes() == before
    (item,) = worked.json("ls")
    assert (item["name"], item["generation"]) == ("a", 1)
    worked.ok("wait", "a", "--for", "done,idle", "--timeout", "20")
    worked.ok("send", "a", "and now?")
    worktree = Path(item["worktree"])
    assert len((worktree / "starts").read_text().split()) == 1
    worked.ok("stop", "a")
    worked.ok("resume", "a")
    assert worked.session("a")["generation"] == 2
    worked.ok("rm", "a", "--yes")
    assert worked.json("ls") == []


def test_a_session_of_which_only_the_worktree_is_left_is_found(worked: Machine) -> None:
    _damage(worked)
    worktree = next((worked.state / "worktrees").glob("*/a"))
    shutil.rmtree(worked.state / "sessions")
    worked.ok("doctor", "--rebuild-ledger")
    (item,) = worked.json("ls")
    assert (item["name"], item["agent"], item["worktree"]) == ("a", "unknown", str(worktree))
    assert item["state"] == "lost"
    assert "+precious" in worked.ok("diff", "a")
    assert "is gone" in worked.refused("resume", "a")


def test_a_whole_ledger_is_not_rebuilt(worked: Machine) -> None:
    assert "nothing to rebuild" in worked.refused("doctor", "--rebuild-ledger")
    worked.ok("ls")
    assert "nothing to rebuild" in worked.refused("doctor", "--rebuild-ledger")
