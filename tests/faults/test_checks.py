"""Checks that do not do what a check does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.scene import Scene
from tests.faults.test_target import land
from worktrees.errors import CheckFailed, CheckVoid

JUDGED = "worktrees.judging:judge"


def _prepared(scene: Scene) -> None:
    scene.write(scene.worktree() / "b.txt", "the agent's\n")


def _landed(scene: Scene) -> bool:
    return "b.txt" in scene.git(scene.root, "ls-tree", "--name-only", "main").split()


@fault(37, Guard("a check that edits the tree is void", {JUDGED: "exit_code_alone"}))
def test_37_a_check_edits_the_tree_that_it_checks(scene: Scene) -> None:
    """It passes on files that it made right itself: what would land is not what was checked."""
    _prepared(scene)
    with scene.attempt() as refusal:
        land(scene, checks=("echo repaired > b.txt",))
    scene.safe(not _landed(scene), "what landed was never checked")
    scene.refused(refusal, CheckVoid, "b.txt", "leave tracked files")


@fault(37, Guard("a check has to wait for what it starts", {JUDGED: "exit_code_alone"}))
def test_37_a_check_goes_on_in_the_background(scene: Scene) -> None:
    """Its shell says that all is well at once, while the real check has only begun, and would fail."""
    _prepared(scene)
    with scene.attempt() as refusal:
        land(scene, checks=("(sleep 30; false) &",))
    scene.safe(not _landed(scene), "it landed before its check had ended")
    scene.refused(refusal, CheckVoid, "had not ended", "must wait")


@fault(
    37,
    Guard(
        "all that a check started is ended, in sessions of its own too",
        {"worktrees.checks:_keep": "no_keeper", "worktrees.checks:_end_all": "nothing"},
    ),
)
def test_37_a_check_hangs_and_leaves_a_daemon(scene: Scene) -> None:
    """At its limit everything of it is ended, also what has left its process group."""
    _prepared(scene)
    pid = scene.folder / "pid"
    with scene.attempt() as refusal:
        land(scene, checks=(f"setsid sh -c 'echo $$ > {pid}; exec sleep 30' & sleep 60",), check_s=1.0)
    daemon = int(pid.read_text())
    scene.finally_(lambda: scene.end(daemon))
    scene.wait(lambda: not scene.alive(daemon), "a check's daemon runs on for ever")
    scene.safe(not _landed(scene), "it landed without a check")
    scene.refused(refusal, CheckFailed, "deadline")


@fault(38, Guard("a check that failed is run once more", {JUDGED: "no_second_run"}))
def test_38_a_check_is_flaky(scene: Scene) -> None:
    """It fails once by chance: the landing goes through, the check is recorded as flaky, nobody is blamed."""
    _prepared(scene)
    once = scene.folder / "once"
    landing = None
    with scene.attempt():
        landing = land(scene, checks=(f"test -f {once} && exit 0; touch {once}; echo by chance; exit 1", "true"))
    scene.safe(landing is not None, "the agent's work was blamed for a flaky check")
    assert landing is not None
    assert landing.check is not None
    assert (landing.check.flaky, landing.check.output) == (True, "by chance\n")


def test_a_check_that_fails_twice_fails(tmp_path: Path) -> None:
    """The retry forgives chance, nothing else."""
    with Scene(tmp_path / "with") as scene:
        _prepared(scene)
        count = scene.folder / "count"
        with pytest.raises(CheckFailed, match="failed with code 3"):
            land(scene, checks=(f"echo x >> {count}; exit 3",))
        assert count.read_text() == "x\nx\n"
        assert not _landed(scene)
