"""``orchestrator run --variants``, ``compare`` and ``pick``."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.look import age
from orchestrator.cli.output import CommandError, ask, call, dump, exact, fact, note, say, table
from orchestrator.cli.trust import with_approval
from worktrees.inert import line

_RIGHT = frozenset({3, 4, 5, 7, 8, 9})


def run_variants(arguments: Namespace, task: dict[str, Any]) -> int:
    """Launch one session a variant; ``task`` is what ``run`` makes of its command line."""
    from orchestrator.variants import naming

    if arguments.variants and arguments.models:
        raise CommandError("--variants and --models are two ways to say it", "models go behind a colon: claude:opus", 2)
    if task["count"] != 1 or task.get("command"):
        raise CommandError("variants are of one task", 'orchestrator run --variants A,B "task"', 2)
    if (arguments.variants and task["agent"]) or task["model"]:
        raise CommandError("--agent or --model contradicts the variants", "say them there: claude:opus,codex", 2)
    try:
        found = (
            naming.parse(arguments.variants) if arguments.variants else naming.models(arguments.models, task["agent"])
        )
    except ValueError as error:
        raise CommandError(
            f"variants: {error}", "two or more with commas: claude,codex or claude:opus,claude:sonnet", 2
        ) from error
    left_out = ("agent", "model", "count", "command")
    body = {key: value for key, value in task.items() if key not in left_out and value is not None}
    body |= {
        "variants": [one.model_dump() for one in found],
        "repository": str(Path(arguments.repo).expanduser().absolute()),
    }
    reply = with_approval("run_variants", body, approved=arguments.trust)
    if arguments.json:
        dump(reply)
        return 0
    for words in reply["notes"]:
        note(words)
    for name in reply["names"]:
        say(f"{name}  launched")
    for name in reply["waiting"]:
        say(f"{name}  waits: {reply['reason']}")
    note(f"hold them side by side: orchestrator compare {line(reply['group'])}")
    return 0


def compare(arguments: Namespace) -> int:
    """The variants of a group side by side, or what differs between two of them."""
    if arguments.diff:
        one, other = arguments.diff
        return _diff(one, other, arguments)
    seen = call("compare_variants", group=arguments.group)
    if arguments.json:
        dump(seen)
        return 0
    fact(f"{line(seen['group'])} → {line(seen['target'])}: {line(seen['prompt'])[:100]}")
    head = ("VARIANT", "BY", "STATE", "FILES", "+", "−", "CHECKS", "TOKENS", "COST", "TIME", "CONFLICTS")
    for shown in table(head, [_row(one) for one in seen["variants"]], _RIGHT, widest=60):
        say(shown)
    note("what differs: compare GROUP --diff ONE OTHER   ·   keep one: orchestrator pick NAME")
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    model = f":{line(one['model'])}" if one["model"] else ""
    checks = one["checks"] + (f" ({', '.join(map(line, one['failed'][:2]))})" if one["failed"] else "")
    state = "landed" if one["landed"] else one["state"]
    files = f"{one['files']}*" if one["uncommitted"] else str(one["files"])
    cost = "" if one["cost_usd"] is None else f"${one['cost_usd']:.2f}"
    usage = one["usage"]
    tokens = usage["input"] + usage["output"] + usage["cache_read"] + usage["cache_write"]
    conflicts = f"{len(one['conflicts'])} with the target" if one["conflicts"] else ""
    counts = (files, str(one["added"]), str(one["removed"]))
    figures = (str(tokens), cost, age(one["seconds"]))
    return (one["name"], f"{line(one['agent'])}{model}", state, *counts, checks, *figures, conflicts)


def _diff(one: str, other: str, arguments: Namespace) -> int:
    seen = call("diff_variants", one=one, other=other)
    if arguments.json:
        dump(seen)
    elif sys.stdout.isatty():
        say(seen["patch"] or f"{line(one)} and {line(other)} hold the same")
    else:
        exact(seen["patch"])
    return 0


def pick(arguments: Namespace) -> int:
    """Keep one variant; the others go to the attic, after a question that names them."""
    seen = call("pick", session=arguments.name, dry_run=True)
    names = [one["name"] for one in seen["going"]]
    if not arguments.yes:
        for one in seen["going"]:
            work = [f"{one['uncommitted']} uncommitted"] if one["uncommitted"] else []
            work += [f"{one['unmerged']} commits that did not land"] if one["unmerged"] else []
            work += ["its program is ended"] if one["running"] else []
            note(f"  {line(one['name'])}  {one['state']}  {', '.join(work)}".rstrip())
        if not ask(f"Keep {line(seen['kept'])} and put these {len(names)} into the attic, with all of their work?"):
            raise CommandError(
                "nothing was picked", f"without a question: orchestrator pick {line(arguments.name)} --yes"
            )
    done = call("pick", session=arguments.name, timeout=None)
    if arguments.json:
        dump(done)
    else:
        for one in done["going"]:
            say(f"{one['name']}  in the attic; it comes back with: orchestrator attic restore {line(one['name'])}")
        say(f"{done['kept']}  kept")
    if done["failed"]:
        name, why = next(iter(done["failed"].items()))
        raise CommandError(f"{line(name)} stays: {why}", f"try again: orchestrator pick {line(arguments.name)}")
    return 0
