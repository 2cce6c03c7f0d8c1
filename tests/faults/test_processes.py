"""Processes that are killed: the dashboard, the daemon, tmux; and other programs that look like ours."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults import shims
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.puppet import Puppet
from tests.faults.scene import Scene


def _dashboard(scene: Scene, server: str, name: str) -> int:
    """Open the dashboard in a terminal of its own; returns its pid once it shows the session."""
    env = [f"{key}={value}" for key, value in scene.machine.env.items()]
    words = ["env", "-u", "TMUX", *env, sys.executable, "-m", "orchestrator"]
    tmux = ["tmux", "-L", server]
    inside = ["new-session", "-d", "-s", name, "-x", "120", "-y", "36", "-c", str(scene.machine.repository)]
    subprocess.run([*tmux, *inside, "exec " + shlex.join(words)], check=True)
    show = [*tmux, "capture-pane", "-p", "-t", f"={name}:"]

    def drawn() -> bool:
        return "1 Fleet" in subprocess.run(show, capture_output=True, text=True, check=False).stdout

    scene.wait(drawn, "the dashboard did not come up")
    said = subprocess.run(
        [*tmux, "list-panes", "-t", f"={name}:", "-F", "#{pane_pid}"], capture_output=True, text=True, check=True
    )
    return int(said.stdout)


def kept_in_a_snapshot(scene: Scene, name: str) -> bool:
    """A snapshot holds a file of that name."""
    refs = scene.machine.git("for-each-ref", "--format=%(refname)", "refs/orchestrator/snap/").split()
    return any(name in scene.machine.git("ls-tree", "--name-only", ref).split() for ref in refs)


@fault(
    1,
    Guard("the daemon is no child of the dashboard", {"orchestrator.client:ensure_daemon": "as_a_child"}),
)
def test_01_the_dashboard_is_killed(scene: Scene) -> None:
    """Agents run on and their turns are kept with nobody looking; the next dashboard finds them, none begins twice."""
    server = scene.tmux_server("keeper")
    screen = _dashboard(scene, server, "first")
    agent = Puppet(scene)
    agent.run()
    os.kill(screen, signal.SIGKILL)
    scene.wait(lambda: not scene.alive(screen), "the dashboard outlives a kill")
    kept = agent.worktree / "work.txt" if scene.guarded else None
    agent.do("state working; echo the only copy >work.txt; state done")
    scene.wait(lambda: kept_in_a_snapshot(scene, "work.txt"), "a turn ended unseen: its work was not kept")
    assert kept is not None
    scene.expect(kept, b"the only copy\n")
    agent.do("git clean -qfd")
    _dashboard(scene, server, "second")
    item = scene.machine.session("p")
    scene.safe(item["generation"] == 1 and agent.starts == 1, "the agent was launched twice")
    scene.safe(scene.alive(agent.pids[0]), "the agent died with the dashboard")


def _coder(scene: Scene, *steps: dict[str, Any]) -> None:
    script = scene.folder / "script.json"
    script.write_text(json.dumps({"delay": 0, "steps": steps}))
    scene.machine.settings(
        f"[agents.coder]\nargs = {json.dumps(['--provider', 'scripted', '--script', str(script)])}\n"
    )
    scene.machine.ok("run", "--agent", "coder", "--name", "t", "task")
    scene.machine.ok("wait", "t", "--for", "done", "--timeout", "20")


@fault(
    2,
    Guard("what a session was started with is on disk, not in tmux", {"sessions.launching:recall": "nothing"}),
)
def test_02_the_tmux_server_dies(scene: Scene) -> None:
    """As after a reboot: sessions are listed as lost; resume goes on with the conversation in the same worktree."""
    write = {"name": "write", "input": {"path": "kept.txt", "content": "kept\n"}}
    _coder(scene, {"text": "First.", "calls": [write]}, {"text": "Second."}, {"text": "Third."})
    machine = scene.machine
    before = machine.session("t")
    scene.expect(Path(before["worktree"]) / "kept.txt", b"kept\n")
    subprocess.run(["tmux", "-L", machine.server().socket, "kill-server"], check=True)
    machine.wait_for_no_daemon()
    lost = machine.session("t")
    assert lost["state"] == "lost"
    resumed = machine.run("resume", "t")
    scene.safe(resumed.returncode == 0, f"it does not come back: {resumed.stderr}")
    machine.ok("wait", "t", "--for", "idle", "--timeout", "20")
    machine.ok("send", "t", "go on")
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    after = machine.session("t")
    scene.safe(after["said"] == "Third.", f"the conversation is lost: it says {after['said']!r}")
    scene.safe(after["worktree"] == before["worktree"], "it goes on in another worktree")


@fault(
    3,
    Guard(
        "plan and start script are written first, and are still there if it never ran",
        {"sessions.launching:pending": "false", "orchestrator.plans:read": "nothing"},
    ),
)
def test_03_killed_between_the_intent_and_the_spawn(scene: Scene) -> None:
    """The next daemon finishes the launch: exactly one agent."""
    scene.sabotage("sessions.control:Control.spawn", "dies_before")
    agent = Puppet(scene)
    scene.machine.run(*agent.launch)
    assert agent.starts == 0
    scene.machine.ok("ls")
    scene.wait(lambda: agent.starts > 0, "what was asked for was never started")
    scene.machine.ok("wait", "p", "--for", "idle", "--timeout", "20")
    scene.safe(agent.starts == 1, "two agents work on one task")


@fault(3, Guard("a pane that exists is taken up by its name", {"sessions.control:Control.panes": "sees_no_panes"}))
def test_03_killed_between_the_spawn_and_its_record(scene: Scene) -> None:
    """The agent runs and the ledger does not know it: it is found again, and not begun a second time."""
    scene.sabotage("sessions.control:Control.spawn", "dies_after")
    agent = Puppet(scene)
    scene.machine.run(*agent.launch)
    scene.wait(lambda: agent.starts > 0, "the agent did not begin")
    item = scene.machine.session("p")
    scene.safe(item["state"] not in ("lost", "failed"), f"an agent that runs is shown as {item['state']}")
    scene.machine.ok("wait", "p", "--for", "idle", "--timeout", "20")
    scene.safe(agent.starts == 1 and scene.alive(agent.pids[0]), "the agent was begun twice")


@fault(6, Guard("one daemon for one home, by a lock", {"orchestrator.daemon:_only_one": "no_lock"}))
def test_06_two_daemons_want_one_home(scene: Scene) -> None:
    """The second says that one runs and ends; the first keeps the socket and the ledger."""
    machine = scene.machine
    machine.ok("ls")
    first = machine.daemon_pid()
    argv = [sys.executable, "-m", "orchestrator", "serve"]
    second = subprocess.Popen(argv, env=machine.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        scene.wait(lambda: second.poll() is not None or machine.daemon_pid() != first, "nobody decides")
        scene.safe(second.poll() == 0, "two daemons write one ledger")
        scene.safe(machine.daemon_pid() == first, "the daemon was pushed out")
    finally:
        second.kill()
        second.wait()
        if scene.alive(first) and not scene.guarded:
            os.kill(first, signal.SIGKILL)


@fault(43, Guard("every call of tmux names our own socket", shims={"tmux": shims.DEFAULT_SERVER}))
def test_43_the_user_has_a_tmux_of_their_own(scene: Scene) -> None:
    """Its sessions, options and keys are as before, after a session was run, removed, and everything ended."""
    machine = scene.machine
    sockets = scene.folder / shims.SOCKETS
    sockets.mkdir()
    machine.env["TMUX_TMPDIR"] = str(sockets)
    tmux = ["env", f"TMUX_TMPDIR={sockets}", scene.tmux]
    subprocess.run([*tmux, "-f", os.devnull, "new-session", "-d", "-s", "mine", "cat"], check=True)
    scene.finally_(lambda: subprocess.run([*tmux, "kill-server"], capture_output=True, check=False))
    alike = subprocess.Popen(["orchestrator"], executable="/bin/cat", stdin=subprocess.PIPE)  # by name it is ours
    scene.finally_(alike.kill)

    def look() -> str:
        said = ""
        for words in (["list-panes", "-a"], ["show-options", "-g"], ["show-environment", "-g"], ["list-keys"]):
            said += subprocess.run([*tmux, *words], capture_output=True, text=True, check=False).stdout
        return said

    before = look()
    agent = Puppet(scene)
    launch = subprocess.Popen([sys.executable, "-m", "orchestrator", *agent.launch], cwd=scene.root, env=machine.env)
    scene.finally_(launch.kill)
    scene.wait(lambda: launch.poll() is not None or look() != before, "it does not come up")
    scene.safe(look() == before, "the user's tmux server was touched")
    assert launch.returncode == 0
    agent.do("state done")
    machine.ok("rm", "p", "--yes")
    machine.ok("down", "--agents")
    machine.wait_for_no_daemon()
    scene.safe(look() == before, "the user's tmux server was touched")
    scene.safe(alike.poll() is None, "a program that only has our name was ended")
