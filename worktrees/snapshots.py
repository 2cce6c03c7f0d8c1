"""Snapshots: all work of a worktree as a commit under a ref of ours, without touching index or tree.

A temporary copy of the index takes ``add -A``; ``write-tree`` and ``commit-tree`` do the rest (16 ms on a small
repository). Refs: ``refs/orchestrator/snap/<session>/<n>``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from worktrees.errors import WorktreeError
from worktrees.git import identity, run, run_code
from worktrees.models import Snapshot

REFS = "refs/orchestrator/snap"
IGNORED_FILE_LIMIT = 1 << 20
IGNORED_TOTAL_LIMIT = 20 << 20
"""Edited ignored files (.env) are kept before a removal up to these sizes, in bytes; what is above is named."""


def take(
    worktree: Path,
    session: str,
    reason: str,
    *,
    ref_root: str = REFS,
    name: str | None = None,
    ignored: bool = False,
) -> Snapshot:
    """Keep everything that is in ``worktree`` now. The same content as the newest snapshot gives that one again."""
    head = run(worktree, "rev-parse", "--verify", "HEAD").strip()
    tree, left_out = _write_tree(worktree, ignored)
    newest = None if name else latest(worktree, session)
    if newest is not None and newest.tree == tree and newest.parent == head:
        return newest
    message = f"orchestrator: {reason}\n"
    if left_out:
        message += "\nToo large to be kept, still only in the worktree:\n" + "\n".join(left_out) + "\n"
    commit = run(
        worktree, "commit-tree", tree, "-p", head, "-F", "-", stdin=os.fsencode(message), env=identity(worktree)
    ).strip()
    number = name or f"{_number(newest.ref) + 1 if newest else 1:06d}"
    ref = f"{ref_root}/{session}/{number}"
    run(worktree, "update-ref", ref, commit)
    return Snapshot(ref=ref, commit=commit, tree=tree, parent=head, at=datetime.now(UTC), reason=reason)


def tree_of(worktree: Path, *, ignored: bool = False) -> str:
    """Id of the tree that a snapshot taken now would hold."""
    return _write_tree(worktree, ignored)[0]


def listed(repository: Path, session: str) -> tuple[Snapshot, ...]:
    """Snapshots of a session, oldest first."""
    said = run(
        repository,
        "for-each-ref",
        "--sort=refname",
        "--format=%(refname)%09%(objectname)%09%(tree)%09%(parent)%09%(committerdate:unix)%09%(subject)",
        f"{REFS}/{session}/",
    )
    found = []
    for line in said.splitlines():
        ref, commit, tree, parent, seconds, subject = line.split("\t", 5)
        found.append(
            Snapshot(
                ref=ref,
                commit=commit,
                tree=tree,
                parent=parent.split(" ")[0],
                at=datetime.fromtimestamp(int(seconds), UTC),
                reason=subject.removeprefix("orchestrator: "),
            )
        )
    return tuple(found)


def latest(repository: Path, session: str) -> Snapshot | None:
    found = listed(repository, session)
    return found[-1] if found else None


def nested_repositories(worktree: Path, snapshot: Snapshot) -> tuple[str, ...]:
    """Repositories inside the worktree of which a snapshot holds only a commit id, not the content."""

    def links(tree: str) -> set[str]:
        rows = run(worktree, "ls-tree", "-r", "-z", tree).split("\0")
        return {row.split("\t", 1)[1] for row in rows if row.startswith("160000 ")}

    return tuple(sorted(links(snapshot.tree) - links(snapshot.parent)))


def restore(worktree: Path, snapshot: Snapshot, session: str) -> Snapshot:
    """Bring the worktree's files to what ``snapshot`` holds; returns the snapshot of what was there before.

    HEAD and branch stay. Files that the snapshot does not have are removed; ignored ones are left alone.
    """
    before = take(worktree, session, "before restore")
    with private_index(worktree) as env:
        run(worktree, "add", "-A", "--", ".", env=env, deadline_s=600)
        run(worktree, "read-tree", "-m", "-u", before.tree, snapshot.tree, env=env, deadline_s=600)
    if tree_of(worktree) != snapshot.tree:
        raise WorktreeError(
            f"{worktree} could not be brought to {snapshot.ref}", f"what was there is kept as {before.ref}"
        )
    return before


def _write_tree(worktree: Path, ignored: bool) -> tuple[str, list[str]]:
    left_out: list[str] = []
    with private_index(worktree) as env:
        run(worktree, "add", "-A", "--", ".", env=env, deadline_s=600)
        if ignored:
            kept, left_out = _ignored(worktree, env)
            if kept:
                run(
                    worktree,
                    "update-index",
                    "--add",
                    "-z",
                    "--stdin",
                    env=env,
                    stdin=b"".join(os.fsencode(path) + b"\0" for path in kept),
                )
        return run(worktree, "write-tree", env=env).strip(), left_out


@contextmanager
def private_index(worktree: Path) -> Iterator[dict[str, str]]:
    """A private copy of the worktree's index, as the environment that makes git use it."""
    real = Path(run(worktree, "rev-parse", "--path-format=absolute", "--git-path", "index").strip())
    with tempfile.TemporaryDirectory(prefix="orchestrator-index-") as folder:
        copy = Path(folder) / "index"
        if real.exists():
            shutil.copyfile(real, copy)  # with its stat data: unchanged files are not read again
        yield {"GIT_INDEX_FILE": str(copy)}


def _ignored(worktree: Path, env: dict[str, str]) -> tuple[list[str], list[str]]:
    """Ignored files small enough to be kept, and the names of those that are not."""
    code, said = run_code(
        worktree, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", env=env
    )
    assert code == 0
    kept: list[str] = []
    left_out: list[str] = []
    total = 0
    for name in filter(None, said.split("\0")):
        path = worktree / name
        if name.endswith("/"):
            left_out.append(name)  # a whole ignored folder: build output, dependencies
            continue
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        if size > IGNORED_FILE_LIMIT or total + size > IGNORED_TOTAL_LIMIT:
            left_out.append(name)
            continue
        total += size
        kept.append(name)
    return kept, left_out


def _number(ref: str) -> int:
    tail = ref.rsplit("/", 1)[-1]
    return int(tail) if tail.isdigit() else 0
