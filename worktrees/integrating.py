"""What a target shall become: one new commit, a merge, the branch's commits anew one by one, or the branch itself.

Only objects are written, in the clean room. A branch part of which is in the target already (:class:`Settled`: it
landed before, or was the branch that this one is stacked on) adds what came after that part, so nothing lands twice and
nothing conflicts with itself.
"""

from __future__ import annotations

from pathlib import Path

from worktrees import objects
from worktrees.ancestry import is_ancestor
from worktrees.changes import shown
from worktrees.cleanroom import run, run_code
from worktrees.conflicts import merge_tree
from worktrees.errors import Conflicted, NothingToLand, WorktreeError
from worktrees.models import Conflict, Method, Settled
from worktrees.repository import Repository
from worktrees.trees import tree_of

MOST = 500
"""Commits that are replayed one by one; each takes some 30 ms."""


def integrate(
    repository: Repository,
    before: str,
    tip: str,
    branch: str,
    target: str,
    method: Method,
    message: str,
    settled: Settled | None = None,
) -> str:
    """The commit that ``target``, now ``before``, shall become. Raises NothingToLand, Conflicted, WorktreeError."""
    root = repository.root
    nothing = NothingToLand(
        f"{target} holds all of {branch} already", "rm removes the session; its work is in the target"
    )
    if is_ancestor(root, tip, before):
        raise nothing
    if method is Method.FF:
        if not is_ancestor(root, before, tip):
            raise WorktreeError(
                f"{target} has moved on, {branch} cannot be fast-forwarded",
                "use --method rebase or squash, or update it first",
            )
        return tip
    tree, conflicts = merged(root, before, tip, settled)
    if conflicts:
        names = ", ".join(conflict.path for conflict in conflicts[:3]) + (" …" if len(conflicts) > 3 else "")
        raise Conflicted(
            f"{branch} conflicts with {target} in {names}",
            f"decide it: orchestrator conflicts NAME, or X in the dashboard; or tell the agent to merge {target}",
            conflicts,
        )
    if tree == tree_of(root, before):
        raise nothing
    if method is Method.REBASE:
        return _replayed(root, before, tip, branch, tree, settled)
    if method is Method.SQUASH:
        return objects.authored(root, tree, (before,), message, _author(root, tip))
    return objects.authored(root, tree, (before, tip), message)


def merged(root: Path, before: str, tip: str, settled: Settled | None = None) -> tuple[str, tuple[Conflict, ...]]:
    """The tree of ``before`` with what ``tip`` adds to it, and what conflicts in it."""
    return merge_tree(root, *sides(root, before, tip, settled))


def sides(root: Path, before: str, tip: str, settled: Settled | None = None) -> tuple[str, str]:
    """The two commits that git is to merge: those themselves, or with the same files and the base that holds."""
    base = _from(root, before, tip, settled)
    return (before, tip) if base is None else _parted(root, base, before, tip)


def merge_three(root: Path, base: str, ours: str, theirs: str) -> tuple[str, tuple[Conflict, ...]]:
    """Like merge_tree, from a base that we name: a commit or tree."""
    return merge_tree(root, *_parted(root, base, ours, theirs))


def _parted(root: Path, base: str, ours: str, theirs: str) -> tuple[str, str]:
    # git 2.39 has no `merge-tree --merge-base`: commits made for it have the right base as their only ancestor.
    stem = _standing_for(root, base)
    return _standing_for(root, ours, stem), _standing_for(root, theirs, stem)


def rebased(root: Path, onto: str, tip: str, branch: str, settled: Settled | None = None) -> str:
    """The commits of ``tip`` that ``onto`` does not hold, made anew on top of it; those that become empty are dropped.

    Authors, their dates and messages are kept. Merges are dropped as by ``git rebase``: when they held changes of their
    own, so that the result has other files than a merge would give, it is refused.
    """
    if is_ancestor(root, tip, onto):
        return onto
    tree, conflicts = merged(root, onto, tip, settled)
    if conflicts:
        names = ", ".join(conflict.path for conflict in conflicts[:3])
        raise Conflicted(
            f"{branch} conflicts with what it goes on from in {names}",
            "tell the agent to merge it: s sends a message",
            conflicts,
        )
    return _replayed(root, onto, tip, branch, tree, settled)


def _replayed(root: Path, onto: str, tip: str, branch: str, tree: str, settled: Settled | None) -> str:
    base = _from(root, onto, tip, settled)
    words = [f"^{base}"] if base is not None else []
    linear = not run(root, "rev-list", "--merges", "--max-count=1", tip, f"^{onto}", *words).strip()
    if linear and is_ancestor(root, onto, tip):
        return tip  # they stand on it already
    said = run(root, "rev-list", "--reverse", "--topo-order", "--no-merges", tip, f"^{onto}", *words)
    commits = said.split()
    if len(commits) > MOST:
        raise WorktreeError(
            f"{branch} has {len(commits)} commits; at most {MOST} are made anew one by one",
            "use --method squash or merge",
        )
    now = onto
    for commit in commits:
        now = _pick(root, now, commit, branch)
    if tree_of(root, now) != tree:
        raise WorktreeError(
            f"{branch}, commit by commit, gives other files than as a whole: a merge in it holds changes of its own",
            "use --method squash or merge",
        )
    return now


def _pick(root: Path, onto: str, commit: str, branch: str) -> str:
    """``commit`` on top of ``onto``, or ``onto`` itself when nothing of it is left."""
    parents = run(root, "rev-list", "--parents", "--max-count=1", commit).split()[1:]
    base = parents[0] if parents else run(root, "mktree", stdin=b"").strip()
    tree, conflicts = merge_three(root, base, onto, commit)
    subject = shown(run(root, "log", "-1", "--format=%s", commit).strip())
    if conflicts:
        names = ", ".join(conflict.path for conflict in conflicts[:3])
        raise Conflicted(
            f"the commit {commit[:10]} of {branch} ({subject}) conflicts in {names}",
            "use --method squash or merge, which take the branch as a whole; or tell the agent to rebase it",
            conflicts,
        )
    if tree == tree_of(root, onto):
        return onto
    message = run(root, "log", "-1", "--pretty=format:%B", commit)
    return objects.authored(root, tree, (onto,), message, _author(root, commit))


def _from(root: Path, before: str, tip: str, settled: Settled | None) -> str | None:
    """The commit up to which ``tip`` is in ``before`` although git does not know it; None: what git finds holds."""
    if settled is None or not is_ancestor(root, settled.after, before) or is_ancestor(root, settled.after, tip):
        return None
    code, said = run_code(root, "merge-base", settled.tip, tip, ok=(0, 1, 128))
    base = said.strip()
    if code != 0 or is_ancestor(root, base, before):
        return None
    return base


def _standing_for(root: Path, commit: str, *parents: str) -> str:
    # At one time: the same files give the same commit, whose id stands in the marks of a conflict.
    return objects.commit(root, tree_of(root, commit), parents, "base\n", at=0)


def _author(root: Path, commit: str) -> dict[str, str]:
    name, mail, date = run(root, "log", "-1", "--format=%an%n%ae%n%ad", "--date=raw", commit).split("\n")[:3]
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": f"@{date}"}
