"""Commands that go back: ops, undo, attic."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.look import age, since
from orchestrator.cli.output import CommandError, ask, call, dump, fact, note, say, table
from worktrees import inert


def ops(arguments: Namespace) -> int:
    """What was done to refs and files, newest first."""
    repository = str(Path(arguments.repo).absolute()) if arguments.repo else None
    found = call("ops", repository=repository)["operations"]
    found = found[: arguments.count] if arguments.count else found
    if arguments.json:
        dump(found)
        return 0
    if not found:
        say("Nothing was merged, updated, restored or removed yet.")
        return 0
    rows = [(line["id"], f"{_ago(line['at'])} ago", line["name"], _words(line)) for line in found]
    for text in table(("OPERATION", "WHEN", "SESSION", "WHAT"), rows):
        say(text)
    return 0


def _words(line: dict[str, Any]) -> str:
    if line["foreign"]:
        return f"{line['what']} (not by this program's home)"
    if line["undone_by"]:
        return f"{line['what']} (undone by {line['undone_by']})"
    if line["state"] == "done":
        return str(line["what"])
    return f"{line['what']} ({line['state']}: {line['note']})" if line["note"] else f"{line['what']} ({line['state']})"


def undo(arguments: Namespace) -> int:
    """Say what will happen, ask where a human sits, and do it."""
    seen = call("preview_undo", operation=arguments.operation or "")
    if arguments.json and arguments.dry_run:
        dump(seen)
        return 0
    note(inert.line(f"undo {seen['operation']}: {seen['what']}") + f" ({_ago(seen['at'])} ago)")
    for line in seen["tells"]:
        note(f"  {inert.line(line)}")
    if seen["refusal"]:
        raise CommandError(f"it cannot be undone: {seen['refusal']}", seen["hint"])
    if arguments.dry_run:
        return 0
    sure = arguments.yes or (arguments.operation and not sys.stdin.isatty())
    if not sure and not ask("Undo it?"):
        raise CommandError("nothing was undone", f"orchestrator undo --yes {seen['operation']}")
    reply = call("undo", operation=seen["operation"], timeout=None)
    if arguments.json:
        dump(reply)
    else:
        say(reply["message"])
    return 0


def attic(arguments: Namespace) -> int:
    """The removed sessions, or one of them back."""
    found = call("attic")["entries"]
    if arguments.do == "restore":
        return _restore(found, arguments)
    if arguments.json:
        dump(found)
        return 0
    if not found:
        say("The attic is empty: no session was removed, or all are back or were pruned.")
        return 0
    rows = [
        (
            entry["name"],
            entry["agent"],
            f"{_ago(entry['removed_at'])} ago",
            entry["kept_until"][:10],
            Path(entry["repository"]).name,
            " ".join(entry["prompt"].split())[:50],
        )
        for entry in found
    ]
    for text in table(("NAME", "AGENT", "REMOVED", "KEPT UNTIL", "REPOSITORY", "TASK"), rows):
        say(text)
    note("bring one back: orchestrator attic restore NAME")
    return 0


def _restore(found: list[dict[str, Any]], arguments: Namespace) -> int:
    if not arguments.name:
        raise CommandError("which one?", "orchestrator attic restore NAME; orchestrator attic lists them", 2)
    matching = [entry for entry in found if arguments.name in (entry["name"], entry["session"], entry["operation"])]
    if not matching:
        names = ", ".join(sorted({entry["name"] for entry in found})[:8])
        raise CommandError(
            f"there is no {arguments.name!r} in the attic", f"there are: {names}" if names else "it is empty"
        )
    entry = matching[0]  # the newest of that name
    if len(matching) > 1:
        others = ", ".join(f"{other['operation']} ({_ago(other['removed_at'])} ago)" for other in matching[1:4])
        note(f"the newest of that name comes back; the others: {others}")
    reply = call("undo", operation=entry["operation"], timeout=None)
    if arguments.json:
        dump(reply)
        return 0
    fact(f"{entry['name']} is back in {entry['worktree']} on {entry['branch']}")
    if entry["left_out"]:
        note("not kept, so not back: " + ", ".join(map(inert.line, entry["left_out"][:8])))
    note(f"start its agent again: orchestrator resume {entry['name']}")
    return 0


def _ago(moment: str) -> str:
    return age(since(moment))
