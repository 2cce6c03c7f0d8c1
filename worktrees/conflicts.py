"""Would two commits merge? Asked of ``git merge-tree --write-tree``, which touches no checkout and no index."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from worktrees.changes import shown
from worktrees.cleanroom import run, run_code
from worktrees.errors import GitFailed
from worktrees.models import Conflict

TEXT_LIMIT = 64 << 10


@dataclass(frozen=True)
class Merged:
    """What ``merge-tree`` said. ``stages``: by path, of the base (1), ours (2) and theirs (3), each mode and object."""

    tree: str
    stages: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)
    notes: tuple[tuple[tuple[str, ...], str], ...] = ()  # the paths that one is about, and git's word for it


def merge(repository: Path, ours: str, theirs: str) -> Merged:
    """Merge ``theirs`` into ``ours``. Exit code 0 is clean and 1 is conflicts; anything else is an error."""
    code, said = run_code(repository, "merge-tree", "--write-tree", "-z", ours, theirs, ok=(0, 1))
    if code == 0:
        return Merged(said.strip("\0").strip())
    head, _, notes = said.partition("\0\0")
    tree, *entries = head.strip("\0").split("\0")
    stages: dict[str, dict[int, tuple[str, str]]] = {}
    for entry in entries:
        about, _, path = entry.partition("\t")
        if path:
            mode, oid, stage = about.split(" ")
            stages.setdefault(path, {})[int(stage)] = mode, oid
    if not stages:
        raise GitFailed(("merge-tree",), code, said)
    return Merged(tree, stages, _notes(notes))


def merge_tree(repository: Path, ours: str, theirs: str) -> tuple[str, tuple[Conflict, ...]]:
    """The tree that merging ``theirs`` into ``ours`` gives, and what conflicts in it; an error is never a conflict."""
    found = merge(repository, ours, theirs)
    kinds: dict[str, str] = {}
    for paths, word in found.notes:
        for path in paths:
            kinds.setdefault(path, word)
    return found.tree, tuple(
        Conflict(path=shown(path), kind=kinds.get(path, "content"), text=_text(repository, found.tree, path))
        for path in found.stages
    )


def preview(repository: Path, ours: str, theirs: str) -> tuple[Conflict, ...]:
    """What would conflict if ``theirs`` were merged into ``ours``."""
    return merge_tree(repository, ours, theirs)[1]


def _notes(notes: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Those about conflicts: ``<count>\\0<path>…\\0<type>\\0<message>\\0``, repeated."""
    fields = notes.split("\0")
    found: list[tuple[tuple[str, ...], str]] = []
    position = 0
    while position < len(fields) and fields[position].strip().isdigit():
        count = int(fields[position])
        kind = fields[position + 1 + count] if position + 1 + count < len(fields) else ""
        if kind.startswith("CONFLICT"):
            word = kind.removeprefix("CONFLICT").strip(" ()")
            paths = tuple(fields[position + 1 : position + 1 + count])
            found.append((paths, "content" if word == "contents" else word))
        position += count + 3
    return tuple(found)


def _text(repository: Path, tree: str, path: str) -> str:
    try:
        return shown(run(repository, "cat-file", "blob", f"{tree}:{path}"))[:TEXT_LIMIT]
    except GitFailed:
        return ""
