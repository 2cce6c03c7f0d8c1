"""Lock files of real gits: waited for, told with their owner, put aside only when that is proven to be gone."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from worktrees import locks
from worktrees.errors import GitFailed, Locked
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.repository import Repository


@pytest.fixture
def editing(tmp_path: Path, repository: Repository) -> Iterator[subprocess.Popen[bytes]]:
    """A ``git commit`` of the user's that waits for its editor: it holds the index and has no file open."""
    began, go_on = tmp_path / "began", tmp_path / "go-on"
    for pipe in (began, go_on):
        os.mkfifo(pipe)
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\necho . > {began}\nread _ < {go_on}\n")
    editor.chmod(0o755)
    (repository.root / "a.txt").write_text("mine\n")
    process = subprocess.Popen(
        ["git", "commit", "--all"],
        cwd=repository.root,
        env={**os.environ, "GIT_EDITOR": str(editor)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    began.read_text()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def aged(lock: Path, seconds: float = 3600) -> Path:
    old = lock.stat().st_mtime - seconds
    os.utime(lock, (old, old))
    return lock


def test_a_step_of_ours_waits_until_the_lock_is_gone(repository: Repository) -> None:
    (repository.root / "a.txt").write_text("changed\n")
    lock = repository.git_dir / "index.lock"
    lock.touch()
    done: list[str] = []
    step = threading.Thread(target=lambda: done.append(run(repository.root, "add", "-A")))
    step.start()
    step.join(0.2)
    assert step.is_alive()
    lock.unlink()
    step.join(30)
    assert done == [""]
    assert run(repository.root, "diff", "--cached", "--name-only").strip() == "a.txt"


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("index.lock", ("add", "-A")),
        ("index.lock", ("read-tree", "HEAD")),
        ("refs/heads/main.lock", ("update-ref", "refs/heads/main", "HEAD")),
        ("packed-refs.lock", ("update-ref", "-d", "refs/heads/nothing")),
        ("config.lock", ("config", "x.y", "z")),
        ("HEAD.lock", ("checkout", "--detach", "--quiet")),
    ],
)
def test_every_kind_of_lock_that_stays_is_told(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str, step: tuple[str, ...]
) -> None:
    monkeypatch.setattr(locks, "WAIT_S", 0.1)
    lock = repository.git_dir / name
    lock.touch()
    with pytest.raises(Locked) as caught:
        run(repository.root, *step)
    assert os.path.realpath(caught.value.lock) == os.path.realpath(lock)
    assert "is in the way, made" in caught.value.message
    assert lock.exists()


def test_a_git_that_ended_while_it_was_looked_at_holds_nothing(
    repository: Repository, editing: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = repository.git_dir / "HEAD.lock"
    lock.touch()
    works_on = locks._works_on
    looked: list[Path] = []

    def late(process: Path, places: tuple[str, ...]) -> bool:
        found = works_on(process, places)
        if process.name == str(editing.pid):
            looked.append(process)
            os.killpg(editing.pid, signal.SIGKILL)
            os.waitid(os.P_PID, editing.pid, os.WEXITED | os.WNOWAIT)  # dead, and its entry is still there
        return found

    assert str(editing.pid) in str(locks.holder(lock))
    monkeypatch.setattr(locks, "_works_on", late)
    found = locks.holder(lock)
    assert looked
    assert found is None or found.pid != editing.pid


def test_a_refused_compare_and_swap_is_no_lock_and_not_tried_again(repository: Repository) -> None:
    with pytest.raises(GitFailed, match="expected"):
        run(repository.root, "update-ref", "refs/heads/main", "HEAD", "1" * 40)


def test_a_git_that_waits_for_an_editor_is_named_and_its_lock_stays(
    repository: Repository, editing: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    lock = aged(repository.git_dir / "index.lock")
    owner = locks.holder(lock)
    assert owner is not None
    assert (owner.pid, owner.command) == (editing.pid, "git commit --all")
    assert not locks.left_behind(lock, apart_s=0)
    with pytest.raises(Locked, match=rf"is in the way, and git commit --all \(pid {editing.pid}\) works there"):
        locks.put_aside(lock, tmp_path / "aside", apart_s=0)
    with pytest.raises(Locked, match=f"pid {editing.pid}"):
        locks.free(lock, tmp_path / "aside", within_s=0.1)
    assert lock.exists()


def test_any_program_that_has_it_open_is_its_owner(repository: Repository) -> None:
    lock = repository.git_dir / "index.lock"
    script = f"import sys; f = open({str(lock)!r}, 'w'); print(flush=True); sys.stdin.read()"
    words = ["python3", "-c", script]
    program = subprocess.Popen(words, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert program.stdout is not None
    program.stdout.readline()
    owner = locks.holder(aged(lock))
    assert owner is not None
    assert owner.pid == program.pid
    assert not locks.left_behind(lock, apart_s=0)
    program.communicate()
    assert locks.left_behind(lock, apart_s=0)


def test_the_lock_of_a_killed_git_is_put_aside_whole(
    repository: Repository, editing: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    os.killpg(editing.pid, signal.SIGKILL)
    editing.wait()
    lock = repository.git_dir / "index.lock"
    content = lock.read_bytes()
    assert content  # git had written its new index into it
    with pytest.raises(Locked, match="nobody is seen who holds it"):  # it is not old enough
        locks.put_aside(lock, tmp_path / "aside", apart_s=0)
    aside = locks.put_aside(aged(lock), tmp_path / "aside", apart_s=0)
    assert aside.read_bytes() == content
    assert not lock.exists()
    run(repository.root, "add", "-A")


def test_a_lock_that_changes_between_two_looks_is_in_use(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = repository.git_dir / "index.lock"
    lock.touch()
    aged(lock)

    def meanwhile(_seconds: float) -> None:
        lock.unlink()
        lock.write_text("another git's")
        aged(lock)

    monkeypatch.setattr(locks.time, "sleep", meanwhile)
    assert not locks.left_behind(lock)


def test_a_lock_that_another_git_made_while_it_was_moved_is_given_back(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = repository.git_dir / "index.lock"
    lock.touch()
    aged(lock)

    def proven(path: Path, **_more: float) -> bool:
        path.unlink()
        path.write_text("another git's")
        return True

    monkeypatch.setattr(locks, "left_behind", proven)
    with pytest.raises(Locked):
        locks.put_aside(lock, tmp_path / "aside")
    assert lock.read_text() == "another git's"


def test_locks_of_all_worktrees_are_found(repository: Repository, tmp_path: Path) -> None:
    repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s")
    made = [repository.git_dir / "config.lock", repository.git_dir / "worktrees" / "wt" / "index.lock"]
    for lock in made:
        lock.touch()
    assert list(locks.locks_of(repository.git_dir)) == made


def test_a_planted_link_in_place_of_our_lock_is_not_followed(repository: Repository, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    (repository.own / "registration.lock").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link"), repository.registration():
        pass
    assert precious.read_text() == "mine\n"


def test_worktrees_are_made_beside_agents_that_add_and_remove_their_own(tmp_path: Path, repository: Repository) -> None:
    """Git fails to read a worktree that another git is just adding; ours waits for it."""
    over = threading.Event()

    def agent(number: int) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            path = str(tmp_path / f"theirs-{number}-{turn}")
            for words in (("add", "-q", "-b", f"theirs-{number}-{turn}", path), ("remove", path)):
                subprocess.run(["git", "worktree", *words], cwd=repository.root, capture_output=True, check=False)

    failures: list[Exception] = []

    def ours(number: int) -> None:
        for turn in range(5):
            try:
                repository.create(tmp_path / f"ours-{number}-{turn}", f"agent/{number}-{turn}", "HEAD", session="s")
            except Exception as error:  # noqa: BLE001 - any failure is one
                failures.append(error)

    agents = [threading.Thread(target=agent, args=(number,)) for number in range(2)]
    makers = [threading.Thread(target=ours, args=(number,)) for number in range(3)]
    for thread in (*agents, *makers):
        thread.start()
    for thread in makers:
        thread.join()
    over.set()
    for thread in agents:
        thread.join()
    assert failures == []
    assert sum((tmp_path / f"ours-{n}-{t}" / "a.txt").exists() for n in range(3) for t in range(5)) == 15


def test_an_add_that_meets_a_half_made_worktree_is_tried_again_without_leftovers(
    tmp_path: Path, repository: Repository
) -> None:
    half = repository.git_dir / "worktrees" / "half"
    half.mkdir(parents=True)
    (half / "HEAD").write_text("ref: refs/heads/theirs\n")
    (half / "gitdir").write_text(f"{tmp_path}/half/.git\n")
    (half / "commondir").touch()  # as git leaves it for a moment: there and empty
    made: list[object] = []
    maker = threading.Thread(
        target=lambda: made.append(repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s"))
    )
    maker.start()
    maker.join(0.5)
    assert maker.is_alive()
    (half / "commondir").write_text("../..\n")
    maker.join(30)
    assert len(made) == 1


def test_a_landing_is_refused_while_the_users_git_is_at_work_and_touches_nothing(
    tmp_path: Path, repository: Repository
) -> None:
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (worktree / "b.txt").write_text("b\n")
    tip = commit(worktree, "B")
    run(repository.root, "branch", "release", "HEAD")
    elsewhere = tmp_path / "release"
    run(repository.root, "worktree", "add", "-q", str(elsewhere), "release")
    git_dir = repository.git_dir / "worktrees" / "release"
    (git_dir / "index.lock").touch()
    before = run(repository.root, "for-each-ref")
    with pytest.raises(Locked, match=r"release/index\.lock is in the way"):
        land(repository, worktree=worktree, session="s", target="release", method=Method.FF, message="x")
    assert run(repository.root, "for-each-ref") == before
    aged(git_dir / "index.lock")
    with pytest.raises(Locked, match="made 60 min ago") as caught:  # not ours to put aside, however old
        land(repository, worktree=worktree, session="s", target="release", method=Method.FF, message="x")
    assert "doctor --unlock" in caught.value.hint
    (git_dir / "index.lock").unlink()
    land(repository, worktree=worktree, session="s", target="release", method=Method.FF, message="x")
    assert repository.resolve("release") == tip


def test_what_a_killed_git_of_an_agent_left_does_not_stop_its_landing(tmp_path: Path, repository: Repository) -> None:
    worktree = repository.create(tmp_path / "wt", "agent/x", "HEAD", session="s").path
    (worktree / "b.txt").write_text("not committed\n")
    lock = repository.git_dir / "worktrees" / "wt" / "index.lock"
    lock.write_text("half an index")
    aged(lock)
    land(repository, worktree=worktree, session="s", target="main", method=Method.SQUASH, message="x")
    assert (repository.root / "b.txt").read_text() == "not committed\n"
    assert [path.read_text() for path in (repository.own / "locks").iterdir()] == ["half an index"]
