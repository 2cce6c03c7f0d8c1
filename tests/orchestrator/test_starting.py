"""The daemon starts by itself: once, however many ask for it, and also while another one is just ending."""

from __future__ import annotations

import subprocess
import sys

from tests.machine import Machine


def test_many_commands_at_once_start_one_daemon(machine: Machine) -> None:
    where = {"cwd": machine.repository, "env": machine.env, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    runs = [subprocess.Popen([sys.executable, "-m", "orchestrator", "ls"], **where) for _ in range(8)]
    said = [run.communicate()[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, said
    assert machine.log().count("INFO serving ") == 1, machine.log()


def test_a_command_that_comes_while_everything_ends_is_answered(machine: Machine) -> None:
    """The last act of ``down --agents`` is to end the tmux server, in which the next daemon may just be starting."""
    for turn in range(3):
        machine.ok("run", "--name", f"t{turn}", "--agent", "command", "--", "cat")
        words = "from orchestrator.cli.output import call; call('down', agents=True)"  # does not wait until it is gone
        subprocess.run([sys.executable, "-c", words], env=machine.env, check=True)
        names = {item["name"] for item in machine.json("ls")}
        assert f"t{turn}" in names
