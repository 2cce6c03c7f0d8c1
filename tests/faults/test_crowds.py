"""Many at once, and others at the door: locks, concurrent writes, too many launches, names, web pages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

from orchestrator import client, home, trust
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.scene import Scene
from worktrees.errors import Locked
from worktrees.landing import land
from worktrees.models import Method
from worktrees.setup import FILE


@fault(23, Guard("a step of ours that meets another git is tried again", {"worktrees.locks:Patience.again": "false"}))
def test_23_many_gits_at_once(scene: Scene) -> None:
    """Thirteen sessions begin while agents add worktrees of their own: git cannot read one that is half made."""
    half = scene.repository.git_dir / "worktrees" / "half"
    half.mkdir(parents=True)
    (half / "HEAD").write_text("ref: refs/heads/theirs\n")
    (half / "gitdir").write_text(f"{scene.folder}/half/.git\n")
    (half / "commondir").touch()  # as git leaves it for a moment: there and empty
    failures: list[Exception] = []

    def begin(number: int) -> None:
        try:
            scene.worktree(f"s{number}", f"agent/{number}")
        except Exception as error:  # noqa: BLE001 - any failure is one
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(13)]
    for thread in threads:
        thread.start()
    threads[0].join(0.3)
    (half / "commondir").write_text("../..\n")
    for thread in threads:
        thread.join()
    scene.safe(not failures, f"{len(failures)} of 13 did not begin: {failures[:1]}")


@fault(24, Guard("a lock is put aside only when nobody uses it", {"worktrees.locks:holder": "nothing"}))
def test_24_an_old_lock_that_is_not_stale(scene: Scene) -> None:
    """An agent's ``git commit`` waits for its editor since an hour: it holds the index and has no file open."""
    worktree = scene.worktree()
    scene.write(worktree / "a.txt", "the agent's\n")
    began, go_on = scene.folder / "began", scene.folder / "go-on"
    for pipe in (began, go_on):
        os.mkfifo(pipe)
    editor = scene.folder / "editor"
    editor.write_text(f'#!/bin/sh\necho . > {began}\nread _ < {go_on}\necho Done > "$1"\n')
    editor.chmod(0o755)
    commit = subprocess.Popen(
        ["git", "commit", "-q", "--all"], cwd=worktree, env={**os.environ, "GIT_EDITOR": str(editor)}
    )
    scene.finally_(commit.kill)
    began.read_text()
    lock = scene.repository.git_dir / "worktrees" / worktree.name / "index.lock"
    os.utime(lock, (lock.stat().st_mtime - 3600,) * 2)
    with scene.attempt() as refusal:
        land(
            scene.repository, worktree=worktree, session="s1", target="main", method=Method.SQUASH, message="Land it\n"
        )
    scene.refused(refusal, Locked, "git commit", str(commit.pid))
    go_on.write_text("\n")
    scene.safe(commit.wait() == 0, "the agent's commit was broken off")
    scene.safe(scene.git(worktree, "log", "-1", "--format=%s") == "Done", "the agent's commit is not there")


def _say(root: Path, command: str) -> trust.Wanted:
    (root / FILE).write_text(f"[worktree]\nrun = ['{command}']\n")
    return trust.wanted(root)


@fault(27, Guard("one writer at a time", {"worktrees.durable:locked": "no_lock"}))
def test_27_two_write_the_same_file_at_once(scene: Scene) -> None:
    """Commands of several branches are approved at the same moment: none of the approvals is lost."""
    seen = [_say(scene.root, f"step {number}") for number in range(12)]
    all_have_read = threading.Barrier(len(seen), timeout=0.5)
    read = trust._read

    def slow(root: Path) -> trust.Approvals:
        found = read(root)
        with suppress(threading.BrokenBarrierError):  # with the lock nobody else can have
            all_have_read.wait()
        return found

    with patch.object(trust, "_read", slow), ThreadPoolExecutor(len(seen)) as pool:
        list(pool.map(trust.approve, seen))
    lost = sum(not trust.approved(one) for one in seen)
    scene.safe(not lost, f"{lost} of {len(seen)} approvals are lost")


@fault(27, Guard("a file of ours is replaced whole", {"worktrees.durable:write": "in_place"}))
def test_27_killed_while_a_file_is_written(scene: Scene) -> None:
    """What was there before is there still, and can be read."""
    before = _say(scene.root, "npm ci")
    trust.approve(before)
    _say(scene.root, "npm ci && npm test")
    child = os.fork()
    if child == 0:
        os.fsync = lambda _handle: os.kill(os.getpid(), signal.SIGKILL)
        trust.approve(trust.wanted(scene.root))
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    scene.safe(trust.approved(before), "a kill took what was approved before")


@fault(28, Guard("launches are counted before they begin", {"orchestrator.admission:room": "all_fit"}))
def test_28_forty_launches_at_once(scene: Scene) -> None:
    """Only as many begin as may run, also by resume; nothing is made for the others, and they are named."""
    machine = scene.machine
    machine.settings("[run]\nmax_running = 2\n")
    done = machine.run("run", "-n", "40", "--name", "t", "--agent", "command", "--", "cat")
    items = machine.json("ls")
    scene.safe(len(items) == 2, f"{len(items)} sessions began where 2 may run")
    assert "38 did not start" in done.stderr
    assert len(machine.git("branch", "--list", "agent/*").splitlines()) == 2
    machine.ok("stop", "t-1")
    machine.ok("run", "--name", "more", "--agent", "command", "--", "cat")
    scene.safe(machine.run("resume", "t-1").returncode == 1, "a resume went over what may run")


NAMES = ("--upload-pack=x", "-x", "a\nb", "../x", "a..b", "x.lock", "🎉", "x" * 300, "a b", ".", "")


@fault(
    31,
    Guard(
        "names are looked at before anything is made",
        {
            "orchestrator.launches:check_name": "nothing",
            "worktrees.repository:Repository.check_branch_name": "nothing",
        },
    ),
)
def test_31_names_that_are_no_names(scene: Scene) -> None:
    """Options, line ends, paths, emoji and endless names are refused in words; no ref and no folder is made."""
    machine = scene.machine
    before = machine.git("for-each-ref")
    for name in NAMES:
        done = machine.run("run", f"--name={name}", "--agent", "command", "--", "cat")
        scene.safe(
            done.returncode == 1 and "cannot be a name" in done.stderr, f"{name[:20]!r} was taken: {done.stderr}"
        )
    scene.safe(machine.git("for-each-ref") == before, "a ref was made")
    scene.safe(machine.json("ls") == [], "a session was made")


@fault(40, Guard("what a browser sends is refused", {"orchestrator.wire:_of_a_page": "nothing"}))
def test_40_a_web_page_reaches_the_daemon(scene: Scene) -> None:
    """Somebody forwards a port to the socket, and a page posts to it without being allowed to read the answer."""
    machine = scene.machine
    machine.ok("run", "--name", "t", "--agent", "command", "--", "cat")
    agent = machine.session("t")["pid"]
    os.environ["ORCHESTRATOR_HOME"] = str(machine.state)  # the scene puts it back
    body = json.dumps({"verb": "down", "agents": True}).encode()
    head = (
        "POST /v1/call HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as page:
        page.connect(str(home.socket_path()))
        page.sendall(head.encode() + body)
        while page.recv(65536):
            pass
    scene.safe(scene.alive(agent), "a page ended the agents")


@fault(40, Guard("the folder of the socket is looked at", {"orchestrator.door:check": "nothing"}))
def test_40_somebody_else_listens_in_our_place(scene: Scene) -> None:
    """Where our folder should be there is a link to another's, who answers like a daemon and hears everything."""
    path = home.socket_path()
    path.parent.rmdir()
    theirs = scene.outside / "run"
    theirs.mkdir()
    path.parent.symlink_to(theirs)
    heard: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(theirs / path.name))
    listener.listen()
    listener.settimeout(10)
    scene.finally_(listener.close)

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=listen, daemon=True).start()
    with scene.attempt() as refusal:
        client.request("GET", "/v1/fleet", timeout=10)
    scene.safe(not any(heard), "a stranger was spoken to")
    scene.refused(refusal, client.DaemonError, "is a link")
