"""``orchestrator trust``, and the question for approval that other commands meet."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.output import CommandError, ask, call, dump, note, say


def trust(arguments: Namespace) -> int:
    """Show what a repository wants to run; approve it after a yes."""
    repository = str(Path(arguments.repository).expanduser().absolute())
    seen = call("trust", repository=repository, revoke=arguments.revoke)
    if arguments.yes and not (seen["approved"] or arguments.revoke):
        _refuse_inside()
        seen = call("trust", repository=repository, digest=seen["digest"])
    if arguments.json:
        dump(seen)
        return 0
    if arguments.revoke:
        count = seen["revoked"]
        say(f"{count} {'approval' if count == 1 else 'approvals'} of {seen['repository']} forgotten")
        return 0
    wanted = _listed({"commands": seen["setup"], "checks": seen["checks"]})
    if not wanted:
        say(f"{seen['repository']} brings no commands along")
        return 0
    say(f"{seen['repository']} wants to run\n{wanted}")
    if not seen["approved"]:
        _refuse_inside()
        if not ask("Approve exactly these commands?"):
            raise CommandError("they are not approved", "approve them: orchestrator trust --yes")
        call("trust", repository=repository, digest=seen["digest"])
    say("approved; any change asks again")
    return 0


def with_approval(verb: str, body: dict[str, Any], *, approved: bool) -> Any:
    """Carry ``verb`` out. When it needs the approval of a repository's commands, show them and ask once."""
    try:
        return call(verb, timeout=None, **body)
    except CommandError as error:
        if error.trust is None:
            raise
        if not approved:
            note(f"This repository wants to run\n{_listed(error.trust)}")
            approved = ask("Approve exactly these commands?")
        if not approved:
            raise
        _refuse_inside()
        return call(verb, timeout=None, **body, trust=error.trust["digest"])


def _listed(trust: dict[str, Any]) -> str:
    """As the question shows them; lines after the first stand deeper, so that one command cannot look like two."""
    parts = (("in every new worktree", trust["commands"]), ("to judge its agents' work", trust["checks"]))
    lines: list[str] = []
    for where, what in parts:
        lines += [f"  {where}:"] if what else []
        lines += ["    " + command.replace("\n", "\n        ") for command in what]
    return "\n".join(lines)


def _refuse_inside() -> None:
    """An agent that runs us in its own session is not the human. (Against eagerness; docs/safety.md has the limits.)"""
    if os.environ.get("ORCHESTRATOR_EVENTS"):
        raise CommandError("an agent cannot approve commands", "approve them in a terminal of your own")
