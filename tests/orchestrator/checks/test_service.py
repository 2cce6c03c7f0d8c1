"""Checks of whole sessions: a real daemon, real agents that stop, and the command line."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.machine import Machine
from tests.orchestrator.checks.test_engine import alive

AGENT = ("run", "--agent", "command", "--name", "t", "--", "sh", "-c")


def until(machine: Machine, mark: str | None) -> None:
    """Follow the daemon's events until the session's mark is this."""
    words = (
        "import sys, time\nfrom orchestrator import client\n"
        "def seen(): return client.request('GET', '/v1/fleet?json=ls')[1]['sessions'][0]['checks']\n"
        "wanted = sys.argv[1] or None\n"
        "seq = client.request('GET', '/v1/about')[1]['seq']\n"
        "if seen() != wanted:\n"
        "    for one in client.stream(f'/v1/events?after={seq}', time.monotonic() + 40):\n"
        "        if one['event']['event'] in ('checked', 'status_changed') and seen() == wanted: break\n"
        "    else: sys.exit(f'{seen()}')\n"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", words, mark or ""], env=machine.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + machine.log()


def configure(machine: Machine, text: str) -> None:
    machine.write(".orchestrator.toml", text)
    machine.commit("rules")
    machine.ok("trust", "--yes")


def test_a_branch_is_judged_when_its_agent_stops_and_a_merge_uses_what_is_known(
    machine: Machine, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    configure(
        machine,
        f"""
        [checks.new]
        command = "echo x >> {ran}; cat new"
        [checks.late]
        command = "true"
        after_stop = false
        """,
    )
    machine.ok(*AGENT, "echo well > new")
    until(machine, "passed")
    seen = {check["name"]: check["state"] for check in machine.json("checks", "t")["lines"]}
    assert seen == {"new": "passed", "late": ""}
    assert machine.ok("checks", "t", "--log", "new") == "well\n"
    assert machine.json("checks", "t")["changes_rules"] is False
    landing = machine.json("merge", "t")
    assert ran.read_text() == "x\n"
    assert [(one["name"], one["reused"]) for one in landing["checks"]] == [("new", True), ("late", False)]


def test_what_fails_is_shown_and_run_anew_on_demand(machine: Machine, tmp_path: Path) -> None:
    once = tmp_path / "fixed"
    configure(machine, f'[checks]\nlint = "echo what is wrong; test -e {once}"\n')
    machine.ok(*AGENT, "echo x > new")
    until(machine, "failed")
    said = machine.run("checks", "t")
    assert said.returncode == 1
    assert "lint" in said.stdout
    assert "failed" in said.stdout
    assert "--log lint" in said.stderr
    assert "what is wrong" in machine.run("checks", "t", "--log", "lint").stdout
    assert "no check 'other'" in machine.refused("checks", "t", "--log", "other")
    once.touch()
    done = machine.run("checks", "t", "--run")
    assert (done.returncode, done.stderr.split()) == (0, ["lint:", "runs", "lint:", "passed"])
    until(machine, "passed")


def test_nothing_of_the_repositorys_runs_before_it_was_approved(machine: Machine, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    machine.write(".orchestrator.toml", f'[checks]\nsly = "touch {ran}"\n')
    machine.commit("rules")
    machine.ok(*AGENT, "echo x > new")
    machine.ok("wait", "t", "--for", "exited", "--timeout", "20")
    assert "not approved yet" in machine.run("checks", "t").stderr
    assert f"sly: touch {ran}" in machine.refused("checks", "t", "--run")
    assert "orchestrator trust" in machine.refused("merge", "t")
    assert not ran.exists()
    machine.ok("checks", "t", "--run", "--trust")
    assert ran.exists()


def test_an_agent_does_not_choose_what_it_is_judged_by(machine: Machine) -> None:
    configure(machine, '[checks]\ngate = "false"\n')
    machine.ok(*AGENT, "printf '[checks]\\ngate = \"true\"\\n' > .orchestrator.toml")
    until(machine, "failed")
    said = machine.run("checks", "t")
    assert "its branch changes .orchestrator.toml" in said.stdout
    assert "false" in said.stdout


def test_work_that_goes_on_ends_its_checks(machine: Machine, tmp_path: Path) -> None:
    """The program ends, is judged, and is started again while its check runs."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    configure(machine, f'[checks]\nslow = "echo $$ > {ready}; exec sleep 300"\n')
    machine.ok(*AGENT, "if test -e new; then exec sleep 300; fi; echo x > new")
    pid = int(ready.read_text())
    assert alive(pid)
    machine.ok("resume", "t")
    until(machine, None)
    wait_gone(pid)


def test_a_killed_daemon_leaves_no_process_and_no_worktree(machine: Machine, tmp_path: Path) -> None:
    ready, pid_file = tmp_path / "ready", tmp_path / "pid"
    os.mkfifo(ready)
    daemon = f"(setsid sh -c 'echo $$ > {pid_file}; exec sleep 301' &)"
    wait = f"until test -s {pid_file}; do sleep 0.05; done"
    once = f"test -e {pid_file} && exit 0; {daemon}; {wait}; echo $$ > {ready}; exec sleep 302"
    configure(machine, f'[checks]\nslow = "{once}"\n')
    machine.ok(*AGENT, "echo x > new")
    pids = [int(ready.read_text()), int(pid_file.read_text())]
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    for pid in pids:
        wait_gone(pid)
    machine.ok("ls")  # another daemon
    until(machine, "passed")
    assert len(machine.git("worktree", "list").splitlines()) == 2
    assert not list((machine.repository / ".git" / "orchestrator").glob("scratch-*"))


def test_a_daemon_that_is_told_to_end_ends_its_checks(machine: Machine, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    configure(machine, f'[checks]\nslow = "echo $$ > {ready}; exec sleep 300"\n')
    machine.ok(*AGENT, "echo x > new")
    pid = int(ready.read_text())
    machine.ok("down")
    machine.wait_for_no_daemon()
    wait_gone(pid)
    assert len(machine.git("worktree", "list").splitlines()) == 2


def wait_gone(pid: int) -> None:
    """Until a process has ended, which a keeper sees to at once."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    try:
        assert select.select([descriptor], [], [], 20)[0], f"{pid} runs on"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[checks.a]\ntimeout = 3\n", ("checks.a.command",)),
        ("[checks.a]\ncommand = 'x'\ntimeout = 0\n", ("checks.a.timeout",)),
        ("[checks.a]\ncommand = 'x'\nneeds = ['b']\n", ("a needs 'b'", "no such check")),
        ("[checks.a]\ncommand = 'x'\nneeds = ['b']\n[checks.b]\ncommand = 'x'\nneeds = ['a']\n", ("a → b → a",)),
        ("[checks]\nslots = 4\n", ("slots", "your own settings")),
        ("[checks]\n'-rf' = 'x'\n", ("-rf",)),
        ("checks = 3\n", ("checks",)),
    ],
)
def test_what_cannot_stand_is_refused_by_name(machine: Machine, text: str, words: tuple[str, ...]) -> None:
    from orchestrator.commands import Refused
    from orchestrator.config import checks

    machine.write(".orchestrator.toml", text)
    with pytest.raises(Refused) as caught:
        checks(machine.repository, machine.env)
    for word in words:
        assert word in f"{caught.value.message} {caught.value.hint}"
