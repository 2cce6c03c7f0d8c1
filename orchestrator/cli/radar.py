"""``orchestrator radar``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, fact, note, say, table
from worktrees.inert import line

TARGET = "its target"


def radar(arguments: Namespace) -> int:
    """Which works would conflict, and in which order to land them; of one session, the hunks."""
    if arguments.message and arguments.name is None:
        raise CommandError("--message is for one session", "name it: orchestrator radar NAME --message", 2)
    if arguments.name is not None:
        return _clash(arguments)
    repository = str(Path(arguments.repo).expanduser().absolute()) if arguments.repo is not None else None
    sights: list[dict[str, Any]] = call("radar", repository=repository)["sights"]
    if arguments.json:
        dump(sights)
        return 0
    sights = [sight for sight in sights if sight["order"]]
    if not sights:
        say("No session has work that did not land.")
    for n, sight in enumerate(sights):
        if n:
            say("")
        _sight(sight)
    return 0


def _sight(sight: dict[str, Any]) -> None:
    names = {turn["session"]: turn["name"] for turn in sight["order"]}
    fact(sight["repository"])
    rows = []
    for cell in sight["cells"]:
        said = f"git cannot say: {cell['error']}" if cell["error"] else ""
        if cell["conflicts"]:
            paths = [f"{conflict['path']} ({conflict['kind']})" for conflict in cell["conflicts"]]
            said = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        if said:
            rows.append((names[cell["one"]], names.get(cell["other"], TARGET), said))
    if rows:
        for shown in table(("SESSION", "CONFLICTS WITH", "IN"), rows, widest=80):
            say("  " + shown)
    else:
        say("  No conflicts.")
    touching = [cell for cell in sight["cells"] if cell["shared"] and not cell["conflicts"] and not cell["error"]]
    if touching:
        say(f"  {len(touching)} more pairs change files in common and merge cleanly.")
    say("\n  Land them in this order:")
    for n, turn in enumerate(sight["order"], 1):
        fact(f"  {n:>3}  {line(turn['name'])}: {line(turn['why'])}")
    if sight["pending"]:
        note(f"not looked at yet: {', '.join(sight['pending'])}")


def _clash(arguments: Namespace) -> int:
    if arguments.repo is not None:
        raise CommandError("--repo names no session", "give either a repository or a session", 2)
    reply = call("clash", session=arguments.name, other=arguments.other or "")
    if arguments.json:
        dump(reply)
        return 0
    if arguments.message and not arguments.json:
        if not reply["to_one"]:
            raise CommandError(f"{reply['one']} and {reply['other']} merge cleanly", "there is nothing to tell")
        say(reply["to_one"])
        return 0
    if not reply["clashes"]:
        say(f"{reply['one']} and {reply['other']} merge cleanly.")
        return 0
    for clash in reply["clashes"]:
        fact(f"{clash['conflict']['path']}  {clash['conflict']['kind']}")
        for name, side in ((reply["one"], clash["one"]), (reply["other"], clash["other"])):
            fact(f"  {name}:")
            for change in side:
                if change["old_path"]:
                    fact(f"    renamed from {change['old_path']} to {change['path']}")
                if change["binary"]:
                    say("    a binary file")
                for hunk in change["hunks"]:
                    fact(f"    @@ -{hunk['old_start']} +{hunk['new_start']} @@ {hunk['header']}")
                    for row in hunk["lines"]:
                        fact(f"    {row['sign']}{row['text']}")
            if not side:
                say("    nothing that could be shown by lines")
        say("")
    name, other = reply["one"], f" {reply['other']}" if arguments.other else ""
    note(f"tell it: orchestrator radar {name}{other} --message | orchestrator send {name} -")
    return 0
