"""The recipe of a fresh worktree, from ``.orchestrator.toml`` in the repository.

::

    [worktree]
    copy = [".env", "config/local.*"]   # files that git ignores, copied from the main checkout
    link = ["node_modules"]             # linked instead
    run = ["npm ci"]                    # run in the new worktree, once you have approved them
    ports = 2                           # free ports: $ORCHESTRATOR_PORT, $ORCHESTRATOR_PORT_1 …
    keep = ["config/*.local"]           # files in ignored folders that snapshots hold too

Copy and link never leave the repository and never replace a tracked file. ``run`` is code of whoever wrote the
repository: it runs only when the human approved the hash of exactly these commands.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worktrees.checks import run_command
from worktrees.cleanroom import run_code
from worktrees.errors import RecipeInvalid, SetupFailed, SetupNotTrusted

FILE = ".orchestrator.toml"
COMMAND_S = 600.0


class Recipe(BaseModel):
    """What a worktree needs before an agent starts in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    copy_: Annotated[tuple[str, ...], Field(alias="copy")] = ()
    link: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    ports: Annotated[int, Field(ge=0, le=32)] = 0
    keep: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Stands for exactly these commands; what the human approves."""
        return hashlib.sha256(json.dumps(self.run).encode()).hexdigest()


def load_recipe(root: Path) -> Recipe:
    """The recipe of the repository at ``root``; an empty one when it has none. Raises RecipeInvalid."""
    path = root / FILE
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Recipe()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeInvalid(f"{path} cannot be read: {error}", "mend the file, or move it away") from error
    try:
        return Recipe.model_validate(table.get("worktree", {}))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecipeInvalid(
            f"{path}: [worktree] {key}: {first['msg']}", "allowed: copy, link, run, ports, keep"
        ) from error


def changed_by(root: Path, target: str, tip: str) -> bool:
    """The work up to ``tip`` changes the repository's file itself, against where it left ``target``."""
    code, base = run_code(root, "merge-base", f"refs/heads/{target}", tip, ok=(0, 1))
    return code == 0 and _blob(root, base.strip()) != _blob(root, tip)


def _blob(root: Path, commit: str) -> str:
    return run_code(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{FILE}", ok=(0, 1, 128))[1]


def prepare(
    recipe: Recipe, root: Path, worktree: Path, *, trusted: str | None, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Carry the recipe out in ``worktree``; returns what to add to the agent's environment.

    Raises SetupNotTrusted before anything is done when there are commands that ``trusted`` does not cover.
    """
    if recipe.run and trusted != recipe.digest:
        raise SetupNotTrusted(recipe.digest, recipe.run)
    for pattern in recipe.copy_:
        for source, target in _matches(pattern, root, worktree):
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target, follow_symlinks=False)
    for pattern in recipe.link:
        for source, target in _matches(pattern, root, worktree):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    additions = _ports(recipe.ports)
    additions["ORCHESTRATOR_MAIN_CHECKOUT"] = str(root)
    for command in recipe.run:
        result = run_command(command, worktree, COMMAND_S, {**(env or {}), **additions})
        if not result.passed:
            tail = " · ".join(result.output.strip().splitlines()[-3:])
            raise SetupFailed(f"set-up failed at: {command}: {tail}", f"mend [worktree] run in {root / FILE}")
    return additions


def _matches(pattern: str, root: Path, worktree: Path) -> Iterator[tuple[Path, Path]]:
    """Files of the main checkout that match, with their places in the worktree. Existing places are left alone."""
    relative = Path(pattern)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or ".git" in relative.parts:
        raise RecipeInvalid(
            f"{root / FILE}: [worktree] {pattern!r} leads out of the repository", "name paths inside of it"
        )
    inside = os.path.realpath(root)
    for source in sorted(root.glob(pattern)):
        if ".git" in source.relative_to(root).parts:
            continue
        if not os.path.realpath(source.parent).startswith(inside):
            raise RecipeInvalid(
                f"{root / FILE}: [worktree] {source} leads out of the repository", "name paths inside of it"
            )
        target = worktree / source.relative_to(root)
        if not (target.exists() or target.is_symlink()):
            yield source, target


def _ports(count: int) -> dict[str, str]:
    """Ports that are free now. They are bound together, so that they differ, and let go at once."""
    sockets = []
    try:
        for _ in range(count):
            free = socket.socket()
            free.bind(("127.0.0.1", 0))
            sockets.append(free)
        numbers = [free.getsockname()[1] for free in sockets]
    finally:
        for free in sockets:
            free.close()
    named = {f"ORCHESTRATOR_PORT_{index}": str(number) for index, number in enumerate(numbers)}
    if numbers:
        named["ORCHESTRATOR_PORT"] = str(numbers[0])
    return named
