"""Runs one command of the user (a check, a set-up step) in its own process group, with a deadline.

A check's word counts only for the tree that it was run on: one that changed it, or had not ended when it said that it
passed, is void. One that fails is run once more; passed then, it is flaky, which is recorded and blamed on nobody.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from worktrees.changes import shown
from worktrees.cleanroom import own_index, run
from worktrees.errors import CheckFailed, CheckVoid
from worktrees.models import CheckResult

KEPT = 64 << 10
MARK = "ORCHESTRATOR_CHECK"
"""In the environment of a check and of all that it starts, so that they are known wherever they went."""
GRACE_S = 1.0
"""Helpers of a program that has ended get this long to end too."""


def judge(
    command: str,
    tree: Path,
    deadline_s: float,
    env: Mapping[str, str] | None = None,
    again: Callable[[], None] = lambda: None,
    around: tuple[str, ...] = (),
) -> CheckResult:
    """The result of a check that passed in the worktree ``tree``; raises CheckFailed, or CheckVoid, which is one.

    ``again`` is called before a second run. A check that ran into its deadline gets none. ``around``: the words of
    a box that are put before those of the command.
    """
    first = _once(command, tree, deadline_s, env, around)
    if first.passed:
        return first
    if first.exit_code is None:
        raise CheckFailed(first)
    again()
    second = _once(command, tree, deadline_s, env, around)
    if not second.passed:
        raise CheckFailed(second)
    return second.model_copy(update={"flaky": True, "output": first.output, "seconds": first.seconds + second.seconds})


def _once(
    command: str, tree: Path, deadline_s: float, env: Mapping[str, str] | None, around: tuple[str, ...]
) -> CheckResult:
    mark = secrets.token_hex(8)
    running: list[str] = []

    def ended(leader: int) -> None:
        deadline = time.monotonic() + GRACE_S
        while True:
            running[:] = [name for _pid, name, session in _left(mark) if session == leader]
            if not running or time.monotonic() > deadline:
                return
            time.sleep(0.02)

    try:
        seen = {**(env if env is not None else os.environ), MARK: mark}
        result = _run((*around, "/bin/sh", "-c", command), command, tree, deadline_s, seen, ended)
    finally:
        _end_all(mark)
    if result.exit_code is not None and running:
        names = ", ".join(shown(name) for name in running[:3])
        raise CheckVoid(result, f"it had not ended: it left {len(running)} processes running ({names})")
    words = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all")
    edited = [line[3:] for line in run(tree, "status", *words, env=own_index(tree)).split("\0") if line]
    if edited:
        names = ", ".join(shown(name) for name in edited[:3]) + (" …" if len(edited) > 3 else "")
        raise CheckVoid(result, f"it changed the files that it was to check: {names}")
    return result


def run_command(command: str, cwd: Path, deadline_s: float, env: Mapping[str, str] | None = None) -> CheckResult:
    """Run ``command`` by sh in ``cwd``; whatever of its process group is left is ended with it."""
    seen = env if env is not None else os.environ
    return _run(("/bin/sh", "-c", command), command, cwd, deadline_s, seen, lambda _leader: None)


def _run(
    argv: tuple[str, ...],
    command: str,
    cwd: Path,
    deadline_s: float,
    env: Mapping[str, str],
    ended: Callable[[int], None],
) -> CheckResult:
    """``ended`` is called with the id of its session, between the command's own end and that of its group.

    Output goes through a file: a child that outlives the command must not keep us waiting on a pipe.
    """
    # A check that runs an agent's test suite must not speak for the session that happens to have asked for it.
    full = {name: value for name, value in env.items() if not name.startswith(("GIT_", "ORCHESTRATOR_EVENTS"))}
    full.setdefault("PATH", os.defpath)
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None
        try:
            code = process.wait(deadline_s)
            ended(process.pid)
        except subprocess.TimeoutExpired:
            code = None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - KEPT))
        text = output.read().decode("utf-8", "replace")
    return CheckResult(command=command, exit_code=code, output=text, seconds=time.monotonic() - began)


def _end_all(mark: str) -> None:
    """End whatever a check has started, daemons in sessions of their own too."""
    deadline = time.monotonic() + GRACE_S
    while (left := [pid for pid, _name, _session in _left(mark)]) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _left(mark: str) -> Iterator[tuple[int, str, int]]:
    """Living processes that carry the mark: pid, name, session. Without /proc (macOS) none is seen."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            name, _, fields = (folder / "stat").read_text(errors="replace").partition("(")[2].rpartition(")")
            state, _parent, _group, session = fields.split()[:4]
            if state not in "ZX":
                yield int(folder.name), name, int(session)
