"""Many at once in one repository: agents with their own git, maintenance, and every step of ours."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from worktrees import snapshots
from worktrees.git import run
from worktrees.landing import land
from worktrees.models import Method
from worktrees.repository import Repository

AGENTS = 6


def git(folder: Path, *words: str) -> None:
    """An agent's git, which may fail: that is its own business."""
    subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False)


def test_no_step_of_ours_fails_beside_agents_and_maintenance(tmp_path: Path, repository: Repository) -> None:
    over = threading.Event()
    failures: list[BaseException] = []
    landing = threading.Lock()  # the supervisor lands one at a time for a repository
    before = repository.resolve("main")

    def maintenance() -> None:
        while not over.is_set():
            git(repository.root, "pack-refs", "--all", "--prune")
            git(repository.root, "branch", "-f", "side", "HEAD")
            git(repository.root, "branch", "-D", "side")
            git(repository.root, "config", "some.key", "value")

    def busy(name: str, held_s: float) -> None:
        """An editor or a tool of the user's that takes a lock, again and again."""
        lock = repository.git_dir / name
        while not over.is_set():
            with suppress(FileExistsError):
                lock.touch(exist_ok=False)
                over.wait(held_s)
                lock.unlink()
            over.wait(held_s / 2)

    def session(number: int) -> None:
        name, path = f"s{number}", tmp_path / f"wt{number}"
        repository.create(path, f"agent/{number}", before, session=name)
        for turn in range(3):
            (path / f"file-{number}-{turn}").write_text("work\n")
            git(path, "add", "-A")
            git(path, "commit", "-q", "-m", f"turn {turn}")
            (path / f"rest-{number}").write_text(f"{turn}\n")
            snapshots.take(path, name, "turn over")
        with landing:
            land(repository, worktree=path, session=name, target="main", method=Method.SQUASH, message=f"s{number}\n")
        repository.remove(path, f"agent/{number}", session=name)

    def told(work: Callable[[], None]) -> Callable[[], None]:
        def run_it() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - any failure is one
                failures.append(error)

        return run_it

    works = (maintenance, partial(busy, "index.lock", 0.2), partial(busy, "packed-refs.lock", 1.5))
    helpers = [threading.Thread(target=told(work)) for work in works]
    sessions = [threading.Thread(target=told(partial(session, number))) for number in range(AGENTS)]
    for thread in (*helpers, *sessions):
        thread.start()
    for thread in sessions:
        thread.join()
    over.set()
    for thread in helpers:
        thread.join()
    assert failures == [], "\n".join(map(repr, failures))
    files = run(repository.root, "ls-tree", "--name-only", "main").splitlines()
    for number in range(AGENTS):
        assert {f"file-{number}-{turn}" for turn in range(3)} | {f"rest-{number}"} <= set(files)
        for kept in snapshots.listed(repository.root, f"s{number}"):
            assert run(repository.root, "cat-file", "-t", kept.tree).strip() == "tree"
    assert run(repository.root, "status", "--porcelain") == ""
