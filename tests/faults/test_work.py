"""Work that agents throw away, and steps of ours that are cut off."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.faults import steps
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.puppet import Puppet
from tests.faults.scene import Scene
from tests.faults.test_processes import kept_in_a_snapshot
from tests.faults.test_target import land
from worktrees import changes, restoring, snapshots
from worktrees.errors import FilterRefused
from worktrees.models import Snapshot
from worktrees.restoring import Wish


def _given(worktree: Path) -> dict[str, object]:
    return {"session": "s1", "branch": "agent/x", "path": str(worktree), "method": "squash", "number": 0}


def _wish(snapshot: Snapshot, *, head: bool = False) -> Wish:
    return Wish(session="s1", name="x", branch="agent/x", to=snapshot, head=head)


@fault(
    7,
    Guard(
        "the merge is made and checked in a worktree of its own", {"worktrees.judging:scratch": "in_the_main_checkout"}
    ),
)
def test_07_killed_while_the_checks_run(scene: Scene) -> None:
    """Nobody is there any more to tidy up: the target and the user's checkout are untouched, and it lands later."""
    scene.write(scene.worktree() / "b.txt", "the agent's\n")
    before = scene.git(scene.root, "rev-parse", "main")
    child = os.fork()
    if child == 0:
        try:
            land(scene, checks=(f"kill -9 {os.getpid()}",))
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    scene.safe(scene.git(scene.root, "rev-parse", "main") == before, "the target holds what was never checked")
    scene.safe(not (scene.root / "b.txt").exists(), "the user's checkout holds what was never checked")
    steps.restart(scene.repository)
    land(scene, checks=("test -f b.txt",))
    assert (scene.root / "b.txt").is_file()


@fault(
    8,
    Guard("what was intended is written first, and made good at the start", {"worktrees.reconcile:reconcile": "empty"}),
)
def test_08_killed_between_the_ref_and_the_checkout(scene: Scene) -> None:
    """The target has moved and the user's files have not: a commit of theirs would take the landing back."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the agent's\n")
    assert steps.killed(scene.root, "merge", _given(worktree), "operation.moved:2")
    steps.restart(scene.repository)
    dirty = scene.git(scene.root, "status", "--porcelain")
    scene.safe(not dirty, f"the user's checkout shows the landing as an edit against it: {dirty}")
    held = scene.git(scene.root, "ls-tree", "--name-only", "main").split()
    scene.safe((scene.root / "b.txt").exists() == ("b.txt" in held), "checkout and target differ")


@fault(11, Guard("the end of a turn pins what the branch held", {"worktrees.snapshots:take": "nothing"}))
def test_11_the_agent_deletes_its_branch(scene: Scene) -> None:
    """The commits are on no branch any more; the branch comes back from the pinned ref."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the only copy\n")
    tip = scene.commit(worktree, "Work")
    snapshots.take(worktree, "s1", "turn over", ignored=True)
    scene.note()
    scene.git(worktree, "checkout", "-q", "--detach", "main")
    scene.git(worktree, "branch", "-q", "-D", "agent/x")
    found = snapshots.listed(scene.root, "s1")
    scene.safe(found, "nothing leads to the deleted branch's commits")
    restoring.restore(scene.repository, worktree, _wish(found[-1], head=True))
    scene.safe(scene.git(scene.root, "rev-parse", "-q", "--verify", "agent/x", code=None) == tip, "the branch is gone")
    scene.safe((worktree / "b.txt").exists(), "its files are gone")


@fault(12, Guard("the end of a turn keeps all work", {"orchestrator.timemachine:keep": "nothing"}))
def test_12_the_agent_throws_its_work_away(scene: Scene) -> None:
    """``reset --hard`` and ``clean`` after a turn, in the daemon's sight: the last snapshot brings all of it back."""
    agent = Puppet(scene)
    agent.run()
    agent.do("state working; echo new >new.txt; echo edited >README.md; echo secret >.env; state done")
    scene.wait(lambda: kept_in_a_snapshot(scene, "new.txt"), "the turn's work was not kept")
    for name, content in (("new.txt", b"new\n"), ("README.md", b"edited\n"), (".env", b"secret\n")):
        scene.expect(agent.worktree / name, content)
    agent.do("git reset -q --hard; git clean -qfdx; git stash list; state idle")
    assert not (agent.worktree / "new.txt").exists()
    scene.machine.ok("restore", "p")
    scene.safe((agent.worktree / "new.txt").read_text() == "new\n", "untracked work is lost")
    scene.safe((agent.worktree / "README.md").read_text() == "edited\n", "an edit is lost")
    scene.safe((agent.worktree / ".env").read_text() == "secret\n", "an ignored file is lost")


@fault(16, Guard("a snapshot is more than the folder it was taken in", {"worktrees.restoring:_rebuild": "nothing"}))
def test_16_the_worktree_is_removed_outside_of_the_program(scene: Scene) -> None:
    """Somebody ran rm -rf: it is known to be missing, and made again from its ref."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the only copy\n")
    snapshots.take(worktree, "s1", "turn over", ignored=True)
    shutil.rmtree(worktree)
    assert any(one.missing for one in scene.repository.worktrees() if one.path == worktree)
    with scene.attempt():
        restoring.restore(scene.repository, worktree, _wish(snapshots.listed(scene.root, "s1")[-1]))
    scene.safe((worktree / "b.txt").is_file(), "the worktree cannot be made again")
    assert scene.git(worktree, "symbolic-ref", "--short", "HEAD") == "agent/x"


@fault(19, Guard("links are never followed", {"worktrees.snapshots:bring": "write_by_path"}))
def test_19_a_folder_became_a_link_out_of_the_worktree(scene: Scene) -> None:
    """A restore of files below it must not write at the link's target; a removal takes the link alone."""
    worktree = scene.worktree()
    scene.write(worktree / "conf" / "settings", "the agent's\n")
    first = snapshots.take(worktree, "s1", "turn over", ignored=True)
    mine = scene.write(scene.outside / "settings", "the user's own\n")
    shutil.rmtree(worktree / "conf")
    (worktree / "conf").symlink_to(scene.outside)
    with scene.attempt():
        restoring.restore(scene.repository, worktree, _wish(first))
    scene.safe(mine.read_text() == "the user's own\n", "a file outside of the worktree was overwritten")
    if not (worktree / "again").is_symlink():
        (worktree / "again").symlink_to(scene.outside)
    scene.repository.remove(worktree, "agent/x", session="s1")
    scene.safe(mine.is_file(), "what a link led to was removed")


PLANTED = """\
[core]
\tfsmonitor = {mark} fsmonitor; false
\thooksPath = {hooks}
[filter "f"]
\tclean = {mark} clean; cat
\tsmudge = {mark} smudge; cat
[diff "f"]
\ttextconv = {mark} textconv
\tcommand = {mark} diff
[diff]
\texternal = {mark} external
[merge "f"]
\tdriver = {mark} merge
"""


@fault(
    29,
    Guard(
        "git runs in a room of ours, without the repository's configuration",
        {"worktrees.cleanroom:View.env": "no_room"},
    ),
)
def test_29_programs_are_planted_in_the_repository(scene: Scene) -> None:
    """An agent names programs in the shared configuration: nothing of ours runs one of them."""
    worktree = scene.worktree()
    fired = scene.folder / "fired"
    mark = scene.folder / "mark.sh"
    mark.write_text(f'#!/bin/sh\necho "$1" >> {fired}\n')
    mark.chmod(0o755)
    hooks = scene.folder / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\n{mark} {name}\n")
        (hooks / name).chmod(0o755)
    scene.write(worktree / ".gitattributes", "* filter=f diff=f merge=f\n")
    scene.write(worktree / "b.txt", "the agent's\n")
    with (scene.repository.git_dir / "config").open("a") as file:
        file.write(PLANTED.format(mark=mark, hooks=hooks))
    with scene.attempt() as refusal:
        snapshots.take(worktree, "s1", "turn over", ignored=True)
        changes.totals(worktree, "HEAD")
        changes.diff(worktree, "HEAD")
    assert refusal.error is None
    with scene.attempt() as landing:
        land(scene, checks=("true",))
    scene.refused(landing, FilterRefused, "filter f")
    with scene.attempt() as removal:
        scene.repository.remove(worktree, "agent/x", session="s1")
    scene.safe(not fired.exists(), f"planted programs ran: {fired.read_text() if fired.exists() else ''}")
    assert removal.error is None
