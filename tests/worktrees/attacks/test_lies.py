"""What an agent plants to make git see or write something else than is there. Plain git is deceived each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.worktrees.attacks.world import World, build
from worktrees import changes, conflicts, history, indexes, landing, snapshots
from worktrees.errors import WorktreeError
from worktrees.models import Method


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build(tmp_path)


def test_an_index_that_leads_to_a_file_of_the_users(world: World) -> None:
    victims = {worktree: world.tmp / f"victim-{worktree.name}" for worktree in world.both}
    for worktree, victim in victims.items():
        index = world.admin(worktree) / "index"
        index.replace(victim)
        index.symlink_to(victim)
    was = {worktree: victim.read_bytes() for worktree, victim in victims.items()}
    world.work(world.twin, "twin")
    world.git(world.twin, "add", "-A")
    assert victims[world.twin].read_bytes() != was[world.twin], "plain git did not write there"
    world.work(world.worktree)
    with pytest.raises(WorktreeError, match="not a plain file"):
        snapshots.take(world.worktree, "one", "turn over")
    assert victims[world.worktree].read_bytes() == was[world.worktree]


def test_a_commit_that_is_replaced_by_another(world: World) -> None:
    real = world.git(world.worktree, "rev-parse", "HEAD").strip()
    said = changes.diff(world.worktree, "main")
    fake = world.git(world.tmp / "shop", "commit-tree", "main^{tree}", "-p", "main", "-m", "Nothing").strip()
    assert "theirs" in world.git(world.worktree, "show", real)
    world.git(world.worktree, "replace", real, fake)
    assert "theirs" not in world.git(world.worktree, "show", real), "plain git was not deceived"
    assert changes.diff(world.worktree, "main") == said
    assert changes.totals(world.worktree, "main").files == 1
    world.work(world.worktree)
    taken = snapshots.take(world.worktree, "one", "turn over")
    assert taken.parent == real
    assert {change.path for change in history.compare(world.repository.root, real, taken.commit)[0]} == {
        "a.evil",
        "work.evil",
    }


def test_a_graft_that_cuts_off_the_history(world: World) -> None:
    tip = world.git(world.worktree, "rev-parse", "HEAD").strip()
    base = world.git(world.worktree, "merge-base", "main", "HEAD").strip()
    foreseen = conflicts.preview(world.repository.root, "main", "agent/one")
    (world.shared / "info").mkdir(exist_ok=True)
    (world.shared / "info" / "grafts").write_text(f"{tip}\n")
    assert base not in world.git(world.worktree, "merge-base", "main", "HEAD"), "plain git was not deceived"
    assert conflicts.preview(world.repository.root, "main", "agent/one") == foreseen
    assert changes.totals(world.worktree, "main").files == 1


@pytest.mark.parametrize("where", ["shared", "worktree"])
def test_a_configuration_that_names_another_folder_as_the_worktree(world: World, where: str) -> None:
    elsewhere = world.tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "foreign.txt").write_text("not of this work\n")
    if where == "shared":
        world.config(f"core.worktree={elsewhere}")
        deceived = world.tmp / "shop"
    else:
        world.config("extensions.worktreeConfig=true")
        for worktree in world.both:
            world.config(f"core.worktree={elsewhere}", file=world.admin(worktree) / "config.worktree")
        deceived = world.twin
    assert "foreign.txt" in world.git(deceived, "status", "--porcelain", "-uall"), "plain git was not deceived"
    world.work(world.worktree)
    for checkout, session in ((world.worktree, "one"), (world.tmp / "shop", "main")):
        taken = snapshots.take(checkout, session, "turn over")
        names = world.git(world.tmp, "--git-dir", str(world.shared), "ls-tree", "-r", "--name-only", taken.commit)
        assert "foreign.txt" not in names
        assert "a.evil" in names


def test_an_index_that_wishes_us_to_look_away(world: World) -> None:
    def hide(where: Path) -> None:
        for option in ("--assume-unchanged", "--skip-worktree"):
            world.git(where, "update-index", option, "a.evil")

    for worktree in world.both:
        hide(worktree)
        (worktree / "a.evil").write_text("hidden\n")
    assert world.git(world.twin, "status", "--porcelain") == "", "plain git was not deceived"
    with indexes.ours(world.worktree) as content:
        assert content.uncommitted
    taken = snapshots.take(world.worktree, "one", "turn over")
    assert world.git(world.worktree, "show", f"{taken.commit}:a.evil") == "hidden\n"


def test_a_store_of_objects_that_is_lent_and_taken_away(world: World) -> None:
    """Git writes no object that it finds in the other store."""
    lent = world.tmp / "lent"
    world.git(world.tmp, "init", "-q", "--bare", str(lent))
    for text in ("of the agent\n", "of the twin\n", "landed\n"):
        world.git(lent, "hash-object", "-w", "--stdin", fed=text)
    (world.shared / "objects" / "info").mkdir(exist_ok=True)
    (world.shared / "objects" / "info" / "alternates").write_text(f"{lent}/objects\n")
    (world.twin / "b.txt").write_text("of the twin\n")
    world.git(world.twin, "add", "b.txt")
    world.git(world.twin, "commit", "-q", "-m", "Twin")
    (world.worktree / "b.txt").write_text("of the agent\n")
    taken = snapshots.take(world.worktree, "one", "turn over")
    (world.worktree / "b.txt").write_text("landed\n")
    landed = landing.land(
        world.repository,
        worktree=world.worktree,
        session="one",
        target="main",
        method=Method.MERGE,
        message="Land it\n",
    )
    shutil.rmtree(lent)
    (world.shared / "objects" / "info" / "alternates").unlink()  # git would name it in what it says
    assert world.git(world.twin, "show", "HEAD:b.txt") != "of the twin\n", "plain git lost nothing"
    assert world.git(world.worktree, "show", f"{taken.commit}:b.txt") == "of the agent\n"
    assert world.git(world.worktree, "show", f"{landed.after}:b.txt") == "landed\n"
