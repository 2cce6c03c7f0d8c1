"""Worktrees that are removed, by us or by others."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.faults import shims
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.scene import Scene
from worktrees import changes
from worktrees.errors import NotOurs, WorktreeError

FOREIGN = Guard(
    "only what we made is removed, and by git alone",
    {
        "worktrees.repository:Repository._refuse_foreign": "nothing",
        "worktrees.clearing:refuse_stranger": "nothing",
        "worktrees.clearing:refuse_repositories": "nothing",
        "worktrees.clearing:mend": "nothing",
        "worktrees.repository:plain": "by_hand",
    },
)


def _remove(scene: Scene, path: Path | None = None, branch: str = "agent/x") -> None:
    scene.repository.remove(path or scene.folder / "wt-s1", branch, session="s1")


@fault(
    18,
    Guard("edited ignored files are kept before git removes them", shims={"git": shims.NO_IGNORED}),
)
def test_18_git_removes_edited_ignored_files_without_a_word(scene: Scene) -> None:
    """``git worktree remove`` without --force refuses edited files, and deletes an edited .env."""
    worktree = scene.worktree()
    scene.write(worktree / ".env", "SECRET=the only copy\n")
    scene.write(worktree / "a.txt", "edited\n")
    _remove(scene)
    scene.safe(not worktree.exists(), "it was not removed")


@fault(
    18,
    Guard(
        "a lock is respected, and git's refusal is final",
        {"worktrees.repository:Repository._refuse_foreign": "nothing"},
        {"git": shims.REMOVE_BY_FORCE},
    ),
)
def test_18_git_refuses_to_remove(scene: Scene) -> None:
    """The user has locked the worktree: it is kept, and why is said; never rm -rf instead."""
    worktree = scene.worktree()
    scene.write(worktree / "a.txt", "edited\n")
    scene.git(scene.root, "worktree", "lock", "--reason", "on a stick", str(worktree))
    with scene.attempt() as refusal:
        _remove(scene)
    scene.refused(refusal, NotOurs, "locked")
    scene.safe((worktree / "a.txt").is_file(), "a locked worktree was removed")


@fault(20, FOREIGN)
def test_20_the_path_to_clean_up_is_the_main_checkout(scene: Scene) -> None:
    """A mix-up of paths: what is to be removed is the repository itself, home or the root."""
    scene.worktree()
    head = scene.git(scene.root, "symbolic-ref", "HEAD")
    kept = scene.write(scene.root / "mine.txt", "mine\n")
    scene.commit(scene.root, "Mine")
    for path in (scene.root, scene.root / ".", scene.home, Path("/"), scene.outside):
        with scene.attempt() as refusal:
            _remove(scene, path)
        scene.refused(refusal, WorktreeError)
        scene.safe(kept.is_file() and path.is_dir(), f"{path} was removed")
        now = scene.git(scene.root, "symbolic-ref", "-q", "HEAD", code=None)
        scene.safe(now == head, f"the main checkout was taken off its branch for {path}")


@fault(
    20,
    Guard(
        "a branch is ours only if it carries our mark", {"worktrees.repository:Repository._refuse_foreign": "nothing"}
    ),
)
def test_20_the_branch_to_clean_up_is_the_users(scene: Scene) -> None:
    """The worktree is ours, the branch in it is one of the user's by now."""
    worktree = scene.worktree()
    scene.git(worktree, "checkout", "-q", "-b", "mine")
    scene.write(worktree / "b.txt", "mine\n")
    tip = scene.commit(worktree, "Mine")
    with scene.attempt() as refusal:
        _remove(scene, branch="mine")
    scene.refused(refusal, NotOurs, "not made by us")
    scene.safe(
        scene.git(scene.root, "rev-parse", "-q", "--verify", "mine", code=None) == tip, "the user's branch is gone"
    )


@fault(22, Guard("untracked files are work", shims={"git": shims.TRACKED_ONLY + shims.REMOVE_BY_FORCE}))
def test_22_only_untracked_files_are_new(scene: Scene) -> None:
    """No tracked file was touched: it counts as dirty all the same, and is kept."""
    worktree = scene.worktree()
    scene.write(worktree / "new" / "plan.md", "the only copy\n")
    head = scene.git(worktree, "rev-parse", "HEAD")
    scene.safe(changes.totals(worktree, head).uncommitted == 1, "it is shown as clean")
    with scene.attempt():
        _remove(scene)


@fault(
    39,
    Guard(
        "a repository inside is found before the removal",
        {"worktrees.clearing:refuse_repositories": "nothing"},
        {"git": shims.REMOVE_BY_FORCE},
    ),
)
def test_39_a_repository_lies_inside_of_the_worktree(scene: Scene) -> None:
    """The agent cloned or began a repository of its own; a snapshot holds only its commit's name."""
    worktree = scene.worktree()
    inner = worktree / "vendor" / "tool"
    inner.mkdir(parents=True)
    scene.git(inner, "init", "-q")
    scene.write(inner / "tool.py", "print('the only copy')\n")
    scene.commit(inner, "History of its own")
    with scene.attempt() as refusal:
        _remove(scene)
    scene.refused(refusal, WorktreeError, "vendor/tool", "move it elsewhere")
    scene.safe((inner / ".git" / "HEAD").is_file(), "the inner repository and its history are gone")


@fault(21, Guard("who sits in the worktree is looked for first", {"worktrees.clearing:refuse_inhabited": "nothing"}))
def test_21_a_live_process_sits_in_the_worktree(scene: Scene) -> None:
    """Somebody's shell or server stands there: it is named, and the floor is not taken from under it."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the agent's\n")
    inside = worktree / "deep"
    inside.mkdir()
    process = subprocess.Popen(["sleep", "60"], cwd=inside)
    scene.finally_(process.wait)
    scene.finally_(process.kill)
    with scene.attempt() as refusal:
        _remove(scene)
    scene.safe(inside.is_dir(), "the folder in which a process works was removed")
    scene.refused(refusal, WorktreeError, str(process.pid), "sleep")
