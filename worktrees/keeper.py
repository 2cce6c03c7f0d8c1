"""Runs one command and knows everything that it starts: a program of its own, of the standard library alone.

``python -I -S keeper.py JSON``. On Linux it is the *subreaper* of all that it starts (prctl(2)): whatever daemonises,
in a session of its own and with an emptied environment, becomes its child when its parent ends, so ``waitpid`` saying
that there is no child proves that nothing is left. It ends everything when its caller closes the pipe ``life``, and so
when the caller is killed. Elsewhere it knows the command's own session only.

The command's output goes through it into the file ``output``, of which the end is kept. What happened is written to the
pipe ``report`` as JSON: ``code`` (None: it was ended before it had ended itself), ``left`` ([pid, command line] of
what still ran a moment after the command had ended) and ``alive`` (pids that could not be ended: of another user).
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_PATIENCE_S = 5.0
CUT = b"[... %d bytes before this are left out ...]\n"


class _Output:
    """A file that keeps the last ``kept`` bytes, and while it is written at most twice as many."""

    def __init__(self, path: str, kept: int) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._kept = kept
        self._size = os.fstat(self._file).st_size
        self._lost = 0

    def add(self, data: bytes) -> None:
        with suppress(OSError):  # a full disk: the check goes on, its exit code is what counts
            self._size += os.write(self._file, data)
            if self._size > 2 * self._kept:
                tail = os.pread(self._file, self._kept, self._size - self._kept)
                self._lost += self._size - len(tail)
                os.ftruncate(self._file, 0)
                self._size = os.write(self._file, CUT % self._lost + tail)


def main() -> None:
    ask = json.loads(sys.argv[1])
    life, report = int(ask["life"]), int(ask["report"])
    for descriptor in (life, report):
        os.set_inheritable(descriptor, False)
    reaps = sys.platform == "linux" and ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0
    if ask["nice"]:
        os.nice(int(ask["nice"]))
    output = _Output(ask["output"], int(ask["kept"]))
    woken, wake = os.pipe()
    said, says = os.pipe()
    for descriptor in (woken, wake, said):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake)
    child = os.fork()
    if child == 0:
        _become(ask["argv"], says)
    os.close(says)
    code: int | None = None
    left: list[int] = []
    open_ = True
    until: float | None = None  # the command has ended: what it started has until then
    while True:
        wait: float | None = None if until is None else 0.02
        ready, _, _ = select.select([life, woken, *([said] if open_ else [])], [], [], wait)
        if said in ready:
            open_ = _pump(said, output)
        if life in ready:
            break
        if woken in ready:
            with suppress(BlockingIOError):
                os.read(woken, 4096)
        for pid, status in _reap():
            if pid == child:
                code, until = os.waitstatus_to_exitcode(status), time.monotonic() + float(ask["grace"])
        if until is not None:
            left = _descendants() if reaps else []
            if not left or time.monotonic() > until:
                break
    lines = [[pid, _line(pid)] for pid in left]
    alive = _end(child, reaps)
    if open_:
        _pump(said, output)
    os.write(report, json.dumps({"code": code, "left": lines, "alive": alive}).encode())


def _become(argv: list[str], says: int) -> None:
    """Be the command, in a session of its own."""
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (says, 1), (says, 2)):
            os.dup2(source, target)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(says, f"{argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _pump(said: int, output: _Output) -> bool:
    """Move what was printed into the file; False when nobody can print any more."""
    for _turn in range(64):  # then look at the other things
        try:
            data = os.read(said, 1 << 16)
        except BlockingIOError:
            return True
        if not data:
            return False
        output.add(data)
    return True


def _reap() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _descendants() -> list[int]:
    """Living processes that came from here. A parent that ended has left its own to us."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  (no pathlib here: it starts for every check)
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
                if fields[0] not in (b"Z", b"X"):
                    parents[int(name)] = int(fields[1])
    found, ours = [], {os.getpid()}
    grew = True
    while grew:
        grew = False
        for pid, parent in parents.items():
            if parent in ours and pid not in ours:
                ours.add(pid)
                found.append(pid)
                grew = True
    return found


def _line(pid: int) -> str:
    """The command line of a process, else its name."""
    for part in ("cmdline", "comm"):
        with suppress(OSError), open(f"/proc/{pid}/{part}", "rb") as file:  # noqa: PTH123
            if words := file.read(400).replace(b"\0", b" ").strip():
                return words.decode("utf-8", "replace")
    return "?"


def _end(child: int, reaps: bool) -> list[int]:
    """End all of it. First nobody may run, so that nobody can start another; returns who could not be ended."""
    deadline = time.monotonic() + _PATIENCE_S
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    if not reaps:
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
        return []
    held: set[int] = set()
    while fresh := [pid for pid in _descendants() if pid not in held]:
        for pid in fresh:
            held.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGSTOP)
    while True:
        for pid in (left := _descendants()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if time.monotonic() > deadline:
            return left
        time.sleep(0.002)


if __name__ == "__main__":
    main()
