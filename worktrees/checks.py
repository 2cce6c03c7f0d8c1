"""Runs one command of the user (a check, a set-up step) with a deadline, and ends all that it started.

A check's word counts only for the tree that it was run on: one that changed it, or left processes running, is void.
Each runs under a keeper of its own (:mod:`worktrees.keeper`), which lets nothing get away and outlives nobody: when we
are killed it ends the check and itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worktrees import keeper, places
from worktrees.changes import shown
from worktrees.cleanroom import own_index, run
from worktrees.errors import WorktreeError
from worktrees.models import CheckResult

KEPT = 64 << 10
"""Of a check's output the last so many bytes are kept."""
MARK = "ORCHESTRATOR_CHECK"
"""In the environment of a check and of all that it starts: found by it should its keeper be killed."""
GRACE_S = 1.0
"""Helpers of a program that has ended get this long to end too."""
NICE = 10
_KEEPER_S = 15.0


class Stopped(WorktreeError):
    """A check was cancelled; everything of it has ended."""


class Stop:
    """Ends checks that run, from any thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def __del__(self) -> None:
        for descriptor in (self._read, self._write):
            with suppress(OSError):
                os.close(descriptor)

    def fileno(self) -> int:
        return self._read

    def set(self) -> None:
        os.write(self._write, b"x")

    @property
    def is_set(self) -> bool:
        return bool(select.select([self._read], [], [], 0)[0])


@dataclass(frozen=True)
class How:
    """How a check is run. ``around``: the words of a box that are put before those of the command, by the folder that
    it runs in; ``output``: the file that gets what it prints while it prints it (None: one that is gone afterwards).
    """

    deadline_s: float
    env: Mapping[str, str] | None = None
    around: Callable[[Path], tuple[str, ...]] = lambda _folder: ()
    output: Path | None = None
    nice: int = 0
    stop: Stop | None = None


def attempt(command: str, tree: Path, how: How) -> CheckResult:
    """One run of a check. Raises Stopped."""
    mark = f"{_ours()}.{os.getpid()}.{secrets.token_hex(8)}"
    env = {**(how.env if how.env is not None else os.environ), MARK: mark}
    argv = (*how.around(tree), "/bin/sh", "-c", command)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        output = how.output or Path(folder) / "output"
        start = output.stat().st_size if output.exists() else 0
        try:
            ended = _keep(argv, tree, how, env, output)
        finally:
            _end_all(mark)
        seconds = time.monotonic() - began
        result = CheckResult(
            command=command, exit_code=ended.code, output=printed(output, start), seconds=round(seconds, 3)
        )
    if ended.code is None and how.stop is not None and how.stop.is_set:
        raise Stopped(f"the check {command} was cancelled", "it runs anew when it is asked for")
    if ended.void:
        return result.model_copy(update={"void": ended.void})
    if ended.code == 0 and (edited := _edited(tree)):
        names = ", ".join(shown(name) for name in edited[:3]) + (" …" if len(edited) > 3 else "")
        return result.model_copy(update={"void": f"it changed the files that it was to check: {names}"})
    return result


def printed(output: Path, start: int = 0) -> str:
    """The end of a check's output, what came before the byte ``start`` left out where it is still there."""
    try:
        with output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0 if start > size else start, size - KEPT))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


@dataclass(frozen=True)
class _Ended:
    code: int | None
    void: str = ""


def _keep(argv: tuple[str, ...], tree: Path, how: How, env: Mapping[str, str], output: Path) -> _Ended:
    """Run it under a keeper until it ends, its deadline passes or it is stopped."""
    life, ours = os.pipe()
    heard, report = os.pipe()
    ask = {"life": life, "report": report, "output": str(output), "kept": KEPT, "grace": GRACE_S, "nice": how.nice}
    words = (sys.executable, "-I", "-S", keeper.__file__, json.dumps({**ask, "argv": argv}))
    try:
        process = subprocess.Popen(
            words,
            cwd=tree,
            env=_scrubbed(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(life, report),
        )
        os.close(life)
        os.close(report)
        life = report = -1
        wanted = [heard, *([how.stop.fileno()] if how.stop is not None else [])]
        ready, _, _ = select.select(wanted, [], [], how.deadline_s)
        cut = heard not in ready
        os.close(ours)  # the keeper ends all of it, and tells
        ours = -1
        if cut:
            select.select([heard], [], [], _KEEPER_S)
        said = b""
        while select.select([heard], [], [], _KEEPER_S)[0] and (part := os.read(heard, 1 << 16)):
            said += part
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        for descriptor in (life, report, ours, heard):
            if descriptor >= 0:
                os.close(descriptor)
    try:
        told = json.loads(said)
    except ValueError:
        return _Ended(None if cut else -1, "" if cut else "the process that kept watch over it was killed")
    if cut or told["code"] is None:
        return _Ended(None)
    if told["left"]:
        first = "; ".join(f"{pid} {shown(line)[:80]}" for pid, line in told["left"][:3])
        return _Ended(told["code"], f"it had not ended: it left {len(told['left'])} processes running ({first})")
    return _Ended(told["code"])


def _edited(tree: Path) -> list[str]:
    words = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all")
    return [line[3:] for line in run(tree, "status", *words, env=own_index(tree)).split("\0") if line]


def _scrubbed(env: Mapping[str, str]) -> dict[str, str]:
    """A check that runs an agent's test suite must not speak for the session that happens to have asked for it."""
    full = {name: value for name, value in env.items() if not name.startswith(("GIT_", "ORCHESTRATOR_EVENTS"))}
    full.setdefault("PATH", os.defpath)
    return full


def run_command(command: str, cwd: Path, deadline_s: float, env: Mapping[str, str] | None = None) -> CheckResult:
    """Run a step of a set-up by sh in ``cwd``; whatever of its process group is left is ended with it.

    Output goes through a file: a child that outlives the command must not keep us waiting on a pipe.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ("/bin/sh", "-c", command),
            cwd=cwd,
            env=_scrubbed(env if env is not None else os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None
        try:
            code = process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            code = None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - KEPT))
        text = output.read().decode("utf-8", "replace")
    return CheckResult(command=command, exit_code=code, output=text, seconds=time.monotonic() - began)


def sweep() -> int:
    """End what is left of checks whose daemon and keeper were both killed; returns how many processes that were."""
    found = set()
    for pid, mark in _marked():
        ours, by, _token = mark.split(".", 2) if mark.count(".") == 2 else ("", "", "")
        if ours == _ours() and not Path(f"/proc/{by}").exists():
            found.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return len(found)


def _ours() -> str:
    """Stands for our home: checks of another one are not ours to end."""
    return hashlib.sha256(os.fsencode(os.path.realpath(places.home()))).hexdigest()[:12]


def _end_all(mark: str) -> None:
    """End what is left of a check whose keeper was killed, or that got away where there is none."""
    deadline = time.monotonic() + GRACE_S
    while (left := [pid for pid, other in _marked() if other == mark]) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _marked() -> Iterator[tuple[int, str]]:
    """Living processes of checks with their marks. Without /proc (macOS) none is seen."""
    begins = f"{MARK}=".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            mark = next(
                (part for part in (folder / "environ").read_bytes().split(b"\0") if part.startswith(begins)), b""
            )
            if mark and (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX":
                yield int(folder.name), mark.removeprefix(begins).decode("ascii", "replace")
