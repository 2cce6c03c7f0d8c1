"""Processes of a pane that somebody stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions import processes

_LEADER = """
import os, subprocess, sys
program = subprocess.Popen(["sleep", "60"], process_group=0 if sys.argv[1] == "own" else None)
print(program.pid, flush=True)
while True:
    _, status = os.waitpid(program.pid, os.WUNTRACED | os.WCONTINUED)
    print("stopped" if os.WIFSTOPPED(status) else "runs" if os.WIFCONTINUED(status) else "ended", flush=True)
"""


class Terminal:
    """A terminal session: its leader waits for a program and tells when that is stopped or goes on."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self.shell = shell
        self.leader = shell.pid
        self.program = int(self._line())

    def signal(self, number: signal.Signals, told: str) -> None:
        os.kill(self.program, number)
        assert self._line() == told

    def _line(self) -> str:
        assert self.shell.stdout is not None
        return self.shell.stdout.readline().strip()


@contextmanager
def terminal(group: str = "shared") -> Iterator[Terminal]:
    argv = [sys.executable, "-c", _LEADER, group]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True, text=True) as shell:
        made = Terminal(shell)
        try:
            yield made
        finally:
            os.kill(made.program, signal.SIGKILL)
            shell.kill()


def test_a_program_is_held_from_when_it_was_stopped_until_it_goes_on() -> None:
    with terminal() as here:
        assert not processes.held(here.leader)
        here.signal(signal.SIGSTOP, "stopped")
        assert processes.held(here.leader)
        here.signal(signal.SIGCONT, "runs")
        assert not processes.held(here.leader)


def test_a_stopped_start_script_alone_holds_nothing() -> None:
    with terminal() as here:
        os.kill(here.leader, signal.SIGSTOP)
        os.waitpid(here.leader, os.WUNTRACED)
        assert not processes.held(here.leader)


def test_a_tool_in_a_group_of_its_own_does_not_count() -> None:
    with terminal("own") as here:
        here.signal(signal.SIGSTOP, "stopped")
        assert not processes.held(here.leader)


def test_nobody_is_held_in_a_session_that_is_gone() -> None:
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()
    assert not processes.held(gone.pid)


def _survivor(folder: Path, events: Path) -> subprocess.Popen[str]:
    """A program that a lost terminal does not end, with a tool of its own."""
    folder.mkdir(exist_ok=True)
    script = folder / "launch.sh"
    script.write_text("trap '' HUP TERM\nsleep 60 &\necho up\nwait\n")
    env = {"PATH": os.environ["PATH"], "ORCHESTRATOR_EVENTS": str(events)}
    program = subprocess.Popen(
        ["/bin/sh", str(script)], env=env, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert program.stdout is not None
    program.stdout.readline()
    return program


def test_what_a_lost_pane_left_running_is_found_by_proof_and_ended(tmp_path: Path) -> None:
    with _survivor(tmp_path / "s1", tmp_path / "s1" / "events.jsonl") as program:
        found = processes.survivors(program.pid, tmp_path / "s1")
        assert len(found) == 2
        reaper = threading.Thread(target=program.wait)
        reaper.start()
        processes.end(found, within_s=0.2)
        reaper.join()
        assert processes.survivors(program.pid, tmp_path / "s1") == []


def test_a_process_that_only_has_the_number_is_left_alone(tmp_path: Path) -> None:
    with _survivor(tmp_path / "s1", tmp_path / "s1" / "events.jsonl") as program:
        assert processes.survivors(program.pid, tmp_path / "s") == []
        assert processes.survivors(program.pid, tmp_path / "s2") == []
        for pid in processes.of_session(program.pid):
            os.kill(pid, signal.SIGKILL)
