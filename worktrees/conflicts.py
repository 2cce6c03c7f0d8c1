"""Would two commits merge? Asked of ``git merge-tree --write-tree``, which touches no checkout and no index."""

from __future__ import annotations

from pathlib import Path

from worktrees.changes import shown
from worktrees.cleanroom import run, run_code
from worktrees.errors import GitFailed
from worktrees.models import Conflict

TEXT_LIMIT = 64 << 10


def merge_tree(repository: Path, ours: str, theirs: str) -> tuple[str, tuple[Conflict, ...]]:
    """The tree that merging ``theirs`` into ``ours`` gives, and what conflicts in it.

    Exit code 0 is clean and 1 is conflicts; anything else is an error and never shown as a conflict.
    """
    code, said = run_code(repository, "merge-tree", "--write-tree", "-z", ours, theirs, ok=(0, 1))
    head, _, notes = said.partition("\0\0") if code else (said, "", "")
    tree, *entries = head.strip("\0").split("\0")
    if code == 0:
        return tree.strip(), ()
    paths: list[str] = []
    for entry in entries:
        _, _, path = entry.partition("\t")
        if path and path not in paths:
            paths.append(path)
    if not paths:
        raise GitFailed(("merge-tree",), code, said)
    kinds = _kinds(notes)
    return tree, tuple(
        Conflict(path=shown(path), kind=kinds.get(path, "content"), text=_text(repository, tree, path))
        for path in paths
    )


def preview(repository: Path, ours: str, theirs: str) -> tuple[Conflict, ...]:
    """What would conflict if ``theirs`` were merged into ``ours``."""
    return merge_tree(repository, ours, theirs)[1]


def _kinds(notes: str) -> dict[str, str]:
    """Git's word for each path's conflict from the notes: ``<count>\\0<path>…\\0<type>\\0<message>\\0``, repeated."""
    fields = notes.split("\0")
    kinds: dict[str, str] = {}
    position = 0
    while position < len(fields) and fields[position].strip().isdigit():
        count = int(fields[position])
        paths = fields[position + 1 : position + 1 + count]
        kind = fields[position + 1 + count] if position + 1 + count < len(fields) else ""
        if kind.startswith("CONFLICT"):
            word = kind.removeprefix("CONFLICT").strip(" ()")
            for path in paths:
                kinds.setdefault(path, "content" if word == "contents" else word)
        position += count + 3
    return kinds


def _text(repository: Path, tree: str, path: str) -> str:
    try:
        return shown(run(repository, "cat-file", "blob", f"{tree}:{path}"))[:TEXT_LIMIT]
    except GitFailed:
        return ""
