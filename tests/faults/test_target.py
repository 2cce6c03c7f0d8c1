"""The branch that work lands on, and the user's checkout of it."""

from __future__ import annotations

from tests.checking import commands
from tests.faults import shims
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.scene import Scene
from worktrees import landing
from worktrees.errors import DirtyTarget, OperationInProgress
from worktrees.models import Landing, Method


def land(scene: Scene, *, checks: tuple[str, ...] = (), check_s: float = 60.0, **options: object) -> Landing:
    """Land the work of the scene's first session on main, after the commands ``checks``."""
    worktree = scene.folder / "wt-s1"
    given = {"target": "main", "method": Method.SQUASH, "message": "Land it\n", **options}
    if checks:
        given["verify"] = commands(scene.repository, *checks, deadline_s=check_s)
    return landing.land(scene.repository, worktree=worktree, session="s1", **given)  # type: ignore[arg-type]


@fault(
    14,
    Guard(
        "a dirty checkout of the target is refused, and never brought along by force",
        {"worktrees.landing:refuse_target": "main_checkout", "worktrees.checkouts:bring_along": "reset_hard"},
    ),
)
def test_14_the_main_checkout_is_dirty(scene: Scene) -> None:
    """The user has edited files that the landing changes too; they are neither stashed nor overwritten."""
    worktree = scene.worktree()
    scene.write(worktree / "a.txt", "the agent's\n")
    mine = scene.write(scene.root / "a.txt", "mine, not committed\n")
    with scene.attempt() as refusal:
        land(scene)
    scene.refused(refusal, DirtyTarget, "a.txt", "nothing was touched")
    scene.safe(mine.read_text() == "mine, not committed\n", "the user's edit was overwritten")
    scene.safe(scene.git(scene.root, "stash", "list") == "", "the user's edit was stashed away")


@fault(
    15,
    Guard("a rebase, merge or bisect under way is seen and refused", {"worktrees.landing:_under_way": "nothing"}),
)
def test_15_the_user_is_in_the_middle_of_a_rebase(scene: Scene) -> None:
    """The target moves under a rebase that stands still: git could then not finish it."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the agent's\n")
    scene.write(scene.root / "mine.txt", "mine\n")
    scene.commit(scene.root, "Mine")
    scene.git(scene.root, "rebase", "-q", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i s/^pick/edit/")
    with scene.attempt() as refusal:
        land(scene)
    scene.refused(refusal, OperationInProgress, "a rebase", "finish or abort it")
    scene.git(scene.root, "rebase", "--continue", code=None, GIT_EDITOR="true")
    scene.safe(scene.git(scene.root, "symbolic-ref", "-q", "HEAD", code=None), "the user's rebase cannot be finished")
    scene.safe(not (scene.repository.git_dir / "rebase-merge").exists(), "the user's rebase is under way still")


@fault(
    9,
    Guard("the target moves by compare-and-swap only", shims={"git": shims.NO_EXPECTED_VALUE}),
)
def test_09_the_target_moves_while_the_checks_run(scene: Scene) -> None:
    """Somebody pushes a commit while the merged tree is checked: it is integrated and checked anew."""
    worktree = scene.worktree()
    scene.write(worktree / "b.txt", "the agent's\n")
    scene.git(scene.root, "checkout", "-q", "--detach")
    scene.write(scene.root / "other.txt", "somebody else's\n")
    other = scene.commit(scene.root, "Meanwhile")
    scene.git(scene.root, "checkout", "-q", "--detach", "main")
    scene.git(scene.root, "update-ref", "refs/keep/other", other)
    mark = scene.folder / "checked"
    check = f"echo x >> {mark}; [ $(wc -l < {mark}) -gt 1 ] || git -C {scene.root} update-ref refs/heads/main {other}"
    with scene.attempt():
        land(scene, checks=(check,))
    names = scene.git(scene.root, "ls-tree", "--name-only", "main").split()
    scene.safe("other.txt" in names, "what somebody else had landed is gone from the target")
    if scene.guarded:
        assert "b.txt" in names
        assert mark.read_text() == "x\nx\n"
