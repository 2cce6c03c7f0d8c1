"""Sealed sessions as a user runs them: nothing gets out of the box, and the work is there all the same."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sessions import sealing
from tests.machine import Machine

PROGRAM = Path(__file__).with_name("hostile_program.py")
BOXED = sealing.available(os.environ) is None
"""Where there is no bubblewrap the clone alone is tried; the end of the run says so (tests/conftest.py)."""


def _await_exit(machine: Machine, name: str = "s") -> None:
    machine.ok("wait", name, "--for", "exited,crashed", "--timeout", "50")


def _prepare(machine: Machine) -> None:
    """A user with secrets, a branch that must stay, and another session."""
    (machine.home / ".ssh").mkdir()
    (machine.home / ".ssh" / "id").write_text("secret\n")
    (machine.home / ".gitconfig").write_text("")
    (machine.home / ".bashrc").write_text("")
    machine.write("hostile.py", PROGRAM.read_text())
    machine.write("check.sh", "test -f own.txt && ! test -e ~/.ssh/id && ! touch ~/written\n")
    machine.commit("Add programs")
    machine.git("branch", "keep")
    machine.ok("run", "--agent", "command", "--name", "other", "--", "sleep", "600")


def _arguments(machine: Machine) -> tuple[str, ...]:
    other = machine.session("other")
    words = ("-c", "from orchestrator import home; print(home.socket_path())")
    found = subprocess.run([sys.executable, *words], env=machine.env, capture_output=True, text=True, check=True)
    return (
        str(machine.repository),
        other["worktree"],
        str(machine.daemon_pid()),
        found.stdout.strip(),
        machine.server().socket_path(),
        str(machine.state / "sessions" / other["id"]),
        f"mark-{os.getpid()}",
    )


@pytest.mark.parametrize("agents_git", ["kept", "destroyed"])
def test_a_hostile_program_reaches_nothing_and_its_work_lands(machine: Machine, agents_git: str) -> None:
    _prepare(machine)
    arguments = _arguments(machine)
    pid = machine.daemon_pid()
    words = (sys.executable, str(PROGRAM), *arguments)
    outside = subprocess.run([*words, "harmless"], env=machine.env, capture_output=True, text=True, check=True)
    assert all(json.loads(outside.stdout).values()), "without a box all of it is reached"
    before = {path: path.read_bytes() for path in machine.home.rglob("*") if path.is_file()}
    if not BOXED:
        said = machine.run("run", "--isolation", "sealed", "--agent", "command", "--name", "s", "--", "true")
        assert "not boxed in" in said.stderr
        return
    after = "" if agents_git == "kept" else "; rm -rf .git"
    script = f"{sys.executable} hostile.py {' '.join(arguments)}{after}"
    machine.ok("run", "--isolation", "sealed", "--agent", "command", "--name", "s", "--", "sh", "-c", script)
    _await_exit(machine)
    item = machine.session("s")
    assert (item["isolation"], item["boxed"]) == ("sealed", True)
    report = json.loads((Path(item["worktree"]) / "report.json").read_text())
    assert [name for name, reached in report.items() if reached] == []
    assert len(report) == 22
    assert machine.daemon_pid() == pid
    assert not Path("/tmp", arguments[-1]).exists()
    assert machine.git("branch", "--list", "keep").strip() == "keep"
    assert {path: path.read_bytes() for path in before} == before
    machine.git("fsck", "--strict")
    assert "own.txt" in machine.ok("diff", "s", "--stat")
    machine.ok("merge", "s", "--check", "sh check.sh")
    assert machine.git("show", "main:own.txt") == "kept"
    assert machine.git("status", "--porcelain") == ""
    assert not (Path(item["worktree"]) / "fired").exists()
    machine.ok("rm", "s", "--yes")
    assert not Path(item["worktree"]).exists()
    assert "fired" not in machine.git("ls-tree", "-r", "--name-only", f"refs/orchestrator/attic/{item['id']}/work")


def test_the_life_of_a_sealed_session(machine: Machine) -> None:
    """Status, an interrupt that reaches the program, a restart of the daemon, resume, update, removal and its undo."""
    machine.write(
        "agent.sh",
        'echo "$1" >> said.txt; git add -A; git commit -qm "Say $1"; echo loose > loose.txt\n'
        "trap 'echo interrupted > interrupted.txt; exit 3' INT\n"
        "echo ready > ready.txt; while :; do sleep 0.1; done\n",
    )
    machine.commit("Add an agent")
    machine.ok("run", "--isolation", "sealed", "--agent", "command", "--name", "s", "--", "sh", "agent.sh", "one")
    worktree = Path(machine.session("s")["worktree"])
    subprocess.run(["sh", "-c", f"until [ -e {worktree}/ready.txt ]; do sleep 0.05; done"], check=True, timeout=30)
    os.kill(machine.daemon_pid(), 9)
    assert machine.session("s")["state"] not in ("lost", "exited", "crashed")
    machine.ok("interrupt", "s")
    _await_exit(machine)
    item = machine.session("s")
    assert item["exit_code"] == 3
    assert (worktree / "interrupted.txt").exists()
    machine.write("more.txt", "more\n")
    machine.commit("More")
    assert "sealed" in machine.ok("ls")
    machine.ok("resume", "s")
    subprocess.run(["sh", "-c", f"until [ -e {worktree}/ready.txt ]; do sleep 0.05; done"], check=True, timeout=30)
    machine.ok("stop", "s")
    machine.ok("rm", "s", "--yes")
    assert not worktree.exists()
    machine.ok("undo", "--yes")
    assert (worktree / "loose.txt").read_text() == "loose\n"
    assert machine.git("show", "agent/s:said.txt").startswith("one")
    assert machine.session("s")["isolation"] == "sealed"
    machine.ok("resume", "s")
    assert (worktree / ".git").is_dir()
    machine.ok("stop", "s")
    machine.ok("merge", "s")
    assert machine.git("show", "main:loose.txt") == "loose"


def test_without_bubblewrap_it_says_so_or_refuses(machine: Machine, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "git", "tmux", "env", "sleep", "cat", "rm", "mkdir"):
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        if found.stdout.startswith("/"):
            (tools / name).symlink_to(found.stdout.strip())
    machine.env["PATH"] = str(tools)
    launch = ("run", "--isolation", "sealed", "--agent", "command", "--name")
    said = machine.run(*launch, "s", "--", "sh", "-c", "git config x.y z; git branch -D main; echo 1 > own.txt")
    assert said.returncode == 0, said.stderr
    assert "bubblewrap is not installed" in said.stderr
    assert "a clone without a box" in machine.run("doctor").stdout
    assert "Sealed without a box" in machine.log()
    _await_exit(machine)
    item = machine.session("s")
    assert (item["isolation"], item["boxed"]) == ("sealed", False)
    assert "a clone of its own, without a box" in machine.ok("show", "s")
    machine.ok("merge", "s")
    assert machine.git("show", "main:own.txt") == "1"
    machine.settings("[sealed]\nrequire = true\n")
    assert "bubblewrap is not installed" in machine.refused(*launch, "t", "--", "sleep", "0")
    machine.settings('[run]\nisolation = "sealed"\n[agents.command]\nisolation = "worktree"\n')
    machine.ok("run", "--agent", "command", "--name", "u", "--", "sleep", "0")
    assert machine.session("u")["isolation"] == "worktree"


def test_a_repository_may_only_ask_for_more(machine: Machine) -> None:
    machine.write(".orchestrator.toml", '[run]\nisolation = "worktree"\n')
    machine.commit("Loosen")
    assert "only ask for more" in machine.refused("run", "--agent", "command", "--name", "s", "--", "true")
    machine.write(".orchestrator.toml", '[sealed]\nwrite = ["/"]\n')
    machine.commit("Loosen more")
    assert "only ask for more" in machine.refused("run", "--agent", "command", "--name", "s", "--", "true")
    machine.write(".orchestrator.toml", '[run]\nisolation = "sealed"\n')
    machine.commit("Ask for it")
    machine.ok("run", "--agent", "command", "--name", "s", "--", "true")
    assert machine.session("s")["isolation"] == "sealed"


@pytest.mark.parametrize("network", [True, False])
def test_settings_open_and_close_paths_and_the_network(machine: Machine, network: bool) -> None:
    for name in ("cache", "letters", ".ssh"):
        (machine.home / name).mkdir()
        (machine.home / name / "file").write_text(name)
    machine.settings(
        f'[sealed]\nwrite = ["~/cache"]\nhide = ["~/letters"]\nread = ["~/.ssh"]\nnetwork = {str(network).lower()}\n'
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        machine.write(
            "try.sh",
            f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && touch reached\n"
            "echo written > ~/cache/file; echo no > ~/.ssh/file; cat ~/.ssh/file > read\n"
            "cat ~/letters/file && touch seen\n"
            "exit 0\n",
        )
        machine.commit("Try")
        machine.ok("run", "--isolation", "sealed", "--agent", "command", "--name", "s", "--", "sh", "try.sh")
        _await_exit(machine)
    worktree = Path(machine.session("s")["worktree"])
    assert (worktree / "reached").exists() == (network or not BOXED)
    assert (machine.home / "cache" / "file").read_text() == "written\n"
    if BOXED:
        assert (worktree / "read").read_text() == ".ssh"
        assert (machine.home / ".ssh" / "file").read_text() == ".ssh"
        assert not (worktree / "seen").exists()
