"""A clone that its agent owns: brought into the user's repository without running or following anything planted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import beneath, bringing, changes, cleanroom, sealed, snapshots
from worktrees.errors import OperationInProgress, WorktreeError
from worktrees.following import update_from_target
from worktrees.git import run
from worktrees.landing import land, refuse_worktree
from worktrees.models import Method
from worktrees.repository import Repository
from worktrees.sealed import Clone


@pytest.fixture
def clone(repository: Repository, tmp_path: Path) -> Clone:
    path = tmp_path / "w"
    repository.create(path, "agent/x", repository.resolve("HEAD"), session="s1")
    return sealed.seal(path, "s1")


def _tip(repository: Repository, ref: str = "refs/heads/agent/x") -> str:
    return run(repository.root, "rev-parse", ref).strip()


def _work(clone: Clone, name: str, text: str) -> str:
    (clone.worktree / name).write_text(text)
    return commit(clone.worktree, f"Add {name}")


def _bring(clone: Clone) -> tuple[str | None, str, str]:
    """Branch and commit that we see, and what keeps us from following."""
    branch, commit = changes.head(clone.worktree)
    return branch, commit, sealed.trouble(clone.worktree)


def test_a_clone_is_a_repository_of_its_own(repository: Repository, clone: Clone) -> None:
    assert run(clone.worktree, "status", "--porcelain") == ""
    assert run(clone.worktree, "log", "--format=%s").split() == ["Begin"]
    assert run(clone.worktree, "symbolic-ref", "HEAD").strip() == "refs/heads/agent/x"
    assert run(clone.worktree, "rev-parse", "origin/main").strip() == repository.resolve("main")
    assert run(clone.worktree, "fetch", "--quiet") == ""
    assert not any((clone.worktree / ".git" / "objects").glob("??"))  # it borrows all of them
    assert sealed.find(clone.worktree) == clone
    assert [worktree.branch for worktree in repository.worktrees()] == ["main", "agent/x"]


def test_commits_are_brought_and_the_branch_follows(repository: Repository, clone: Clone) -> None:
    tip = _work(clone, "b.txt", "two\n")
    assert _bring(clone) == ("agent/x", tip, "")
    assert _tip(repository) == tip
    assert run(repository.root, "show", f"{tip}:b.txt") == "two\n"
    run(clone.worktree, "reset", "--hard", "--quiet", "HEAD~1")  # what was there stays in snapshots
    assert _bring(clone)[1] == _tip(repository) == repository.resolve("main")
    run(repository.root, "fsck", "--strict")


def test_many_objects_come_as_one_pack(repository: Repository, clone: Clone) -> None:
    for number in range(bringing.UNPACK_LIMIT + 20):
        (clone.worktree / f"{number}.txt").write_text(f"{number}\n")
    tip = commit(clone.worktree, "Many")
    run(clone.worktree, "repack", "-a", "-d", "-l", "-q")
    run(clone.worktree, "pack-refs", "--all")
    assert _bring(clone)[1] == tip == _tip(repository)
    assert len(list((repository.git_dir / "objects" / "pack").glob("*.idx"))) == 1
    run(repository.root, "fsck", "--strict")


def test_a_branch_that_we_moved_is_moved_in_the_clone_too(repository: Repository, clone: Clone) -> None:
    mine = run(repository.root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "By us").strip()
    run(repository.root, "update-ref", "refs/heads/agent/x", mine)
    assert _bring(clone) == ("agent/x", mine, "")
    assert run(clone.worktree, "rev-parse", "HEAD").strip() == mine


def test_a_branch_that_was_moved_on_both_sides_is_told(repository: Repository, clone: Clone) -> None:
    mine = run(repository.root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "By hand").strip()
    run(repository.root, "update-ref", "refs/heads/agent/x", mine)
    tip = _work(clone, "b.txt", "two\n")
    branch, head, trouble = _bring(clone)
    assert (branch, head) == (None, tip)
    assert "moved in your repository" in trouble
    with pytest.raises(WorktreeError, match="moved in your repository"):
        land(repository, worktree=clone.worktree, session="s1", target="main", method=Method.SQUASH, message="Land\n")
    assert _tip(repository) == mine


def test_other_branches_stashes_and_tags_are_kept_too(repository: Repository, clone: Clone) -> None:
    (clone.worktree / "a.txt").write_text("stashed\n")
    run(clone.worktree, "stash", "--quiet")
    run(clone.worktree, "checkout", "-q", "-b", "try/it")
    tip = _work(clone, "t.txt", "tried\n")
    run(clone.worktree, "tag", "here")
    run(clone.worktree, "checkout", "-q", "agent/x")
    _bring(clone)
    above = f"{sealed.REFS}/s1/refs"
    assert _tip(repository, f"{above}/heads/try/it") == tip == _tip(repository, f"{above}/tags/here")
    assert run(repository.root, "show", f"{above}/stash:a.txt") == "stashed\n"


def test_a_destroyed_clone_is_taken_for_what_was_brought_last(repository: Repository, clone: Clone) -> None:
    tip = _work(clone, "b.txt", "two\n")
    _bring(clone)
    subprocess.run(["rm", "-rf", str(clone.worktree / ".git")], check=True)
    branch, head, trouble = _bring(clone)
    assert (branch, head) == ("agent/x", tip)
    assert trouble
    (clone.worktree / "c.txt").write_text("three\n")
    assert run(repository.root, "show", f"{snapshots.take(clone.worktree, 's1', 'now').commit}:c.txt") == "three\n"


def test_a_commit_with_missing_objects_is_told_and_changes_nothing(repository: Repository, clone: Clone) -> None:
    tip = _work(clone, "b.txt", "two\n")
    blob = run(clone.worktree, "rev-parse", f"{tip}:b.txt").strip()
    (clone.worktree / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert _bring(clone)[2]
    assert _tip(repository) == repository.resolve("main")


def test_an_object_under_a_false_name_never_gets_in(repository: Repository, clone: Clone) -> None:
    tip = _work(clone, "b.txt", "harmless\n")
    blob = run(clone.worktree, "rev-parse", f"{tip}:b.txt").strip()
    other = run(clone.worktree, "hash-object", "-w", "--stdin", stdin=b"something else\n").strip()
    objects = clone.worktree / ".git" / "objects"
    (objects / blob[:2] / blob[2:]).unlink()
    (objects / other[:2] / other[2:]).rename(objects / blob[:2] / blob[2:])
    assert _bring(clone)[2]
    assert _tip(repository) == repository.resolve("main")
    run(repository.root, "fsck", "--strict")


@pytest.mark.parametrize("way", ["alternates", "link to objects", "link to a fan", "link to a pack"])
def test_objects_of_another_repository_are_not_drawn_in(
    repository: Repository, clone: Clone, tmp_path: Path, way: str
) -> None:
    """The commit names a blob that only the other repository has."""
    other = tmp_path / "secret"
    other.mkdir()
    run(other, "init", "-q")
    (other / "key.txt").write_text("secret\n")
    commit(other, "Keep")
    run(other, "repack", "-a", "-d", "-q") if way == "link to a pack" else None
    blob = run(other, "rev-parse", "HEAD:key.txt").strip()
    objects, theirs = clone.worktree / ".git" / "objects", other / ".git" / "objects"
    match way:
        case "alternates":
            with (objects / "info" / "alternates").open("a") as file:
                file.write(f"{theirs}\n")
        case "link to a fan":
            (objects / blob[:2]).symlink_to(theirs / blob[:2])
        case "link to a pack":
            for path in (theirs / "pack").iterdir():
                (objects / "pack" / path.name).symlink_to(path)
        case _:
            pass
    borrowed = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(theirs)}
    tree = run(clone.worktree, "mktree", stdin=f"100644 blob {blob}\tstolen.txt\n".encode(), env=borrowed).strip()
    made = run(clone.worktree, "commit-tree", tree, "-p", "HEAD", "-m", "Draw in", env=borrowed).strip()
    beneath.write(clone.worktree, ".git/refs/heads/agent/x", f"{made}\n".encode())
    if way == "link to objects":
        moved = tmp_path / "moved"
        objects.rename(moved)
        objects.symlink_to(moved)
        (moved / "info" / "alternates").write_text(f"{repository.git_dir / 'objects'}\n{theirs}\n")
    # It would: git that reads the clone finds the secret.
    assert run(clone.worktree, "show", f"{made}:stolen.txt") == "secret\n"
    assert _bring(clone)[2]
    assert _tip(repository) == repository.resolve("main")
    assert subprocess.run(["git", "cat-file", "-e", blob], cwd=repository.root, check=False).returncode != 0


def test_links_in_the_place_of_files_are_never_written_through(
    repository: Repository, clone: Clone, tmp_path: Path
) -> None:
    aim = tmp_path / "aim"
    aim.mkdir()
    (aim / "index").write_text("mine\n")
    heads = clone.worktree / ".git" / "refs" / "heads"
    subprocess.run(["rm", "-rf", str(heads / "agent")], check=True)
    (heads / "agent").symlink_to(aim)
    with pytest.raises(WorktreeError):
        beneath.write(clone.worktree, f".git/{clone.ref}", b"x", lock=True)
    assert [path.name for path in aim.iterdir()] == ["index"]
    index = clone.worktree / ".git" / "index"
    index.unlink()
    index.symlink_to(aim / "index")
    (clone.worktree / "b.txt").write_text("two\n")
    land(repository, worktree=clone.worktree, session="s1", target="main", method=Method.SQUASH, message="Land\n")
    assert run(repository.root, "show", "main:b.txt") == "two\n"
    assert (aim / "index").read_text() == "mine\n"


def test_a_pipe_or_a_huge_file_blocks_nobody(clone: Clone) -> None:
    head = clone.worktree / ".git" / "HEAD"
    head.unlink()
    os.mkfifo(head)
    assert _bring(clone)[2]
    head.unlink()
    with head.open("wb") as file:
        file.truncate(1 << 40)
    assert _bring(clone)[2]


def test_work_lands_and_the_clone_follows(repository: Repository, clone: Clone) -> None:
    _work(clone, "b.txt", "two\n")
    (clone.worktree / "c.txt").write_text("three\n")
    land(repository, worktree=clone.worktree, session="s1", target="main", method=Method.MERGE, message="Land\n")
    assert run(repository.root, "show", "main:c.txt") == "three\n"
    assert (repository.root / "b.txt").read_text() == "two\n"
    cleanroom.view(clone.worktree)
    assert run(clone.worktree, "rev-parse", "HEAD").strip() == _tip(repository)
    assert run(clone.worktree, "status", "--porcelain") == ""


def test_the_targets_new_commits_come_into_the_clone(repository: Repository, clone: Clone) -> None:
    mine = _work(clone, "b.txt", "two\n")
    (repository.root / "d.txt").write_text("four\n")
    commit(repository.root, "On main")
    tip = update_from_target(clone.worktree, "s1", "main")
    cleanroom.view(clone.worktree)
    assert run(clone.worktree, "rev-parse", "HEAD").strip() == tip
    assert run(clone.worktree, "rev-parse", "HEAD^1").strip() == mine
    assert (clone.worktree / "d.txt").read_text() == "four\n"
    assert run(clone.worktree, "status", "--porcelain") == ""


def test_while_the_agents_git_holds_a_lock_it_is_told_later(repository: Repository, clone: Clone) -> None:
    lock = clone.worktree / ".git" / "refs" / "heads" / "agent" / "x.lock"
    lock.touch()
    mine = run(repository.root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "By us").strip()
    run(repository.root, "update-ref", "refs/heads/agent/x", mine)
    assert "lock" in _bring(clone)[2]
    lock.unlink()
    assert _bring(clone) == ("agent/x", mine, "")


def test_a_merge_under_way_in_the_clone_is_seen(repository: Repository, clone: Clone) -> None:
    (clone.worktree / ".git" / "MERGE_HEAD").write_text(repository.resolve("main") + "\n")
    with pytest.raises(OperationInProgress):
        refuse_worktree(clone.worktree)
    (clone.worktree / ".git" / "MERGE_HEAD").unlink()
    refuse_worktree(clone.worktree)


def test_what_the_agent_staged_is_ours_to_see_and_another_branch_is_told(repository: Repository, clone: Clone) -> None:
    run(clone.worktree, "checkout", "-q", "-b", "other")
    tip = _work(clone, "b.txt", "two\n")
    assert _bring(clone) == (None, tip, "")
    assert _tip(repository) == repository.resolve("main")
    run(clone.worktree, "checkout", "-q", "agent/x")
    run(clone.worktree, "merge", "-q", "other")
    assert _bring(clone) == ("agent/x", tip, "")


def test_a_removed_one_keeps_everything_and_can_be_sealed_again(repository: Repository, clone: Clone) -> None:
    run(clone.worktree, "checkout", "-q", "-b", "aside")
    aside = _work(clone, "aside.txt", "aside\n")
    run(clone.worktree, "checkout", "-q", "agent/x")
    dropped = _work(clone, "dropped.txt", "dropped\n")
    run(clone.worktree, "reset", "--hard", "--quiet", "HEAD~1")
    tip = _work(clone, "b.txt", "two\n")
    (clone.worktree / "c.txt").write_text("three\n")
    sealed.unseal(clone.worktree)
    assert run(repository.root, "show", f"{dropped}:dropped.txt") == "dropped\n"
    assert dropped in run(repository.root, "for-each-ref", "--format=%(objectname)", sealed.REFS)
    assert (clone.worktree / ".git").is_file()
    assert _tip(repository, f"{sealed.REFS}/s1/refs/heads/aside") == aside
    again = sealed.seal(clone.worktree, "s1")
    assert run(clone.worktree, "rev-parse", "HEAD").strip() == tip
    assert run(clone.worktree, "status", "--porcelain").strip() == "?? c.txt"
    sealed.unseal(again.worktree)
    attic = repository.remove(clone.worktree, "agent/x", session="s1")
    assert not clone.worktree.exists()
    assert run(repository.root, "show", f"{attic}/work:c.txt") == "three\n"


def test_nothing_planted_in_the_clone_runs(repository: Repository, clone: Clone, tmp_path: Path) -> None:
    mark = tmp_path / "fired"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho $0 >> {mark}\ncat\n")
    evil.chmod(0o755)
    tip = _work(clone, "b.txt", "two\n")
    for key in ("core.fsmonitor", "uploadpack.packObjectsHook", "filter.x.clean", "core.alternateRefsCommand"):
        run(clone.worktree, "config", key, str(evil))
    run(clone.worktree, "config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "hooks").mkdir()
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-checkout"):
        (tmp_path / "hooks" / hook).symlink_to(evil)
    (clone.worktree / ".git" / "info" / "attributes").write_text("* filter=x\n")
    subprocess.run(["git", "status"], cwd=clone.worktree, check=False, capture_output=True)
    assert mark.exists(), "plain git runs it"
    mark.unlink()
    assert _bring(clone)[1] == tip
    (clone.worktree / "c.txt").write_text("three\n")
    snapshots.take(clone.worktree, "s1", "now")
    changes.diff(clone.worktree, repository.resolve("main"))
    land(repository, worktree=clone.worktree, session="s1", target="main", method=Method.SQUASH, message="Land\n")
    cleanroom.view(clone.worktree)
    sealed.unseal(clone.worktree)
    repository.remove(clone.worktree, "agent/x", session="s1")
    assert not mark.exists()
