"""A repository's own commands (set-up of a worktree, checks of a merge) run only once a human approved exactly them.

They are read from the main checkout's ``.orchestrator.toml``, never from an agent's worktree: an agent must not choose
what it is judged by. One approval covers all of them; it is the digest of all commands, so any change asks again. What
the user's own settings say needs none.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator import home
from orchestrator.checks.definition import Check, listed
from orchestrator.commands import Refused, Trust, TrustReply, TrustRepository
from orchestrator.config import repository_checks
from sessions.models import Model
from worktrees import durable, setup
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

KEPT = 20
"""Approvals kept for a repository: branches of it may carry different commands."""


class Approval(Model):
    digest: str
    setup: tuple[str, ...]
    checks: tuple[str, ...]
    at: datetime


class Approvals(Model):
    """What is on disk, one file a repository."""

    repository: str
    approved: tuple[Approval, ...] = ()


class Wanted(Model):
    """What the repository wants to run. ``checks`` is None when it says nothing, so that the user's own hold."""

    repository: str
    recipe: setup.Recipe
    checks: tuple[str, ...] | None
    named: tuple[Check, ...] = ()

    @property
    def digest(self) -> str:
        """Stands for exactly these commands, in this order."""
        parts: dict[str, object] = {"setup": self.recipe.run, "checks": self.checks or ()}
        if self.named:
            parts["named"] = [check.model_dump() for check in self.named]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def own(self) -> tuple[Check, ...]:
        """All checks that are the repository's."""
        return (*listed(self.checks or ()), *self.named)

    @property
    def shown(self) -> tuple[str, ...]:
        """The checks as a human reads them before an approval."""
        return tuple(map(str, self.own))

    @property
    def trust(self) -> Trust:
        return Trust(digest=self.digest, commands=self.recipe.run, checks=self.shown)

    @property
    def none(self) -> bool:
        return not self.recipe.run and not self.own


def wanted(root: Path) -> Wanted:
    """The commands of the repository whose main checkout is ``root``, as they stand now.

    Raises RecipeInvalid or Refused, which name file and key.
    """
    checks, named = repository_checks(root)
    return Wanted(repository=str(root), recipe=setup.load_recipe(root), checks=checks, named=named)


def approved(seen: Wanted) -> bool:
    """A human approved exactly these, or there are none."""
    return seen.none or any(one.digest == seen.digest for one in _read(Path(seen.repository)).approved)


def require(seen: Wanted, given: str | None, commands: tuple[str, ...]) -> None:
    """Return when ``commands`` (of ``seen``, those about to run) may; otherwise Refused, carrying what to approve.

    ``given`` is the digest that the human just approved; it is remembered.
    """
    if given is not None and given == seen.digest:
        approve(seen)
    elif commands and not approved(seen):
        raise Refused(
            f"{Path(seen.repository).name} wants to run commands of its own: {'; '.join(commands)}",
            "read and approve them: orchestrator trust, or --trust; or change .orchestrator.toml",
            seen.trust,
        )


def approve(seen: Wanted) -> None:
    """Remember that exactly these were approved. Twice is once."""
    root = Path(seen.repository)
    new = Approval(digest=seen.digest, setup=seen.recipe.run, checks=seen.shown, at=datetime.now(UTC))
    with durable.locked(_file(root)):
        others = tuple(one for one in _read(root).approved if one.digest != seen.digest)
        kept = Approvals(repository=seen.repository, approved=(*others, new)[-KEPT:])
        durable.write(_file(root), kept.model_dump_json(indent=2) + "\n")


def revoke(root: Path) -> int:
    """Forget all approvals of a repository; returns how many there were."""
    with durable.locked(_file(root)):
        count = len(_read(root).approved)
        _file(root).unlink(missing_ok=True)
    return count


async def call(_supervisor: Supervisor, command: TrustRepository) -> TrustReply:
    """Show, approve or revoke. Runs in the daemon, which is the one that asks."""
    import asyncio

    return await asyncio.to_thread(_carry_out, command)


def _carry_out(command: TrustRepository) -> TrustReply:
    repository: Repository = open_repository(Path(command.repository))
    seen = wanted(repository.root)
    revoked = revoke(repository.root) if command.revoke else 0
    if command.digest is not None:
        if command.digest != seen.digest:
            raise Refused(
                f"the commands of {repository.name} changed since they were shown", "look again: orchestrator trust"
            )
        approve(seen)
    return TrustReply(
        repository=str(repository.root),
        digest=seen.digest,
        setup=seen.recipe.run,
        checks=seen.shown,
        approved=approved(seen),
        revoked=revoked,
    )


def _read(root: Path) -> Approvals:
    """What was approved. A file that cannot be read approves nothing."""
    try:
        return Approvals.model_validate_json(_file(root).read_bytes())
    except (OSError, ValidationError):
        return Approvals(repository=str(root))


def _file(root: Path) -> Path:
    return home.home() / "trusted" / f"{home.repository_key(root)}.json"
