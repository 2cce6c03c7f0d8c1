"""The processes of a pane: agents run tools in process groups of their own, so the whole terminal session is meant."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def hold(leader: int, paused: bool) -> None:
    """SIGSTOP or SIGCONT to every process of the terminal session that ``leader`` leads, but for the leader.

    The leader is the start script that waits for the program; tmux would wake it at once and everything with it.
    """
    for pid in of_session(leader):
        if pid != leader:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGSTOP if paused else signal.SIGCONT)


def held(leader: int) -> bool:
    """Somebody stopped the program in the terminal session that ``leader`` leads. About 2 ms.

    The program shares the process group of the start script; the tools that it runs have groups of their own.
    """
    if not Path("/proc/self/stat").exists():
        words = ["ps", "-A", "-o", "pid=,pgid=,stat="]
        said = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False).stdout
        rows = [row for line in said.splitlines() if len(row := line.split()) == 3]
        return any(row[1] == str(leader) != row[0] and row[2].startswith("T") for row in rows)
    return any(_is_stopped(pid) for pid in of_session(leader) if pid != leader and _group(pid) == leader)


def survivors(leader: int, folder: Path) -> list[int]:
    """Processes of a launch whose pane is gone: of the terminal session that ``leader`` led, if that is still ours.

    A number is given anew after a while, so there must be proof: the start script in ``folder`` as the leader, or a
    process that was told to write its events there. Without /proc nothing is found.
    """
    if not Path("/proc/self/stat").exists():
        return []
    found = [pid for pid in of_session(leader) if pid != os.getpid() and _state(pid) not in ("Z", "X", "")]
    return found if any(_is_of(pid, os.fsencode(folder)) for pid in found) else []


def end_survivors(leader: int, folder: Path, within_s: float = 2.0) -> None:
    """End all :func:`survivors`, also those that one of them started meanwhile. Blocks."""
    for _ in range(5):
        found = survivors(leader, folder)
        if not found:
            return
        end(found, within_s)


def end(pids: list[int], within_s: float = 2.0) -> None:
    """SIGTERM, and SIGKILL to what is still there after ``within_s``. Blocks until all of them have ended."""
    handles: dict[int, int] = {}
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            handles[pid] = os.pidfd_open(pid)
    try:
        for number, wait_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, within_s)):
            for handle in handles.values():
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
            deadline = time.monotonic() + wait_s
            for pid, handle in tuple(handles.items()):
                if select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    os.close(handles.pop(pid))
    finally:
        for handle in handles.values():
            os.close(handle)


def _is_of(pid: int, folder: bytes) -> bool:
    with suppress(OSError):
        proc = Path("/proc") / str(pid)
        words, env = (proc / "cmdline").read_bytes().split(b"\0"), (proc / "environ").read_bytes().split(b"\0")
        return any(word.startswith(folder + b"/") for word in words) or any(
            line.startswith(b"ORCHESTRATOR_EVENTS=" + folder + b"/") for line in env
        )
    return False


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getpgid(pid)
    return None


def _is_stopped(pid: int) -> bool:
    return _state(pid) in ("T", "t")


def _state(pid: int) -> str:
    """The letter of /proc; empty when there is no such process."""
    with suppress(OSError):
        # "pid (name) state …"; the name may hold blanks and brackets.
        return (Path("/proc") / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    return ""


def of_session(leader: int) -> list[int]:
    """Ids of the processes whose session id is ``leader``."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        said = subprocess.run(["ps", "-A", "-o", "pid=,sess="], capture_output=True, text=True, timeout=10, check=False)
        rows = (line.split() for line in said.stdout.splitlines())
        return [int(row[0]) for row in rows if len(row) == 2 and row[1] == str(leader)] or [leader]
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(int(entry.name)) == leader:
                    found.append(int(entry.name))
    return found
