"""Git's lock files: is one in the way, who holds it, and was it left behind by a git that was killed.

A step of ours that meets a lock is tried again (:class:`Patience`). A lock that stays is reported with its owner. It
is put aside, never deleted, and only with proof that its owner is gone: it is ours, old, the same file on two looks,
on a local disk, nobody has it open, and no git process works on that repository. Processes are told apart by what
they have open and where they stand, never by a name alone; nothing is ever ended.

Not seen: a git in another container or on another machine that shares the folder. Network file systems are therefore
never proof, and without ``/proc`` (macOS) there is none at all.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worktrees.errors import Locked

WAIT_S = 10.0
"""How long a step of ours is tried again while a lock is in its way."""
SETTLE_S = 2.0
"""An editor's or prompt's ``git status`` holds the index for milliseconds; so long is waited before it is said."""
OLD_S = 60.0
APART_S = 1.0
_FIRST_S, _LONGEST_S = 0.01, 0.5
_LOOK_S = 0.02  # one lstat
_FILE = re.compile(r"Unable to create '(.+?\.lock)': File exists|could not lock config file (.+?): File exists")
# Reftable names no file; a worktree that another git is just adding has no commondir yet.
_UNNAMED = re.compile(r"cannot lock references|failed to read \S+/commondir")
_SEVERAL_STEPS = frozenset({"merge", "rebase", "cherry-pick", "revert", "am", "stash", "worktree add"})
"""They may have done a part before the lock stopped them: their callers decide, not a loop."""
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "afs", "ceph", "fuse.glusterfs"})


def contended(args: tuple[str, ...], stderr: str) -> Path | None:
    """The lock file that kept ``git args`` from starting, when trying again can do no harm. An unnamed one is ``.``."""
    return None if _verb(args) in _SEVERAL_STEPS else met(stderr)


def met(stderr: str) -> Path | None:
    """The lock file that git says was in its way; an unnamed one is ``.``."""
    found = _FILE.search(stderr)
    if found is not None:
        return Path(found[1] or found[2] + ".lock")
    return Path() if _UNNAMED.search(stderr) else None


def _verb(args: tuple[str, ...]) -> str:
    words = iter(args)
    for word in words:
        if word in ("-c", "-C"):
            next(words, None)
        elif not word.startswith("-"):
            return f"worktree {next(words, '')}" if word == "worktree" else word
    return ""


class Patience:
    """Waits between attempts: exponential, with full jitter so that many do not meet again at the same moment."""

    def __init__(self, within_s: float | None = None) -> None:
        self._until = time.monotonic() + (WAIT_S if within_s is None else within_s)
        self._next = _FIRST_S

    def again(self) -> bool:
        """Wait a little; False when it has been long enough."""
        left = self._until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, random.uniform(_FIRST_S / 2, self._next)))
        self._next = min(self._next * 2, _LONGEST_S)
        return True


@dataclass(frozen=True)
class Holder:
    """A process that has a lock open, or a git that works there and may hold it (``certain`` is False)."""

    pid: int
    command: str
    certain: bool

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid})"


def holder(lock: Path) -> Holder | None:
    """Who has ``lock`` open, else a git process that works on that repository; None when nobody is seen."""
    real = os.path.realpath(lock)
    places = _places(lock)
    at_work = None
    for process in _processes():
        if any(link == real for link in _open_files(process)):
            return _named(process, certain=True)
        if at_work is None and _is_git(process) and _works_on(process, places) and not _ended(process):
            at_work = _named(process, certain=False)
    return at_work


def left_behind(lock: Path, *, old_s: float = OLD_S, apart_s: float = APART_S) -> bool:
    """True only with proof that whoever made ``lock`` is gone. Takes ``apart_s`` when it may be."""
    first = _stamp(lock)
    if first is None or not Path("/proc/self/fd").is_dir() or _remote(lock):
        return False
    if first.st_uid != os.getuid() or time.time() - first.st_mtime < old_s:
        return False
    if holder(lock) is not None:
        return False
    time.sleep(apart_s)
    second = _stamp(lock)
    return second is not None and _same(first, second) and holder(lock) is None


def put_aside(lock: Path, folder: Path, *, old_s: float = OLD_S, apart_s: float = APART_S) -> Path:
    """Move a lock that was left behind into ``folder``; returns where it is now. Raises Locked without proof."""
    seen = _stamp(lock)
    if seen is None or not left_behind(lock, old_s=old_s, apart_s=apart_s):
        raise refusal(lock)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = folder / f"{lock.name}.{time.strftime('%Y%m%dT%H%M%S')}.{seen.st_ino}"
    os.rename(lock, aside)  # noqa: PTH104 - one syscall; whoever made a new one meanwhile gets it back below
    taken = _stamp(aside)
    if taken is None or not _same(seen, taken):
        os.link(aside, lock)
        aside.unlink()
        raise refusal(lock)
    return aside


def free(lock: Path, aside: Path | None = None, *, within_s: float = SETTLE_S, old_s: float = OLD_S) -> None:
    """Return once ``lock`` is not there; raise Locked, naming its owner, when it stays.

    With ``aside`` (a folder of ours) one that was left behind is put there; without it nothing is ever moved.
    """
    until = time.monotonic() + within_s
    while _stamp(lock) is not None:
        if aside is not None and left_behind(lock, old_s=old_s):
            put_aside(lock, aside, old_s=old_s)
            return
        if time.monotonic() > until:
            raise refusal(lock)
        time.sleep(_LOOK_S)


def refusal(lock: Path) -> Locked:
    """Says what is locked, since when, by whom, and what to do."""
    if lock == Path():
        return Locked("another git is changing the repository", "wait until it has ended, then try again", lock)
    stamp = _stamp(lock)
    if stamp is None:
        return Locked(f"{lock} was in the way", "try again", lock)
    owner = holder(lock)
    if owner is not None:
        holds = f"{owner} holds {lock}" if owner.certain else f"{lock} is in the way, and {owner} works there"
        return Locked(holds, "wait until it has ended, or end it, then try again", lock)
    age = f"made {_ago(time.time() - stamp.st_mtime)} ago"
    return Locked(
        f"{lock} is in the way, {age}, and nobody is seen who holds it",
        "when no git works there: orchestrator doctor --unlock puts it aside, with proof that its owner is gone",
        lock,
    )


def locks_of(git_dir: Path) -> tuple[Path, ...]:
    """The lock files that stop work in a repository: indexes of all its worktrees, HEADs, packed refs, config."""
    shared = [git_dir / name for name in ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock")]
    linked = [path for name in ("index.lock", "HEAD.lock") for path in sorted(git_dir.glob(f"worktrees/*/{name}"))]
    return tuple(path for path in (*shared, *linked) if _stamp(path) is not None)


def _stamp(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino, one.st_mtime_ns, one.st_size) == (
        other.st_dev,
        other.st_ino,
        other.st_mtime_ns,
        other.st_size,
    )


def _places(lock: Path) -> tuple[str, ...]:
    """Git folder and working tree that the lock belongs to, resolved."""
    git_dir = next((parent for parent in lock.parents if (parent / "HEAD").exists()), lock.parent)
    try:
        tree = Path((git_dir / "gitdir").read_text().strip()).parent
    except OSError:
        tree = git_dir.parent if git_dir.name == ".git" else git_dir
    return tuple({os.path.realpath(git_dir), os.path.realpath(tree)})


def _processes() -> Iterator[Path]:
    for entry in Path("/proc").glob("[0-9]*"):
        if entry.name != str(os.getpid()):
            yield entry


def _open_files(process: Path) -> Iterator[str]:
    try:
        handles = list((process / "fd").iterdir())
    except OSError:
        return  # gone, or of another user: a lock of ours was not made by one
    for handle in handles:
        try:
            yield os.readlink(handle)  # noqa: PTH115 - a pipe's name is no path
        except OSError:
            continue


def _is_git(process: Path) -> bool:
    try:
        return Path(os.readlink(process / "exe")).name.startswith("git")  # noqa: PTH115
    except OSError:
        return False


def _works_on(process: Path, places: tuple[str, ...]) -> bool:
    try:
        where = os.readlink(process / "cwd")  # noqa: PTH115
        told = os.fsdecode((process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes())
    except OSError:
        return True  # a git that cannot be looked at: no proof
    return any(where == place or where.startswith(place + "/") or place in told for place in places)


def _ended(process: Path) -> bool:
    """It has ended or is just ending: its memory, and with it the name of its program, is gone before its entry is."""
    try:
        os.readlink(process / "exe")  # noqa: PTH115
    except (FileNotFoundError, ProcessLookupError):
        return True
    except OSError:
        return False
    return False


def _named(process: Path, *, certain: bool) -> Holder:
    try:
        words = os.fsdecode((process / "cmdline").read_bytes()).split("\0")
    except OSError:
        words = []
    command = " ".join(word for word in (Path(words[0]).name, *words[1:3]) if word) if words and words[0] else "?"
    return Holder(int(process.name), command[:80], certain)


def _remote(path: Path) -> bool:
    """The file system of ``path`` may be changed by another machine."""
    real, longest, kind = os.path.realpath(path), "", ""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return True
    for line in mounts:
        fields = line.split()
        point = fields[1].replace("\\040", " ") if len(fields) > 2 else ""
        if len(point) >= len(longest) and (real + "/").startswith(point.rstrip("/") + "/"):
            longest, kind = point, fields[2]
    return kind in _REMOTE


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
