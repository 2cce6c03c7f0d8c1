"""Sessions come back: all after tmux died, crashed ones if the settings say so, none twice, none against the human."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.recovery import LIMIT, PAUSES, pause
from orchestrator.rows import CRASHES
from orchestrator.store import Store
from sessions import processes
from sessions.events import StatusChanged
from sessions.models import SessionId, State, Status
from tests.machine import Machine
from tests.orchestrator.test_kills import AGENT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _agent(machine: Machine, name: str, program: str = AGENT) -> None:
    script = machine.folder / f"{name}.sh"
    script.write_text(program)
    machine.ok("run", "--agent", "command", "--name", name, "--", "sh", str(script))


def _tmux_dies(machine: Machine) -> None:
    subprocess.run(["tmux", "-L", machine.server().socket, "kill-server"], check=True)
    machine.wait_for_no_daemon()


def _until(condition: Callable[[], object], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_all_come_back_after_tmux_died_but_for_what_the_human_put_to_rest(machine: Machine) -> None:
    for name in ("a", "b", "stopped", "held", "parked"):
        _agent(machine, name)
    for name in ("a", "b", "stopped", "held", "parked"):
        machine.ok("wait", name, "--for", "done", "--timeout", "20")
    machine.run("send", "a", "the last words")
    machine.ok("stop", "stopped")
    machine.ok("pause", "held")
    _tmux_dies(machine)
    for name in ("a", "b", "held", "parked"):
        item = machine.session(name)
        assert item["state"] == "lost", name
    shown = machine.run("show", "a")
    assert "heard the last words" in shown.stdout
    assert "orchestrator resume a" in shown.stderr
    machine.ok("stop", "parked")  # it did not run, and is not to come back
    said = machine.json("resume", "--all")
    assert said == {"names": ["a", "b"], "failed": {}, "left": ["held"]}
    for name in ("a", "b"):
        item = machine.session(name)
        assert (item["generation"], item["agent_session_id"]) == (2, "conversation-1")
        assert item["recovered"] is not None
        worktree = Path(item["worktree"])
        _until(lambda worktree=worktree: len((worktree / "starts").read_text().split()) == 2)  # type: ignore[misc]
        assert (worktree / "work").read_text() == "precious\n"
    assert "after it was lost" in machine.ok("show", "a")
    assert "resume --all leaves it alone" in machine.ok("show", "stopped")
    assert machine.json("resume", "--all") == {"names": [], "failed": {}, "left": ["held"]}
    machine.ok("resume", "held")
    assert machine.session("held")["state"] != "paused"


def test_what_down_ended_comes_back_with_all(machine: Machine) -> None:
    for name in ("a", "mine"):
        _agent(machine, name)
        machine.ok("wait", name, "--for", "done", "--timeout", "20")
    machine.ok("stop", "mine")
    machine.ok("down", "--agents")
    assert machine.session("a")["state"] == "exited"
    assert machine.json("resume", "--all")["names"] == ["a"]


def test_of_two_who_resume_at_once_one_wins_and_the_other_is_told(machine: Machine) -> None:
    _agent(machine, "a")
    machine.ok("wait", "a", "--for", "done", "--timeout", "20")
    _tmux_dies(machine)
    machine.ok("ls")
    words = (str(Path(os.sys.executable)), "-m", "orchestrator", "resume", "a")  # type: ignore[attr-defined]
    both = [
        subprocess.Popen(words, env=machine.env, cwd=machine.repository, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1, 1, 1]
    assert sum("being started already" in text or "runs already" in text for text in told) == 3
    item = machine.session("a")
    assert item["generation"] == 2
    _until(lambda: len((Path(item["worktree"]) / "starts").read_text().split()) == 2)


def test_a_second_daemon_is_refused_even_when_the_lock_file_was_deleted(machine: Machine) -> None:
    machine.ok("ls")
    first = machine.daemon_pid()
    (machine.state / "daemon.lock").unlink()
    second = machine.run("serve")
    assert second.returncode == 0
    assert "runs already" in second.stderr
    assert machine.daemon_pid() == first


def test_what_a_lost_pane_left_running_is_ended_before_its_successor_starts(machine: Machine) -> None:
    _agent(machine, "a", 'trap "" HUP TERM\n' + AGENT + "\nwhile :; do sleep 1; done\n")
    machine.ok("wait", "a", "--for", "done", "--timeout", "20")
    before = machine.session("a")
    subprocess.run(["tmux", "-L", machine.server().socket, "kill-server"], check=True)
    machine.wait_for_no_daemon()
    folder = machine.state / "sessions" / before["id"]
    assert processes.survivors(before["pid"], folder)
    machine.ok("resume", "a")
    assert processes.survivors(before["pid"], folder) == []
    again = machine.session("a")
    assert again["generation"] == 2
    for pid in processes.survivors(again["pid"], folder):  # it would outlive the test
        os.kill(pid, signal.SIGKILL)


def test_a_killed_agent_says_what_to_do_next(machine: Machine) -> None:
    _agent(machine, "a")
    machine.ok("wait", "a", "--for", "done", "--timeout", "20")
    for pid in processes.of_session(machine.session("a")["pid"]):
        os.kill(pid, signal.SIGKILL)
    machine.ok("wait", "a", "--for", "crashed", "--timeout", "20")
    assert "orchestrator resume a" in machine.ok("ls")
    shown = machine.run("show", "a")
    assert "ended by signal 9" in shown.stdout
    assert "start it again: orchestrator resume a" in shown.stderr
    assert machine.session("a")["generation"] == 1  # nothing is started unasked
    assert machine.json("resume", "--all")["names"] == ["a"]


def test_an_agent_that_fails_to_start_shows_its_last_words(machine: Machine) -> None:
    _agent(machine, "a", "echo 'no such option: --sped'; exit 2")
    machine.ok("wait", "a", "--for", "crashed", "--timeout", "20")
    shown = machine.ok("show", "a")
    assert "failed to start: exited with code 2" in shown
    assert "no such option: --sped" in shown
    assert "failed to start" in machine.ok("ls")
    assert machine.json("resume", "--all")["names"] == []  # the same would happen again


@pytest.mark.parametrize(
    ("ago", "wait"),
    [
        ((0,), PAUSES[0]),
        ((60, 0), PAUSES[1]),
        ((90, 60, 0), PAUSES[2]),
        ((120, 90, 60, 0), None),
        ((400, 390, 380, 0), PAUSES[0]),  # long ago
        ((-3600, 0), PAUSES[0]),  # a clock that was ahead
    ],
)
def test_pauses_grow_and_end(ago: tuple[int, ...], wait: timedelta | None) -> None:
    assert pause([NOW - timedelta(seconds=s) for s in ago], NOW) == wait
    assert len(PAUSES) == LIMIT
    assert sum(PAUSES, timedelta()) < CRASHES


def test_a_crashed_agent_is_started_again_if_the_settings_say_so(machine: Machine) -> None:
    machine.settings('[run]\nrestart = "on-crash"\n')
    _agent(machine, "a", AGENT.replace("while read", "[ $(wc -l < starts) = 1 ] && kill -9 $$\nwhile read"))
    _until(lambda: machine.session("a")["generation"] == 2)
    machine.ok("wait", "a", "--for", "done,idle", "--timeout", "20")
    item = machine.session("a")
    assert item["recovered"] is not None
    assert len((Path(item["worktree"]) / "starts").read_text().split()) == 2
    assert any("resume: it crashed" in line for line in machine.json("log", "a")["lines"])


def test_a_crash_loop_ends_at_the_human(machine: Machine) -> None:
    _agent(machine, "a", AGENT.replace("while read", "kill -9 $$\nwhile read"))
    machine.ok("wait", "a", "--for", "crashed", "--timeout", "20")
    session = SessionId(machine.session("a")["id"])
    machine.ok("down")
    store = Store(machine.state / "ledger.sqlite3")
    for _ in range(LIMIT):  # the same three times more, without the waiting
        status = Status(state=State.CRASHED, since=datetime.now(UTC))
        store.append(datetime.now(UTC), session, StatusChanged(status=status))
    store.close()
    machine.settings('[run]\nrestart = "on-crash"\n')
    _until(lambda: machine.session("a")["launch_failure"])
    item = machine.session("a")
    assert item["generation"] == 1
    assert "it crashed 4 times within 5 minutes" in item["launch_failure"]
    assert "orchestrator resume a" in item["launch_failure"]
    machine.ok("resume", "a")  # by the human: counted anew, so it is started once more by itself
    _until(lambda: machine.session("a")["generation"] == 3)
