from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import clearing
from worktrees.errors import (
    BadName,
    BareRepository,
    BranchExists,
    InsideSubmodule,
    NoCommits,
    NotARepository,
    NotOurs,
    UnknownRevision,
    WorktreeError,
    WorktreeExists,
    WorktreeInUse,
)
from worktrees.git import run
from worktrees.repository import Repository, open_repository


def test_what_is_no_usable_repository_is_told_apart(tmp_path: Path, repository: Repository) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(NotARepository, match="not in a git repository"):
        open_repository(plain)
    with pytest.raises(NotARepository, match="not a folder"):
        open_repository(tmp_path / "nothing")
    run(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(BareRepository):
        open_repository(tmp_path / "bare.git")
    run(tmp_path, "init", "-q", "empty")
    with pytest.raises(NoCommits):
        open_repository(tmp_path / "empty")
    run(repository.root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository.root), "inner")
    with pytest.raises(InsideSubmodule):
        open_repository(repository.root / "inner")


def test_a_linked_worktree_opens_its_main_repository(tmp_path: Path, repository: Repository) -> None:
    repository.create(tmp_path / "wt", "agent/x", repository.resolve("HEAD"), session="s1")
    assert open_repository(tmp_path / "wt").root == repository.root
    assert open_repository(repository.root / ".git" / "..").git_dir == repository.git_dir


def test_twelve_worktrees_are_made_at_once(tmp_path: Path, repository: Repository) -> None:
    base = repository.resolve("HEAD")
    failures: list[WorktreeError] = []

    def create(number: int) -> None:
        try:
            repository.create(tmp_path / f"wt{number}", f"agent/{number}", base, session=f"s{number}")
        except WorktreeError as error:
            failures.append(error)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(repository.worktrees()) == 13
    assert all((tmp_path / f"wt{number}" / "a.txt").exists() for number in range(12))


@pytest.mark.parametrize("name", ["--upload-pack=x", "../x", "a b", "a..b", "x.lock", "a\nb", "", "x" * 300])
def test_a_bad_branch_name_is_refused_and_nothing_is_made(tmp_path: Path, repository: Repository, name: str) -> None:
    with pytest.raises(WorktreeError):
        repository.create(tmp_path / "wt", name, repository.resolve("HEAD"), session="s")
    assert not (tmp_path / "wt").exists()
    assert len(repository.worktrees()) == 1


def test_an_existing_branch_and_folder_are_never_taken(tmp_path: Path, repository: Repository) -> None:
    run(repository.root, "branch", "mine")
    with pytest.raises(BranchExists):
        repository.create(tmp_path / "wt", "mine", "HEAD", session="s")
    (tmp_path / "there").mkdir()
    with pytest.raises(WorktreeExists):
        repository.create(tmp_path / "there", "agent/x", "HEAD", session="s")
    with pytest.raises(BadName):
        repository.check_branch_name("-x")


@pytest.mark.parametrize("revision", ["nope", "--upload-pack=x", "HEAD^{tree}x", ""])
def test_an_unknown_revision_is_named(repository: Repository, revision: str) -> None:
    with pytest.raises(UnknownRevision):
        repository.resolve(revision)


def test_planted_hooks_do_not_fire(tmp_path: Path, repository: Repository) -> None:
    fired = tmp_path / "fired"
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        path = repository.git_dir / "hooks" / hook
        path.write_text(f"#!/bin/sh\necho {hook} >> {fired}\n")
        path.chmod(0o755)
    run(repository.root, "config", "core.fsmonitor", f"sh -c 'echo fsmonitor >> {fired}'")
    repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s")
    repository.remove(tmp_path / "wt", "agent/x", session="s")
    assert not fired.exists()


def test_removal_keeps_every_byte_in_the_attic(tmp_path: Path, repository: Repository) -> None:
    wt = tmp_path / "wt"
    repository.create(wt, "agent/x", "HEAD", session="s9")
    (wt / "done.txt").write_text("committed\n")
    tip = commit(wt, "Work")
    (wt / "a.txt").write_text("changed\n")
    (wt / "new ü.txt").write_text("untracked\n")
    (wt / ".env").write_text("SECRET=1\n")
    attic = repository.remove(wt, "agent/x", session="s9")
    assert not wt.exists()
    assert not repository.has_branch("agent/x")
    assert run(repository.root, "rev-parse", f"{attic}/tip").strip() == tip
    for path, content in {
        "a.txt": "changed\n",
        "new ü.txt": "untracked\n",
        ".env": "SECRET=1\n",
        "done.txt": "committed\n",
    }.items():
        assert run(repository.root, "show", f"{attic}/work:{path}") == content


def test_a_repository_inside_the_worktree_stops_its_removal(tmp_path: Path, repository: Repository) -> None:
    wt = tmp_path / "wt"
    repository.create(wt, "agent/x", "HEAD", session="s")
    run(wt, "init", "-q", "inner")
    (wt / "inner" / "f").write_text("x")
    commit(wt / "inner", "Inner")
    with pytest.raises(WorktreeError, match="inner"):
        repository.remove(wt, "agent/x", session="s")
    assert (wt / "inner" / "f").exists()


def test_only_what_we_made_is_removed(tmp_path: Path, repository: Repository) -> None:
    run(repository.root, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "mine"))
    for path, branch in (
        (tmp_path / "mine", "mine"),
        (repository.root, "main"),
        (Path("/"), "main"),
        (Path.home(), "x"),
    ):
        with pytest.raises(NotOurs):
            repository.remove(path, branch, session="s")
    assert (tmp_path / "mine" / "a.txt").exists()


def test_a_worktree_whose_folder_is_gone_is_listed_as_missing_and_removed(
    tmp_path: Path, repository: Repository
) -> None:
    wt = tmp_path / "wt"
    repository.create(wt, "agent/x", "HEAD", session="s")
    for file in (wt / "a.txt", wt / ".gitignore", wt / ".git"):
        file.unlink()
    wt.rmdir()
    assert [w.missing for w in repository.worktrees()] == [False, True]
    repository.remove(wt, "agent/x", session="s")
    assert len(repository.worktrees()) == 1


def test_a_git_dir_of_the_caller_does_not_lead_git_elsewhere(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert repository.default_target() == "main"


def test_a_process_in_the_worktree_stops_its_removal_and_is_named(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    wt = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    monkeypatch.setattr(clearing, "LEAVE_S", 0.05)
    with subprocess.Popen(["sleep", "60"], cwd=wt) as sleeper:
        with pytest.raises(WorktreeInUse, match=rf"sleep \(process {sleeper.pid}\)"):
            repository.remove(wt, "agent/x", session="s")
        assert (wt / "a.txt").exists()
        sleeper.kill()
    repository.remove(wt, "agent/x", session="s")
    assert not wt.exists()


def test_another_folder_in_the_place_of_a_worktree_is_never_removed(tmp_path: Path, repository: Repository) -> None:
    wt = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    wt.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", wt)
    with pytest.raises(NotOurs, match="not the folder that we made"):
        repository.remove(wt, "agent/x", session="s")
    assert (wt / "a.txt").exists()


def test_what_is_staged_alone_or_in_the_reflog_alone_is_in_the_attic(tmp_path: Path, repository: Repository) -> None:
    wt = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (wt / "lost.txt").write_text("committed, then reset away\n")
    commit(wt, "Lost")
    run(wt, "reset", "-q", "--hard", "HEAD~1")
    (wt / "a.txt").write_text("staged\n")
    run(wt, "add", "a.txt")
    (wt / "a.txt").write_text("and written over\n")
    attic = repository.remove(wt, "agent/x", session="s")
    assert run(repository.root, "show", f"{attic}/reflog:lost.txt") == "committed, then reset away\n"
    assert run(repository.root, "show", f"{attic}/staged:a.txt") == "staged\n"
