"""Commits of ours, written into a repository's object store without a process for each.

GitPython's object store does the writing: a loose object that is whole or absent, as git's own. What it does not know
(SHA-256, a repository that several users share) is left to ``git commit-tree``.
"""

from __future__ import annotations

import os
import time
from io import BytesIO
from pathlib import Path

from worktrees.cleanroom import borrows, run, view

WHO = ("orchestrator", "orchestrator@localhost")
"""Name and address under which commits of ours that nobody lands are made."""


def commit(worktree: Path, tree: str, parent: str, message: str, at: int | None = None) -> str:
    """A commit of ``tree``, which must be there, on ``parent`` (empty: on nothing); returns its id. No ref moves.

    ``at`` is its time in seconds since 1970; now when it is None.
    """
    room = view(worktree).room
    now = int(time.time()) if at is None else at
    if len(tree) != 40 or "sharedrepository" in room.recipe.text:
        told = {"NAME": WHO[0], "EMAIL": WHO[1], "DATE": f"@{now} +0000"}
        env = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in told.items()}
        parents = ("-p", parent) if parent else ()
        return run(worktree, "commit-tree", tree, *parents, "-F", "-", stdin=os.fsencode(message), env=env).strip()
    who = f"{WHO[0]} <{WHO[1]}> {now} +0000"
    lines = [
        f"tree {tree}",
        *([f"parent {parent}"] if parent else []),
        f"author {who}",
        f"committer {who}",
        "",
        message,
    ]
    return _stored(room.git_dir / "objects", os.fsencode("\n".join(lines)))


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


def _stored(objects: Path, content: bytes) -> str:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git.db import GitDB
    from gitdb import IStream

    stored = GitDB(str(objects)).store(IStream(b"commit", len(content), BytesIO(content)))
    return str(stored.hexsha.decode())
