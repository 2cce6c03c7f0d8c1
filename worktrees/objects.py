"""Commits: our own, written into the object store without a process for each, and those that the user lands.

GitPython's object store writes ours: a loose object that is whole or absent, as git's own. What it does not know
(SHA-256, a repository that several users share) is left to ``git commit-tree``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from worktrees.cleanroom import EMAIL, NAME, borrows, identity, run, signed, view

NOBODY: Mapping[str, str] = MappingProxyType({})


def commit(path: Path, tree: str, parents: Sequence[str], message: str, at: int | None = None) -> str:
    """A commit by us of ``tree``, which must be there; returns its id. No ref moves, and nobody lands it.

    ``at`` is its time in seconds since 1970, now when it is None: with a fixed one the same content is the same commit.
    """
    room = view(path).room
    now = int(time.time()) if at is None else at
    if len(tree) != 40 or "sharedrepository" in room.recipe.text:
        return _made(path, tree, parents, message, signed(now))
    who = f"{NAME} <{EMAIL}> {now} +0000"
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    return _stored(room.git_dir / "objects", os.fsencode("\n".join([*head, "", message])))


def authored(path: Path, tree: str, parents: Sequence[str], message: str, author: Mapping[str, str] = NOBODY) -> str:
    """A commit of ``tree`` by the user, made to land; ``author`` is environment that names another author."""
    return _made(path, tree, parents, message, {**identity(path), **author})


def own(worktree: Path, commit: str, since: str) -> None:
    """Keep all that ``commit`` holds and ``since`` does not (empty: all of it) in the repository's own store.

    Git writes no object that it finds in a store that the repository borrows from, and that store may go. Nothing is
    done where nothing is borrowed, or it was so before the worktree was ours: then it is the user's own way.
    """
    if borrows(worktree):
        place = view(worktree).room.git_dir / "objects" / "pack" / "pack"
        fed = f"{commit}\n^{since}\n" if since else f"{commit}\n"
        run(worktree, "pack-objects", "--revs", "--delta-base-offset", "-q", str(place), stdin=fed.encode())


def loose(worktree: Path, name: str) -> bool:
    """An object is there, in a file of its own; False says nothing."""
    return (view(worktree).room.git_dir / "objects" / name[:2] / name[2:]).is_file()


def _made(path: Path, tree: str, parents: Sequence[str], message: str, env: Mapping[str, str]) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    return run(path, "commit-tree", tree, *words, "-F", "-", stdin=os.fsencode(message), env=env).strip()


def _stored(objects: Path, content: bytes) -> str:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git.db import GitDB
    from gitdb import IStream

    stored = GitDB(str(objects)).store(IStream(b"commit", len(content), BytesIO(content)))
    return str(stored.hexsha.decode())
