"""Files in the way of a checkout that no commit holds.

Git's own ``merge``, and ``read-tree -u`` since 2.34, write over ignored files without a word.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from worktrees.cleanroom import run
from worktrees.errors import InTheWay

_GONE = "000000"


def refuse(folder: Path, old: str, new: str) -> None:
    """Raises InTheWay when turning the tree ``old`` into ``new`` would write over a file that ``old`` does not hold."""
    fields = run(folder, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, new).split("\0")
    held: set[str] = set()
    came: dict[str, str] = {}
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        before, after, _, name, _ = about.removeprefix(":").split(" ")
        if before != _GONE:
            held.add(path)
        elif after != _GONE:
            came[path] = name
    found = sorted(
        {name for path in came for name in _obstacles(folder, path, held) if not _same(folder, name, came.get(name))}
    )
    if found:
        names = ", ".join(os.fsencode(name).decode("utf-8", "replace") for name in found[:3])
        raise InTheWay(
            f"{names}{' …' if len(found) > 3 else ''} in {folder} would be overwritten, and no commit holds it",
            "move it away, then try again; nothing was touched",
        )


def _obstacles(folder: Path, path: str, held: set[str]) -> list[str]:
    """What lies where ``path`` shall be and is not ``held``."""
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        kind = _kind(folder / parent)
        if kind is None:
            return []
        if kind != stat.S_IFDIR:  # a file or link where a folder shall be; links are never followed
            return [] if str(parent) in held else [str(parent)]
    kind = _kind(folder / path)
    if kind is None:
        return []
    if kind != stat.S_IFDIR:
        return [path]
    found = []
    for here, folders, files in os.walk(folder / path):
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        found += [(Path(here) / name).relative_to(folder).as_posix() for name in (*files, *links)]
    return [name for name in found if name not in held]


def _same(folder: Path, path: str, blob: str | None) -> bool:
    """The file holds just what comes in its place."""
    if blob is None or (folder / path).is_symlink():
        return False
    data = (folder / path).read_bytes()
    return run(folder, "hash-object", "--no-filters", "--stdin", stdin=data).strip() == blob


def _kind(path: Path) -> int | None:
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
