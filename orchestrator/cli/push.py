"""Commands that reach a remote: push, pr."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from orchestrator.cli.output import call, dump, fact, note, session
from worktrees.inert import line


def push(arguments: Namespace) -> int:
    """Push a branch, and say what went where."""
    from orchestrator.cli.run import environment

    said = call(
        "push",
        timeout=None,
        repository=str(Path(arguments.repo).expanduser().absolute()),
        branch=arguments.branch,
        dry_run=arguments.dry_run,
        env=environment(),
    )
    if arguments.json:
        dump(said)
        return 0
    done = said["push"]
    before = done["before"][:10] if done["before"] else "a new branch"
    if done["before"] == done["after"]:
        fact(f"{done['branch']}: {done['remote']} has it already ({done['after'][:10]})")
        return 0
    would = "would go" if arguments.dry_run else "went"
    fact(f"{done['commits']} commits of {done['branch']} {would} to {line(done['url'])}")
    fact(f"  {before} → {done['after'][:10]}")
    return 0


def pr(arguments: Namespace) -> int:
    """Open a pull request, and print its address."""
    from orchestrator.cli.run import environment

    item = session(arguments.name)
    body = {"session": item["id"], "message": arguments.message, "draft": arguments.draft, "env": environment()}
    said = call("pull_request", timeout=None, **body)
    if arguments.json:
        dump(said)
        return 0
    if not said["opened"]:
        note(f"{item['name']} has a pull request already; its branch is pushed anew")
    fact(said["url"])
    return 0
