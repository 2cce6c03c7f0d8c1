"""What a launch is about to do, in the session's private folder: written before anything else, removed when it runs.

``plan.json`` holds the caller's environment, as the start script does: it is readable by the owner only and goes away
with the launch. ``created.json`` is the session's birth without the environment and stays: from it a fleet is found
again when the ledger is lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress

from orchestrator import home
from orchestrator.events import Created
from sessions import launching
from sessions.models import Model, SessionId, Spec
from worktrees import durable
from worktrees.setup import Recipe

PLAN = "plan.json"
BIRTH = "created.json"


class Plan(Model):
    """A first launch. ``begun``: it was read back, so some of its steps may have been done."""

    session: SessionId
    created: Created
    spec: Spec
    env: dict[str, str]
    recipe: Recipe  # of the worktree; its commands were approved
    begun: bool = False


def write(plan: Plan) -> None:
    """Write ``plan`` for good before this returns."""
    folder = home.session_folder(plan.session)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write(folder / BIRTH, plan.created.model_dump_json())
    durable.write(folder / PLAN, plan.model_dump_json(by_alias=True))


def read(session: SessionId) -> Plan | None:
    """The plan of a launch that was cut off; None when there is none that can be read."""
    try:
        text = (home.session_folder(session) / PLAN).read_bytes()
        return Plan.model_validate_json(text).model_copy(update={"begun": True})
    except (OSError, ValueError):
        return None


def done(session: SessionId) -> None:
    """The program runs: what it was started with is forgotten."""
    (home.session_folder(session) / PLAN).unlink(missing_ok=True)


def give_up(session: SessionId) -> None:
    """The launch came to nothing and is not tried again."""
    folder = home.session_folder(session)
    done(session)
    with suppress(OSError):
        for script in folder.glob(launching.SCRIPT.format("*")):
            script.unlink(missing_ok=True)


def forget(session: SessionId) -> None:
    """The session never was: not even its ``Created`` was written."""
    shutil.rmtree(home.session_folder(session), ignore_errors=True)


def sweep() -> None:
    """Remove what a kill left of unfinished writes: half a start script holds the caller's environment."""
    for folder in home.session_folder("x").parent.iterdir():
        durable.sweep(folder)


def births() -> Iterator[tuple[SessionId, Created]]:
    """Every session that has a private folder, whatever the ledger says of it. What cannot be read is left out."""
    base = home.session_folder("x").parent
    for path in sorted(base.glob(f"*/{BIRTH}")):
        with suppress(OSError, ValueError):
            yield SessionId(path.parent.name), Created.model_validate_json(path.read_bytes())
