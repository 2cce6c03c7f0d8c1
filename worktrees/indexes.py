"""Our own index of every checkout: it holds the files as they are, and is kept warm between looks.

The agent's index is never written, and not believed either: it says what *it* has staged, and ``assume-unchanged`` in
it would hide edits from us. Ours begins as a copy of it, for the stat data that spares us unchanged files, and is
brought up to date by one ``git status`` and, if anything changed, one ``update-index``. A file that was edited without
a change of size and time is seen by its ctime. Git compares whole seconds of it, so what changed in the second of a
look is read again in the next one: the index gets the time at which the look began, and git itself does the rest.

Repositories inside of the worktree are never looked into, as ``git add`` and ``git status`` do: that would run what
*their* configuration names. A sparse checkout's index is copied anew each time, because it alone says what is left out.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worktrees import objects
from worktrees.cleanroom import View, index_of, run, run_code, view
from worktrees.errors import GitFailed, WorktreeError

PATIENCE_S = 600.0
_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all")
_STATUS_SAFE = "--ignore-submodules=dirty"
_ATTEMPTS = 3
_FEW = 200
_CLOCK_S = 0.02
"""A file's time is the kernel's last tick, which lies up to so long before the clock's."""


@dataclass(frozen=True)
class Content:
    """What is in a checkout. ``env`` makes git use an index that holds it: every file that is not ignored."""

    worktree: Path
    env: dict[str, str]
    head: str  # the commit that is checked out; empty when its branch is gone
    uncommitted: bool  # anything differs from it
    nested: tuple[str, ...]  # repositories inside that git does not track: not in the index
    ignored: tuple[str, ...]  # files, and folders with a slash at their end; empty unless they were asked for

    @property
    def index(self) -> Path:
        return Path(self.env["GIT_INDEX_FILE"])

    def tree(self) -> str:
        """The tree of the index. Asked again for the same index, git is not."""
        if known := self._known_tree():
            return known
        before = _stat(self.index)
        tree = run(self.worktree, "write-tree", env=self.env).strip()
        after = _stat(self.index)
        if before and after:
            if after.st_ino != before.st_ino:  # written anew, with what it knows of trees: see _settle
                os.utime(self.index, ns=(before.st_atime_ns, before.st_mtime_ns))
            self.index.with_name("tree").write_text(f"{_mark(self.index)}\n{tree}")
        return tree

    def _known_tree(self) -> str:
        with suppress(OSError, ValueError):
            before, tree = self.index.with_name("tree").read_text().split("\n")
            if before == _mark(self.index) and objects.loose(self.worktree, tree):  # else nothing may have held it
                return tree
        return ""


@contextmanager
def ours(worktree: Path, *, ignored: bool = False) -> Iterator[Content]:
    """The content of a checkout now. One at a time: another's look waits until the block is left."""
    seen = view(worktree)
    with (seen.folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        index = seen.folder / "index"
        index.with_name("index.lock").unlink(missing_ok=True)  # under our lock, so its owner was killed
        sparse = (seen.admin / "info" / "sparse-checkout").exists()
        if not _same_rules(seen, index) or sparse or not index.exists():
            _seed(seen, index, sparse)
        try:
            content = _refreshed(seen, index, ignored)
        except GitFailed as error:
            if "index file" not in error.stderr:
                raise
            index.unlink()  # broken: a full disk, a power cut
            content = _refreshed(seen, index, ignored)
        yield content


@contextmanager
def copied(content: Content) -> Iterator[dict[str, str]]:
    """A copy of the index to do with what one likes, as the environment that makes git use it."""
    with tempfile.TemporaryDirectory(prefix="index-", dir=content.index.parent) as folder:
        copy = Path(folder) / "index"
        if content.index.exists():
            shutil.copy2(content.index, copy)  # with its time, by which git knows what is racily clean
        yield {**content.env, "GIT_INDEX_FILE": str(copy)}


def put(worktree: Path, env: dict[str, str], names: Iterable[str]) -> None:
    """Put these files into the index that ``env`` names, or take them out where they are gone."""
    fed = b"".join(os.fsencode(name) + b"\0" for name in names)
    if fed:
        words = ("--add", "--remove", "--replace", "-z", "--stdin")
        run(worktree, "update-index", *words, env=env, stdin=fed, deadline_s=PATIENCE_S)


def _refreshed(seen: View, index: Path, ignored: bool) -> Content:
    env = {"GIT_INDEX_FILE": str(index), "GIT_OPTIONAL_LOCKS": "1"}
    words = (*_STATUS, _STATUS_SAFE, *(("--ignored=matching",) if ignored else ()))
    began = int(time.time() - _CLOCK_S)
    young = _read_again(seen.path, index, env)
    for attempt in range(_ATTEMPTS):
        said = run(seen.path, *words, env=env, deadline_s=PATIENCE_S)
        content, changed, gone = _told(seen.path, env, said)
        try:
            if gone:
                zeros = "0" * (len(content.head) or 40)
                fed = b"".join(b"0 %s\t%s\0" % (zeros.encode(), os.fsencode(name)) for name in gone)
                run(seen.path, "update-index", "-z", "--index-info", env=env, stdin=fed, deadline_s=PATIENCE_S)
            put(seen.path, env, changed)
            _note_young(seen.path, index, {*young, *changed}, began)
            _settle(index, began)
        except GitFailed:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return content
    raise AssertionError("unreachable")


def _same_rules(seen: View, index: Path) -> bool:
    """The index was made under today's configuration: line ends and filters decide what a file is in git."""
    note, rules = index.with_name("rules"), seen.room.recipe.text
    with suppress(OSError):
        if note.read_text() == rules:
            return True
    index.unlink(missing_ok=True)
    note.write_text(rules)
    return False


def _read_again(worktree: Path, index: Path, env: dict[str, str]) -> list[str]:
    """Files that changed in the very second of the last look and look older: their stat data proves nothing.

    Returns them.
    """
    try:
        names = [name for name in os.fsdecode(index.with_name("young").read_bytes()).split("\0") if name]
    except FileNotFoundError:
        return []
    few = names if len(names) <= _FEW else []
    rows = run(worktree, "ls-files", "-s", "-z", "--", *few, env={**env, "GIT_LITERAL_PATHSPECS": "1"}).split("\0")
    wanted = set(names)
    fed = "".join(row + "\0" for row in rows if row.partition("\t")[2] in wanted)
    run(worktree, "update-index", "-z", "--index-info", env=env, stdin=os.fsencode(fed))  # the same, without stat data
    return names


def _note_young(worktree: Path, index: Path, names: set[str], began: int) -> None:
    """Git compares whole seconds, and of the time of a change only mtime, which a program may set back."""
    young = []
    for name in names:
        with suppress(OSError):
            state = (worktree / name).lstat()
            if int(state.st_ctime) >= began > int(state.st_mtime):
                young.append(name)
    note = index.with_name("young")
    if young:
        note.write_bytes(os.fsencode("\0".join(young)))
    else:
        note.unlink(missing_ok=True)


def _told(worktree: Path, env: dict[str, str], said: str) -> tuple[Content, list[str], list[str]]:
    """What ``git status`` says: the content, and the files that the index does not hold as they are, and gone ones."""
    head, uncommitted = "", False
    nested: list[str] = []
    ignored: list[str] = []
    changed: list[str] = []
    gone: list[str] = []
    for entry in said.split("\0"):
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            if name == "branch.oid" and not value.startswith("("):
                head = value
        elif kind == "!":
            ignored.append(rest)
        elif kind == "?":
            uncommitted = True
            (nested if rest.endswith("/") else changed).append(rest)
        elif kind:
            uncommitted = True
            path = rest.split(" ", 9 if kind == "u" else 7)[-1]
            if kind == "u" or rest[1] != ".":
                (gone if rest[1] == "D" else changed).append(path)
    return Content(worktree, env, head, uncommitted, tuple(nested), tuple(ignored)), changed, gone


def _seed(seen: View, index: Path, sparse: bool) -> None:
    """Begin with what the checkout's own index holds, without its wishes to look away."""
    own = index_of(seen.path)
    fresh = index.with_name("index.fresh")
    if not own.exists():
        if run_code(seen.path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))[0] == 0:
            run(seen.path, "read-tree", "HEAD", env={"GIT_INDEX_FILE": str(index)})
        return
    with open(own, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise WorktreeError(f"{own} is not a plain file", "remove it, then: git reset")
        fresh.write_bytes(file.read())
    os.utime(fresh, ns=(state.st_atime_ns, state.st_mtime_ns))
    env = {"GIT_INDEX_FILE": str(fresh)}
    hidden: dict[str, list[str]] = {"--no-assume-unchanged": [], "--no-skip-worktree": []}
    for entry in run(seen.path, "ls-files", "-v", "-z", env=env).split("\0"):
        if entry[:1].islower():
            hidden["--no-assume-unchanged"].append(entry[2:])
        if entry[:1] in "sS" and entry and not sparse:
            hidden["--no-skip-worktree"].append(entry[2:])
    for option, names in hidden.items():
        if names:
            fed = b"".join(os.fsencode(name) + b"\0" for name in names)
            run(seen.path, "update-index", option, "-z", "--stdin", env=env, stdin=fed)
    fresh.replace(index)


def _stat(path: Path) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return path.stat()
    return None


def _mark(index: Path) -> str:
    """What git writes at the end of an index: the digest of all of it."""
    with index.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 20))
        return f"{size} {file.read().hex()}"


def _settle(index: Path, began: int) -> None:
    """Let git read again, at the next look, every file that was written since this one began.

    Git trusts the stat data of a file that is older than the index. The index is written after its files were read:
    what was written in between, within the same second, would be trusted for ever.
    """
    with suppress(FileNotFoundError):
        if index.stat().st_mtime >= began:
            os.utime(index, (began, began))
