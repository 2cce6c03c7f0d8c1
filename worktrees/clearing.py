"""May a worktree's folder go? Asked before anything is deleted; every no names its reason and the next step.

The folder must be the one that we made, by its path, by what was written down outside of it, and by its inode. Nobody
may stand in it. No repository in it may hold work that is nowhere else.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worktrees import cleanroom, indexes, objects, places
from worktrees.cleanroom import own_index, run, run_code
from worktrees.errors import NotOurs, WorktreeError, WorktreeInUse

LEAVE_S = 3.0
"""So long is waited for programs that are ending: what was just stopped takes its children along."""
_REFLOG_LIMIT = 200


@dataclass(frozen=True)
class Inhabitant:
    """A process whose working folder is in a worktree."""

    pid: int
    name: str


def refuse_stranger(path: Path, root: Path) -> None:
    """Raises NotOurs unless ``path`` is, by marker and inode, the folder that we made."""
    real = Path(os.path.realpath(path))
    precious = (Path("/"), Path.home(), root, places.home())
    if not path.is_absolute() or any(Path(os.path.realpath(one)).is_relative_to(real) for one in precious):
        raise NotOurs(f"{path} is never removed", "name a session")
    known = cleanroom.registered(path)
    state = path.lstat()
    if known is None or (known["device"], known["inode"]) != (state.st_dev, state.st_ino) or path.is_symlink():
        raise NotOurs(
            f"{path} is not the folder that we made", "look into it; if it can go: git worktree remove, or move it away"
        )


def refuse_inhabited(path: Path) -> None:
    """Raises WorktreeInUse while a process has its working folder in ``path``. Without ``/proc`` nobody is seen."""
    until = time.monotonic() + LEAVE_S
    for one in inhabitants(path):
        left = until - time.monotonic()
        if left <= 0 or not _ends(one.pid, left):
            raise WorktreeInUse(path, one.pid, one.name)
    if (late := next(inhabitants(path), None)) is not None:
        raise WorktreeInUse(path, late.pid, late.name)


def inhabitants(path: Path) -> Iterator[Inhabitant]:
    """Processes whose working folder is ``path`` or below."""
    real = os.path.realpath(path)
    with suppress(OSError):
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                where = str((entry / "cwd").readlink())
                if where == real or where.startswith(real + "/"):
                    yield Inhabitant(int(entry.name), (entry / "comm").read_text().strip())


def refuse_repositories(path: Path, tree: str) -> None:
    """Raises WorktreeError when a repository inside would take work along that is nowhere else."""
    if stat.S_ISDIR((path / ".git").lstat().st_mode) if os.path.lexists(path / ".git") else False:
        raise WorktreeError(
            f"{path}/.git is a repository of its own now, and its history would be lost",
            "move that folder elsewhere, then try again",
        )
    with indexes.ours(path) as now:
        names = [name.rstrip("/") for name in now.nested]
    rows = run(path, "ls-tree", "-r", "-z", tree).split("\0")
    names += [row.split("\t", 1)[1] for row in rows if row.startswith("160000 ")]
    for name in dict.fromkeys(names):
        if (why := _precious(path / name)) is not None:
            raise WorktreeError(
                f"{path} holds a repository of its own, {name}, {why}, which would be lost",
                "push it or move it elsewhere, then try again",
            )


def mend(path: Path) -> None:
    """Let ``.git`` lead to where it did when we made the worktree: git refuses to remove it otherwise."""
    git = path / ".git"
    wanted = f"gitdir: {cleanroom.view(path).admin}\n"
    with suppress(OSError):
        if not git.is_symlink() and git.read_text() == wanted:
            return
    fresh = path / f".git.{os.getpid()}"
    fresh.write_text(wanted)
    fresh.replace(git)


def leftovers(path: Path, held: tuple[str, ...]) -> dict[str, str]:
    """Commits to pin, by a name for each: what is staged alone, and what only the worktree's reflog still names.

    ``held`` are commits that are kept anyway.
    """
    found: dict[str, str] = {}
    with suppress(WorktreeError):  # an index with conflicts has no tree
        tree = run(path, "write-tree", env=own_index(path)).strip()
        trees = run(path, "rev-parse", *(f"{commit}^{{tree}}" for commit in held)).split()
        if tree not in trees:
            found["staged"] = objects.commit(path, tree, held[:1], "orchestrator: staged\n")
    lost = _unreachable(path, held)
    if lost:
        tree = run(path, "rev-parse", f"{lost[0]}^{{tree}}").strip()
        found["reflog"] = objects.commit(path, tree, lost, "orchestrator: named by the reflog alone\n")
    return found


def _unreachable(path: Path, held: tuple[str, ...]) -> tuple[str, ...]:
    """Newest first; of a chain of commits only the newest, which holds the others."""
    log = cleanroom.view(path).admin / "logs" / "HEAD"
    try:
        with open(log, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            lines = file.read().splitlines()[-_REFLOG_LIMIT:]
    except OSError:
        return ()
    named = [line.split(b" ", 2)[1].decode("ascii", "replace") for line in reversed(lines) if line.count(b" ") > 1]
    named = [name for name in dict.fromkeys(named) if len(name) >= 40 and set(name) <= set("0123456789abcdef")]
    fed = "".join(f"{name}^{{commit}}\n" for name in named).encode()
    said = run(path, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=fed).splitlines()
    commits = [line.split(" ")[0] for line in said if line.endswith(" commit")]
    kept = list(held)
    found: list[str] = []
    for commit in commits:
        code, rest = run_code(path, "rev-list", "--max-count=1", commit, "--not", *kept, ok=(0, 128))
        if code == 0 and rest.strip():
            found.append(commit)
            kept.append(commit)
    return tuple(found)


def _precious(path: Path) -> str | None:
    """What of a repository's work is nowhere else; None when all of it is."""
    git = path / ".git"
    if not os.path.lexists(git):
        return None  # a submodule that was never filled
    if not git.is_file() or git.is_symlink():
        return "with its history"
    with indexes.ours(path) as now:
        if now.uncommitted:
            return "with uncommitted work"
        if not now.head:
            return "with its history"
    here = run(path, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/stash", "refs/tags").split()
    alone = run(path, "rev-list", "--max-count=1", "HEAD", *here, "--not", "--glob=refs/remotes/*")
    return "with commits that no remote has" if alone.strip() else None


def _ends(pid: int, within_s: float) -> bool:
    """Wait for a process to end; False when it did not."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):
        return False
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(within_s * 1000))
    finally:
        os.close(handle)
