"""What ``doctor`` finds, and the one thing that it mends when asked to."""

from __future__ import annotations

import os
from pathlib import Path

from tests.machine import Machine


def test_a_lock_that_a_killed_git_left_is_found_and_put_aside_only_on_demand(machine: Machine) -> None:
    lock = machine.repository / ".git" / "index.lock"
    lock.write_text("half an index")
    assert "is in the way, made" in machine.ok("doctor")  # seconds old: no proof
    machine.ok("doctor", "--unlock")
    assert lock.exists()
    os.utime(lock, (1e9, 1e9))
    said = machine.run("doctor")
    assert said.returncode == 1
    assert f"{lock} was left behind" in said.stdout
    assert "orchestrator doctor --unlock" in said.stdout
    assert lock.exists()
    assert "it is kept as" in machine.ok("doctor", "--unlock")
    assert not lock.exists()
    kept = list((machine.repository / ".git" / "orchestrator" / "locks").iterdir())
    assert [path.read_text() for path in kept] == ["half an index"]
    assert "lock" not in machine.ok("doctor").replace("locale", "").split()


def test_locks_of_sessions_are_found_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    machine.ok("run", "--agent", "command", "--name", "t", "--", "cat")
    (machine.repository / ".git" / "worktrees" / "t" / "index.lock").touch()
    away = tmp_path / "away"
    away.mkdir()
    machine.repository, repository = away, machine.repository
    assert "worktrees/t/index.lock is in the way" in machine.ok("doctor")
    machine.repository = repository
