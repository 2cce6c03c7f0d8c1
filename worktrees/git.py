"""Runs git: deadlines, a scrubbed environment, no hooks.

What an agent may have planted in the shared ``.git`` (hooks, fsmonitor, external diffs) is switched off in every call;
filters and merge drivers are not stopped by this.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from worktrees.errors import GitFailed, GitMissing, GitTimeout
from worktrees.locks import Patience, contended, refusal

OLDEST = (2, 38)
INSTALL = "install it: apt install git (Debian) · dnf install git (Fedora) · pacman -S git (Arch) · brew install git"
DEADLINE_S = 60.0
_ENV = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}

_SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=off",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "advice.detachedHead=false",
    # Git itself waits for locks of single refs, by default 0.1 s.
    "-c",
    "core.filesRefLockTimeout=1000",
)


def run(
    cwd: Path | str,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    deadline_s: float = DEADLINE_S,
    ok: tuple[int, ...] = (0,),
) -> str:
    """Run ``git args`` in ``cwd``; returns what it printed, decoded so that any file name survives a round trip.

    Raises GitFailed when the exit code is not in ``ok``, GitTimeout at the deadline, GitMissing without git.
    """
    return run_code(cwd, *args, env=env, stdin=stdin, deadline_s=deadline_s, ok=ok)[1]


def run_code(
    cwd: Path | str,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    deadline_s: float = DEADLINE_S,
    ok: tuple[int, ...] = (0,),
) -> tuple[int, str]:
    """Like :func:`run`, with the exit code. While another git holds a lock it is tried again; then Locked."""
    patience = Patience()
    while True:
        code, out, err = _once(cwd, args, env, stdin, deadline_s)
        lock = contended(args, err) if code != 0 else None
        if lock is None:
            break
        if not patience.again():
            if lock != Path():
                # Git names our link to a file; the lock is beside the file itself.
                lock = Path(os.path.realpath((Path(cwd) / lock).with_suffix("")) + ".lock")
            raise refusal(lock)
    if code not in ok:
        raise GitFailed(args, code, err)
    return code, os.fsdecode(out)


def _once(
    cwd: Path | str, args: tuple[str, ...], env: Mapping[str, str] | None, stdin: bytes | None, deadline_s: float
) -> tuple[int, bytes, str]:
    process = _start(cwd, args, env, stdin is not None)
    try:
        out, err = process.communicate(stdin, timeout=deadline_s)
    except subprocess.TimeoutExpired:
        raise GitTimeout(args, deadline_s) from None
    finally:
        if process.returncode is None:
            _end(process)
    return process.returncode, out, err.decode("utf-8", "replace")


class _Process(subprocess.Popen[bytes]):
    """Is told of its end. Popen with a deadline looks for it in ever longer steps: half of what a short git costs."""

    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None and self.returncode is None:
            with suppress(AttributeError, OSError):  # not on this system: Popen's own way
                handle = os.pidfd_open(self.pid)
                try:
                    poller = select.poll()
                    poller.register(handle, select.POLLIN)
                    poller.poll(max(0.0, timeout) * 1000)
                finally:
                    os.close(handle)
        return super().wait(timeout)


def _start(cwd: Path | str, args: tuple[str, ...], env: Mapping[str, str] | None, fed: bool) -> _Process:
    # A GIT_DIR of the caller would lead git elsewhere.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return _Process(
            ["git", *_SAFE, *args],
            cwd=cwd,
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**clean, **_ENV, **(env or {})},
            start_new_session=True,
        )
    except ValueError as error:  # a NUL byte, or text that no file system has
        raise GitFailed(args, -1, f"it cannot be given {error}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        if not Path(cwd).is_dir():
            raise GitFailed(args, -1, f"the folder {cwd} is gone") from error
        raise GitMissing("git is not installed", INSTALL) from error


def version() -> tuple[int, int]:
    """Git's version. Raises GitMissing when it is absent or older than 2.38 (``merge-tree --write-tree``)."""
    found = re.search(r"(\d+)\.(\d+)", run(Path.cwd(), "--version"))
    if found is None:
        return OLDEST
    known = (int(found[1]), int(found[2]))
    if known < OLDEST:
        raise GitMissing(f"git {found[0]} is too old; {OLDEST[0]}.{OLDEST[1]} or newer is needed", INSTALL)
    return known


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
