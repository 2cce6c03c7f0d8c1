"""Snapshots: all work of a worktree as a commit under a ref of ours, without touching index or tree.

Our own index (:mod:`worktrees.indexes`) is brought up to date; ``write-tree`` makes the tree. Refs:
``refs/orchestrator/snap/<session>/<n>``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from worktrees import indexes, objects, obstacles, refs
from worktrees.cleanroom import run, view
from worktrees.errors import GitFailed, WorktreeError
from worktrees.ignored import STATED, Limits, choose
from worktrees.indexes import Content
from worktrees.models import Snapshot

REFS = "refs/orchestrator/snap"
_REMEMBERED = 1000
_newest: dict[tuple[Path, str], Snapshot] = {}
_LEFT_OUT = "Left out, only in the worktree:"


def take(
    worktree: Path,
    session: str,
    reason: str,
    *,
    ref_root: str = REFS,
    name: str | None = None,
    ignored: bool = False,
    limits: Limits = STATED,
    always: bool = False,
) -> Snapshot:
    """Keep everything that is in ``worktree`` now. The same content as the newest snapshot gives that one again.

    ``ignored`` keeps ignored files too, up to ``limits``. ``always`` makes one of its own for the same content.
    """
    newest = latest(worktree, session)
    with filled(worktree, ignored, limits) as (content, env, left_out):
        head, tree = content.head, _tree(content, env)
    if name is None and newest is not None and newest.tree == tree and newest.parent == head and not always:
        return newest
    message = f"orchestrator: {' '.join(reason.split())}\n"
    if left_out:
        message += "\n".join(("", _LEFT_OUT, *(_quoted(path) for path in left_out))) + "\n"
    now = datetime.now(UTC).replace(microsecond=0)  # as git keeps it
    commit = objects.commit(worktree, tree, (head,) if head else (), message, at=int(now.timestamp()))
    objects.own(worktree, commit, newest.commit if newest else "")
    if name is not None:
        ref = f"{ref_root}/{session}/{name}"
        run(worktree, "update-ref", ref, commit)
    else:
        ref = _numbered(worktree, f"{ref_root}/{session}", _number(newest.ref) + 1 if newest else 1, commit)
    taken = Snapshot(
        ref=ref,
        commit=commit,
        tree=tree,
        parent=head,
        at=now,
        reason=reason,
        left_out=tuple(_shown(path) for path in left_out),
    )
    if name is None and ref_root == REFS:
        _remember(worktree, session, taken)
    return taken


def tree_of(worktree: Path, *, ignored: bool = False, limits: Limits = STATED) -> str:
    """Id of the tree that a snapshot taken now would hold."""
    with filled(worktree, ignored, limits) as (content, env, _left_out):
        return _tree(content, env)


def differing(repository: Path, one: str, other: str) -> frozenset[str]:
    """Paths in which two trees or commits differ."""
    said = run(repository, "diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other)
    return frozenset(name for name in said.split("\0") if name)


def listed(repository: Path, session: str, *, newest: bool = False) -> tuple[Snapshot, ...]:
    """Snapshots of a session, oldest first; with ``newest`` that one alone."""
    fields = "%09".join(f"%({name})" for name in ("refname", "objectname", "tree", "parent", "committerdate:unix"))
    said = run(
        repository,
        "for-each-ref",
        *(("--sort=-refname", "--count=1") if newest else ("--sort=refname",)),
        f"--format={fields}%09%(contents:subject)%09%(contents:body)%00",
        f"{REFS}/{session}/",
    )
    found = []
    for record in said.split("\0\n"):
        if not record:
            continue
        ref, commit, tree, parent, seconds, subject, body = record.split("\t", 6)
        names = body.partition(_LEFT_OUT)[2].splitlines()
        found.append(
            Snapshot(
                ref=ref,
                commit=commit,
                tree=tree,
                parent=parent.split(" ")[0],
                at=datetime.fromtimestamp(int(seconds), UTC),
                reason=subject.removeprefix("orchestrator: "),
                left_out=tuple(_shown(_unquoted(name)) for name in names if name),
            )
        )
    return tuple(found)


def latest(repository: Path, session: str) -> Snapshot | None:
    """The newest snapshot of a session. Remembered as long as its ref is the file that was written."""
    git_dir = view(repository).room.git_dir
    known = _newest.get((git_dir, session))
    if known is not None:
        with suppress(OSError):
            if (git_dir / known.ref).read_text().strip() == known.commit:
                return known
    found = listed(repository, session, newest=True)
    if found:
        _remember(repository, session, found[-1])
    return found[-1] if found else None


def _remember(repository: Path, session: str, newest: Snapshot) -> None:
    while len(_newest) >= _REMEMBERED:
        with suppress(KeyError, StopIteration, RuntimeError):  # another thread was faster
            del _newest[next(iter(_newest))]
    _newest[view(repository).room.git_dir, session] = newest


def restore(worktree: Path, snapshot: Snapshot, session: str) -> Snapshot:
    """Bring the worktree's files to what ``snapshot`` holds; returns the snapshot of what was there before.

    HEAD and branch stay. Files that the snapshot does not have are removed; ignored ones are left alone.
    """
    before = take(worktree, session, "before restore")
    bring(worktree, before.tree, snapshot.tree)
    return before


def bring(worktree: Path, before: str, wanted: str, *, ignored: bool = False, limits: Limits = STATED) -> None:
    """Turn the worktree's files from the tree ``before``, which they must be now, into the tree ``wanted``.

    Index, HEAD and branch stay. Nothing is touched when a file is in the way that ``before`` does not hold, and links
    are never followed. Raises WorktreeError.
    """
    with filled(worktree, ignored, limits, copy=True) as (_content, env, _left_out):
        if run(worktree, "write-tree", env=env).strip() != before:
            raise WorktreeError(f"{worktree} changes while it is restored", "stop what runs in it, then try again")
        obstacles.refuse(worktree, before, wanted)
        run(worktree, "read-tree", "-m", "-u", before, wanted, env=env, deadline_s=600)
        # Without a look into nested repositories: that would run what their configuration names.
        words = ("diff-files", "--name-only", "-z", "--ignore-submodules=dirty")
        other = [name for name in run(worktree, *words, env=env).split("\0") if name]
    if other:
        raise WorktreeError(
            f"{worktree} was written to while it was restored: {', '.join(_quoted(name) for name in other[:3])}",
            "stop what runs in it, then try again",
        )


@contextmanager
def filled(
    worktree: Path, ignored: bool = False, limits: Limits = STATED, *, copy: bool = False
) -> Iterator[tuple[Content, dict[str, str], list[str]]]:
    """An index that holds all that a snapshot holds, as the environment that makes git use it, and what it leaves out.

    ``copy``: it may be written to.
    """
    with indexes.ours(worktree, ignored=ignored) as content:
        kept, left_out = choose(worktree, content.ignored, limits) if ignored else ([], [])
        if not (kept or content.nested or copy):
            yield content, content.env, left_out
            return
        with indexes.copied(content) as env:
            indexes.put(worktree, env, kept)
            for name in content.nested:
                try:
                    indexes.put(worktree, env, [name.rstrip("/")])
                except GitFailed:
                    left_out.append(name)  # without a commit there is not even an id to keep
            yield content, env, left_out


def _tree(content: Content, env: dict[str, str]) -> str:
    return content.tree() if env is content.env else run(content.worktree, "write-tree", env=env).strip()


def _numbered(worktree: Path, folder: str, number: int, commit: str) -> str:
    """The first free number from ``number`` on: two that are taken at once never replace each other."""
    for attempt in range(20):
        ref = f"{folder}/{number + attempt:06d}"
        if refs.create(worktree, ref, commit):
            return ref
    raise WorktreeError(f"no number is free under {folder}", "try again")


def _quoted(name: str) -> str:
    return json.dumps(name) if not name.isprintable() or name.startswith('"') else name


def _unquoted(name: str) -> str:
    return str(json.loads(name)) if name.startswith('"') else name


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def _number(ref: str) -> int:
    tail = ref.rsplit("/", 1)[-1]
    return int(tail) if tail.isdigit() else 0
