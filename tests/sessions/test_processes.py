"""Processes of a pane that somebody stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from sessions import processes


@pytest.fixture
def leader() -> Iterator[int]:
    """A start script that waits for its program, in a terminal session of its own."""
    script = "sleep 60 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        yield shell.pid
        os.killpg(shell.pid, signal.SIGKILL)


def _program(leader: int) -> int:
    return next(pid for pid in processes.of_session(leader) if pid != leader)


def test_a_program_that_runs_is_not_held(leader: int) -> None:
    assert not processes.held(leader)


def test_a_program_that_was_stopped_is_held_until_it_goes_on(leader: int) -> None:
    program = _program(leader)
    os.kill(program, signal.SIGSTOP)
    assert processes.held(leader)
    os.kill(program, signal.SIGCONT)
    assert not processes.held(leader)


def test_a_stopped_start_script_alone_holds_nothing(leader: int) -> None:
    os.kill(leader, signal.SIGSTOP)
    assert not processes.held(leader)
    os.kill(leader, signal.SIGCONT)


def test_a_tool_in_a_group_of_its_own_does_not_count() -> None:
    script = "set -m; sleep 60 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True) as shell:
        assert shell.stdout is not None
        tool = int(shell.stdout.readline())
        os.kill(tool, signal.SIGSTOP)
        assert not processes.held(shell.pid)
        os.kill(tool, signal.SIGKILL)
        shell.kill()


def test_nobody_is_held_in_a_session_that_is_gone() -> None:
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()
    assert not processes.held(gone.pid)
