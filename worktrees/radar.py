"""The radar: which of many works would conflict when they were merged, known before anybody merges.

Cheap by what it leaves out. A pair of commits that was looked at is never looked at again. Two works that change no
path in common, with no file where the other has a folder and nothing new in a folder that the other may have renamed,
merge cleanly: git decides each path by itself. The rest is merged by ``git merge-tree``, many in one process, into a
scratch object store that is thrown away. It touches no checkout, no index, no ref.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from sys import intern
from typing import TypeVar

from worktrees import changes, conflicts, git, indexes, objects
from worktrees.ancestry import Pair, merge_bases
from worktrees.changes import shown
from worktrees.cleanroom import run, run_code, view
from worktrees.errors import WorktreeError
from worktrees.models import Clash, Conflict, Model

WORKERS = 2
BATCH = 16
"""Merges that one process does: a stuck one costs only its batch, and what it says is held whole."""
REMEMBERED = 10_000
"""Pairs, and works with what they changed, that are remembered."""
HEAVIEST = 100_000
"""Paths and folders in all that is remembered of either: works of thousands of files would fill the memory."""
STDIN_SINCE = (2, 39)
T = TypeVar("T")
_PATIENCE_S = 120.0


class Forecast(Model):
    """What merging two commits would do. With ``error`` git could not say; that is not a conflict."""

    conflicts: tuple[Conflict, ...] = ()  # without their text
    shared: tuple[str, ...] = ()  # paths that both changed, conflicting or not; empty when it is not known
    error: str = ""


@dataclass(frozen=True)
class Touched:
    """What a work changed, a rename as a path gone and one that is new."""

    paths: frozenset[str]
    above: frozenset[str]  # every folder that one of the paths is in
    entered: frozenset[str]  # folders with something new in them
    left: frozenset[str]  # folders with something gone from them; empty when nothing is new: nothing was renamed


class Radar:
    """Remembers what it found. May be asked from several threads."""

    def __init__(self) -> None:
        self._known: dict[Pair, Forecast] = {}
        self._touched: dict[Pair, Touched] = {}
        self._lock = threading.Lock()

    def look(self, repository: Path, pairs: Iterable[Pair]) -> dict[Pair, Forecast]:
        """What merging each pair of commits would do. What git does not tell is an forecast too, with its error."""
        wanted = list(dict.fromkeys(pairs))
        with self._lock:
            known = {pair: self._known[pair] for pair in wanted if pair in self._known}
        found: dict[Pair, Forecast] = {pair: Forecast() for pair in wanted if pair[0] == pair[1]}
        new = [pair for pair in wanted if pair not in known and pair not in found]
        if new:
            shared = self._shared(repository, new)
            found |= {pair: Forecast() for pair in new if shared.get(pair) == ()}
            found |= merges(repository, [pair for pair in new if pair not in found])
            for pair, paths in shared.items():
                found[pair] = found[pair].model_copy(update={"shared": tuple(map(shown, paths or ()))})
        with self._lock:
            # An error may be gone the next time: an object was missing, or git ran out of time.
            self._known |= {pair: forecast for pair, forecast in found.items() if not forecast.error}
            _forget(self._known, lambda forecast: len(forecast.conflicts) + len(forecast.shared))
        return {pair: found[pair] if pair in found else known[pair] for pair in wanted}

    def changed(self, repository: Path, pairs: Iterable[Pair]) -> dict[Pair, frozenset[str]]:
        """Paths that the first of each pair changed since it parted from the second; unknown ones are left out."""
        wanted = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
        try:
            bases = {pair: found[0] for pair, found in merge_bases(repository, wanted).items() if len(found) == 1}
            known = self._works(repository, {(base, pair[0]) for pair, base in bases.items()})
        except WorktreeError:
            return {}
        return {pair: known[base, pair[0]].paths for pair, base in bases.items()}

    def _shared(self, repository: Path, pairs: list[Pair]) -> dict[Pair, tuple[str, ...] | None]:
        """Paths that both sides changed. Empty: they cannot conflict. None: they share none, but may conflict."""
        try:
            bases = {pair: found[0] for pair, found in merge_bases(repository, pairs).items() if len(found) == 1}
            known = self._works(repository, {(base, tip) for pair, base in bases.items() for tip in pair})
        except WorktreeError:
            return {}  # a commit is missing: merging says which
        shared: dict[Pair, tuple[str, ...] | None] = {}
        for (one, other), base in bases.items():
            left, right = known[base, one], known[base, other]
            both = tuple(sorted(left.paths & right.paths))
            shared[one, other] = both or (() if apart(left, right) else None)
        return shared

    def _works(self, repository: Path, sides: Collection[Pair]) -> dict[Pair, Touched]:
        """What each tip changed since the base before it."""
        with self._lock:
            known = {side: self._touched[side] for side in sides if side in self._touched}
        known |= touched(repository, [side for side in sides if side not in known])
        with self._lock:
            self._touched |= known
            _forget(self._touched, lambda one: sum(map(len, (one.paths, one.above, one.entered, one.left))))
        return known


def _forget(known: dict[Pair, T], weight: Callable[[T], int]) -> None:
    """Drop the oldest until neither their number nor what they hold is above its limit."""
    left = HEAVIEST
    for number, pair in enumerate(reversed(list(known))):
        left -= weight(known[pair])
        if number >= REMEMBERED or left < 0:
            del known[pair]


def work(worktree: Path) -> str:
    """What would land of a worktree now, as a commit: HEAD, or one on it with what is uncommitted and not ignored.

    The same content gives the same commit. Empty when no commit is checked out.
    """
    with indexes.ours(worktree) as now:
        if not now.uncommitted or not now.head:
            return now.head
        tree = now.tree()
        return objects.commit(worktree, tree, (now.head,), "orchestrator: work\n", at=0)


def apart(one: Touched, other: Touched) -> bool:
    """Whether two works that changed different paths cannot conflict."""
    return not (
        one.paths & other.paths
        or one.above & other.paths
        or other.above & one.paths
        # A file that is new in a folder which the other side renamed is moved along, which can collide.
        or one.left & other.entered
        or other.left & one.entered
    )


def touched(repository: Path, sides: Sequence[Pair]) -> dict[Pair, Touched]:
    """What each commit changed since the base before it; all by one process."""
    if not sides:
        return {}
    # Given a commit and another one, git takes the second for its parent.
    fed = "".join(f"{tip} {base}\n" for base, tip in sides).encode()
    words = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--always", "--ignore-submodules=none")
    fields = run(repository, *words, stdin=fed, deadline_s=_PATIENCE_S).split("\0")
    found: dict[Pair, Touched] = {}
    position = 0
    for side in sides:
        position += 1  # the commit's id
        letters: dict[str, str] = {}
        while position < len(fields) and fields[position].startswith(":"):
            letters[intern(fields[position + 1])] = fields[position].rsplit(" ", 1)[1][:1]
            position += 2
        new = [path for path, letter in letters.items() if letter == "A"]
        gone = [path for path, letter in letters.items() if letter == "D"]
        found[side] = Touched(frozenset(letters), _folders(letters), _folders(new), _folders(gone if new else ()))
    return found


def merges(repository: Path, pairs: Sequence[Pair]) -> dict[Pair, Forecast]:
    """Merge each pair, and throw away what comes out but for the conflicts."""
    if not pairs:
        return {}
    size = max(1, min(BATCH, -(-len(pairs) // WORKERS))) if _batches() else 1
    parts = [pairs[n : n + size] for n in range(0, len(pairs), size)]
    room = view(repository).room
    with tempfile.TemporaryDirectory(prefix="radar-", dir=room.folder) as scratch:
        env = {
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(str(room.folder / "objects")),
        }
        if len(parts) == 1:
            return _merged(repository, parts[0], env)
        with ThreadPoolExecutor(WORKERS) as workers:
            found: dict[Pair, Forecast] = {}
            for part in workers.map(lambda part: _merged(repository, part, env), parts):
                found |= part
            return found


def clashes(repository: Path, one: str, other: str) -> tuple[Clash, ...]:
    """Every path in conflict between two commits, and what each side did to it since they parted."""
    found = {_own(clash.path, (one, other)): clash for clash in conflicts.preview(repository, one, other)}
    if not found:
        return ()
    base = run(repository, "merge-base", one, other).strip()
    sides = [changes.between(repository, base, tip)[0] for tip in (one, other)]
    return tuple(
        Clash(
            conflict=clash.model_copy(update={"path": path}),
            one=tuple(change for change in sides[0] if path in (change.path, change.old_path)),
            other=tuple(change for change in sides[1] if path in (change.path, change.old_path)),
        )
        for path, clash in found.items()
    )


def _own(path: str, sides: Pair) -> str:
    """A path without what git adds where it would have to put one side's file beside the other's."""
    name, _, side = path.rpartition("~")
    return name if side in sides else path


def _merged(repository: Path, pairs: Sequence[Pair], env: dict[str, str]) -> dict[Pair, Forecast]:
    begin = ("merge-tree", "--write-tree", "-z")
    try:
        if _batches():
            fed = "".join(f"{one} {other}\n" for one, other in pairs).encode()
            said = run(repository, *begin, "--stdin", env=env, stdin=fed, deadline_s=_PATIENCE_S)
        else:  # a single merge tells by its exit code what a batch tells before each
            code, said = run_code(repository, *begin, *pairs[0], env=env, deadline_s=_PATIENCE_S, ok=(0, 1))
            said = f"{1 - code}\0{said}\0"
        return dict(zip(pairs, parsed(said, pairs), strict=True))
    except (WorktreeError, ValueError, IndexError) as error:
        if len(pairs) == 1:
            said = error.message if isinstance(error, WorktreeError) else "git answers what is not understood"
            return {pairs[0]: Forecast(error=said)}
    # One that git cannot merge ends the whole batch.
    half = len(pairs) // 2
    return _merged(repository, pairs[:half], env) | _merged(repository, pairs[half:], env)


def parsed(said: str, pairs: Sequence[Pair]) -> list[Forecast]:
    """What ``merge-tree --stdin -z`` says of each pair. Raises ValueError or IndexError on other text.

    Each is ``<clean>\\0<tree>\\0``, with conflicts ``<mode> <id> <stage>\\t<path>\\0…\\0`` and notes
    ``<n>\\0<path>\\0…<kind>\\0<text>\\0…``, then ``\\0``.
    """
    fields = said.split("\0")
    forecasts = []
    position = 0
    for pair in pairs:
        clean, position = fields[position], position + 2
        if clean not in ("0", "1") or fields[position] == clean:
            raise ValueError(clean)
        paths: dict[str, str] = {}
        named: dict[str, str] = {}
        if clean == "0":
            while fields[position]:
                paths[_own(fields[position].partition("\t")[2], pair)] = "content"
                position += 1
            position += 1
            while fields[position]:
                at = position + 1 + int(fields[position])
                if fields[at].startswith("CONFLICT"):
                    word = fields[at].removeprefix("CONFLICT").strip(" ()")
                    for path in fields[position + 1 : at]:
                        named.setdefault(_own(path, pair), "content" if word == "contents" else word)
                position = at + 2
        position += 1
        if clean == "0" and not (paths or named):
            raise ValueError("a conflict in no path")
        # A folder of which git cannot tell where it was renamed to is in conflict, and no file of it.
        kinds = {path: named.get(path, kind) for path, kind in paths.items()} or named
        forecasts.append(
            Forecast(conflicts=tuple(Conflict(path=shown(path), kind=kind) for path, kind in kinds.items()))
        )
    return forecasts


@cache
def _batches() -> bool:
    return git.version() >= STDIN_SINCE


def _folders(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(str(folder) for path in paths for folder in PurePosixPath(path).parents[:-1])


def _quoted(folder: str) -> str:
    """A folder among those of an environment variable that are parted by colons."""
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"' if os.pathsep in folder else folder
