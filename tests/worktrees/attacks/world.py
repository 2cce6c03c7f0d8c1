"""A repository with a session's worktree, a trap that leaves a mark when it is run, and all that we do there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.checking import commands
from worktrees import changes, conflicts, following, history, landing, operations, restoring, snapshots, undo
from worktrees.errors import WorktreeError
from worktrees.models import Landing, Method
from worktrees.repository import Repository, open_repository

LINES = [f"line {number}" for number in range(20)]
ATTRIBUTES = "*.evil filter=evil diff=evil merge=evil\n"


@dataclass
class World:
    """``worktree`` is what we work on. ``twin`` was made the same way; plain git is run there, for proof."""

    tmp: Path
    repository: Repository
    worktree: Path
    twin: Path
    trap: Path
    mark: Path
    landings: list[Landing] = field(default_factory=list)

    @property
    def shared(self) -> Path:
        return self.repository.git_dir

    @property
    def both(self) -> tuple[Path, Path]:
        return self.worktree, self.twin

    def admin(self, worktree: Path) -> Path:
        return self.shared / "worktrees" / worktree.name

    def config(self, *pairs: str, file: Path | None = None) -> None:
        """Write ``key=value`` into a configuration file, the shared one if none is named."""
        for pair in pairs:
            key, _, value = pair.partition("=")
            self.git(self.tmp, "config", "--file", str(file or self.shared / "config"), "--add", key, value)

    def git(self, where: Path, *words: str, env: dict[str, str] | None = None, fed: str = "") -> str:
        """Plain git, as an agent or a careless program runs it. It may fail: what counts is the mark."""
        done = subprocess.run(
            ["git", *words],
            cwd=where,
            env={**os.environ, **(env or {})},
            input=fed,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout + done.stderr

    def hook(self, folder: Path, *names: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(self.trap)

    def work(self, where: Path, what: str = "work") -> None:
        """What an agent does: an edit, a new file, an ignored one."""
        (where / "a.evil").write_text("\n".join([what, *LINES[1:]]) + "\n")
        (where / f"{what}.evil").write_text(what + "\n")
        (where / ".env").write_text(f"KEY={what}\n")

    @property
    def fired(self) -> bool:
        return self.mark.exists()


def build(tmp: Path) -> World:
    """The worktree and the target both changed ``a.evil``, in places that merge."""
    root = tmp / "shop"
    root.mkdir()
    trap, mark = tmp / "trap", tmp / "mark"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\nexit 0\n')
    trap.chmod(0o755)

    def git(where: Path, *words: str) -> None:
        subprocess.run(["git", *words], cwd=where, check=True, capture_output=True)

    git(root, "init", "-q", "-b", "main")
    (root / "a.evil").write_text("\n".join(LINES) + "\n")
    (root / ".gitattributes").write_text(ATTRIBUTES)
    (root / ".gitignore").write_text(".env\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Begin")
    repository = open_repository(root)
    both = []
    for name in ("one", "two"):
        path = repository.create(tmp / name, f"agent/{name}", "HEAD", session=name).path
        (path / "a.evil").write_text("\n".join([f"theirs {name}", *LINES[1:]]) + "\n")
        git(path, "commit", "-q", "-a", "-m", "Theirs")
        both.append(path)
    (root / "a.evil").write_text("\n".join([*LINES[:-1], "ours"]) + "\n")
    git(root, "commit", "-q", "-a", "-m", "Ours")
    return World(tmp, repository, both[0], both[1], trap, mark)


Step = Callable[[World], object]


def walk(world: World) -> dict[str, str]:
    """Take every step in order; none may set the trap off. Returns what was refused, and why."""
    refused: dict[str, str] = {}
    for name, step in _STEPS.items():
        try:
            step(world)
        except WorktreeError as error:
            refused[name] = error.message
        assert not world.fired, f"{name} ran {world.mark.read_text()}"
    return refused


def _snapshot(world: World) -> None:
    world.work(world.worktree, "kept")
    kept = snapshots.take(world.worktree, "one", "turn over", ignored=True)
    assert history.moments(world.repository.root, "one", "main")
    assert changes.between(world.repository.root, kept.parent, kept.tree)[0]


def _restore(world: World) -> None:
    kept = snapshots.listed(world.repository.root, "one")[-1]
    world.work(world.worktree, "ruined")
    wish = restoring.Wish("one", "one", "agent/one", kept)
    restoring.restore(world.repository, world.worktree, wish)
    assert (world.worktree / "a.evil").read_text().startswith("kept\n")


def _land(world: World, method: Method) -> None:
    world.work(world.worktree, f"by-{method}")
    landed = landing.land(
        world.repository,
        worktree=world.worktree,
        session="one",
        target="main",
        method=method,
        message="Land it\n",
        verify=commands(world.repository, "test -f a.evil"),
    )
    world.landings.append(landed)
    assert (world.repository.root / "a.evil").read_text().startswith(f"by-{method}\n")


def _undo(world: World) -> None:
    undo.undo(world.repository, operations.listed(world.repository)[0])


def _create(world: World) -> None:
    made = world.repository.create(world.tmp / "three", "agent/three", "main", session="three")
    assert (made.path / "a.evil").exists()


def _remove(world: World) -> None:
    world.work(world.worktree, "last")
    world.repository.remove(world.worktree, "agent/one", session="one")
    assert not world.worktree.exists()


_STEPS: dict[str, Step] = {
    "preview of conflicts": lambda w: conflicts.preview(w.repository.root, "main", "agent/one"),
    "update from the target": lambda w: following.update_from_target(w.worktree, "one", "main"),
    "totals": lambda w: (w.work(w.worktree), changes.totals(w.worktree, "main")),
    "diff": lambda w: changes.diff(w.worktree, "main"),
    "drift": lambda w: (changes.head(w.worktree), changes.drift(w.worktree, "main"), changes.resting_at(w.worktree)),
    "snapshot": _snapshot,
    "restore": _restore,
    "draft of a message": lambda w: landing.draft_message(w.worktree, "main", "A task"),
    "land by squash": lambda w: _land(w, Method.SQUASH),
    "undo": _undo,
    "land by merge": lambda w: _land(w, Method.MERGE),
    "update by fast-forward": lambda w: following.update_from_target(w.worktree, "one", "main"),
    "land by fast-forward": lambda w: _land(w, Method.FF),
    "operations": lambda w: (operations.listed(w.repository), w.repository.worktrees(), open_repository(w.worktree)),
    "create": _create,
    "remove": _remove,
}
COUNT = len(_STEPS)
