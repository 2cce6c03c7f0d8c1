"""A branch goes to a real remote on disk: never forced, without what an agent planted, and right after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import operations
from worktrees.errors import CannotUndo, WorktreeError
from worktrees.faultpoints import ENV
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.operations import Kind, State
from worktrees.pushing import look, push
from worktrees.reconcile import reconcile
from worktrees.repository import Repository, open_repository
from worktrees.undo import undo

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def origin(tmp_path: Path, repository: Repository) -> Path:
    bare = tmp_path / "origin.git"
    run(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    run(repository.root, "remote", "add", "origin", str(bare))
    run(repository.root, "push", "-q", "origin", "main")
    return bare


def at(origin: Path, branch: str = "main") -> str:
    return run(origin, "rev-parse", branch).strip()


def test_a_landing_is_pushed_and_its_undo_is_a_commit_on_top(
    tmp_path: Path, repository: Repository, origin: Path
) -> None:
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (worktree / "b.txt").write_text("b\n")
    landing = land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="Land it\n")
    assert at(origin) == landing.before, "a landing alone reaches no network"
    assert look(repository, "main").commits == 1
    seen, operation = push(repository, "main", session="s", name="x")
    assert at(origin) == landing.after == seen.after
    assert repository.resolve("refs/remotes/origin/main") == landing.after
    assert operation is not None
    assert push(repository, "main")[1] is None
    with pytest.raises(CannotUndo, match="others may have it"):
        undo(repository, operation)
    newest = operations.holding(operations.listed(repository))[0]
    assert newest.kind is Kind.LAND
    undo(repository, newest)
    assert run(repository.root, "log", "-1", "--format=%s%n%P", "main").split("\n")[:2] == [
        'Revert "Land it"',
        landing.after,
    ]
    push(repository, "main")
    assert at(origin) == repository.resolve("main")


def test_what_others_pushed_is_never_written_over(tmp_path: Path, repository: Repository, origin: Path) -> None:
    run(tmp_path, "clone", "-q", str(origin), "other")
    (tmp_path / "other" / "o.txt").write_text("o\n")
    theirs = commit(tmp_path / "other", "Theirs")
    run(tmp_path / "other", "push", "-q", "origin", "main")
    (repository.root / "m.txt").write_text("m\n")
    mine = commit(repository.root, "Mine")
    with pytest.raises(WorktreeError, match="main at origin has commits that yours lacks"):
        push(repository, "main")
    assert (at(origin), repository.resolve("main")) == (theirs, mine)
    assert operations.listed(repository) == ()


def test_a_remote_that_says_no_is_told_with_its_words(repository: Repository, origin: Path) -> None:
    hook = origin / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = at(origin)
    (repository.root / "m.txt").write_text("m\n")
    commit(repository.root, "Mine")
    with pytest.raises(WorktreeError, match=r"origin did not take main: .*hook declined"):
        push(repository, "main")
    assert at(origin) == before
    assert [one.state for one in operations.listed(repository)] == [State.VOID]


def test_a_remote_that_is_not_there_is_told(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(WorktreeError, match="shop has no remote origin"):
        push(repository, "main")
    run(repository.root, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    with pytest.raises(WorktreeError, match=r"origin cannot be reached: .*nowhere\.git"):
        push(repository, "main")


@pytest.mark.parametrize("own_config", [False, True])
def test_the_repositorys_hook_and_programs_run_only_when_the_user_wants_it(
    tmp_path: Path, repository: Repository, origin: Path, own_config: bool
) -> None:
    ran = tmp_path / "ran"
    hook = repository.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho hook >> {ran}\n")
    hook.chmod(0o755)
    run(repository.root, "config", "remote.origin.receivepack", f"echo pack >> {ran}; git-receive-pack")
    (repository.root / "m.txt").write_text("m\n")
    mine = commit(repository.root, "Mine")
    push(repository, "main", own_config=own_config)
    assert at(origin) == mine
    assert ran.exists() == own_config


@pytest.mark.parametrize(
    ("fault", "reached"),
    [("operation.planned", False), ("push.sent", True), ("operation.done", True), ("operation.closed", True)],
)
def test_a_push_that_was_killed_is_settled_by_the_remotes_truth(
    repository: Repository, origin: Path, fault: str, reached: bool
) -> None:
    before = at(origin)
    (repository.root / "m.txt").write_text("m\n")
    mine = commit(repository.root, "Mine")
    program = "import sys; from pathlib import Path; from worktrees.repository import open_repository; "
    program += "from worktrees.pushing import push; push(open_repository(Path(sys.argv[1])), 'main')"
    argv = [sys.executable, "-c", program, str(repository.root)]
    done = subprocess.run(argv, cwd=HERE, env={**os.environ, ENV: fault}, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    away = origin.with_name("away.git")
    origin.rename(away)
    if fault != "operation.closed":
        (open_,) = reconcile(repository)
        assert (open_.state, "cannot be reached" in open_.note) == (State.PLANNED, True)
    away.rename(origin)
    reconcile(repository)
    assert reconcile(repository) == ()
    (one,) = operations.listed(repository)
    assert one.state is (State.DONE if reached else State.VOID)
    assert at(origin) == (mine if reached else before)
    assert repository.resolve("refs/remotes/origin/main") == at(origin)
    push(open_repository(repository.root), "main")
    assert at(origin) == mine
