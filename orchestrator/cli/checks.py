"""``orchestrator checks``: what checks say of a session's work, and running them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, fact, note, say, session, table
from orchestrator.cli.trust import with_approval
from worktrees.inert import line

BAD = ("failed", "timeout", "void", "blocked")


def checks(arguments: Namespace) -> int:
    """Exit code 1 when a check that was run for this, or is known, is not good."""
    item = session(arguments.name)
    if arguments.run:
        _run(item, arguments)
    seen = call("checks", session=item["id"], log=arguments.log, timeout=None)
    if arguments.json:
        dump(seen)
    elif arguments.log is not None:
        say(seen["log"].rstrip("\n") or "it has printed nothing yet")
    else:
        _show(item, seen)
    bad = [check["name"] for check in seen["lines"] if check["state"] in BAD]
    if bad and not arguments.json:
        first = next((name for name in bad if name != arguments.log), bad[0])
        raise CommandError(
            f"not good: {', '.join(bad)}", f"read its output: orchestrator checks {item['name']} --log {line(first)}"
        )
    return 1 if bad else 0


def _run(item: dict[str, Any], arguments: Namespace) -> None:
    """Start them and say how they come out, until all have."""
    from orchestrator import client

    seq = client.request("GET", "/v1/about")[1]["seq"]
    begun = with_approval("checks", {"session": item["id"], "run": True}, approved=arguments.trust)
    told: dict[str, str] = {}
    try:
        for envelope in client.stream(f"/v1/events?after={seq}"):
            event = envelope["event"]
            if envelope["session"] != item["id"] or event["event"] != "checked" or event["tree"] != begun["tree"]:
                continue
            for word in event["words"]:
                if told.get(word["name"]) != word["state"] != "waits" and not arguments.json:
                    note(f"  {line(word['name'])}: {word['state']}" + (f", {line(word['why'])}" if word["why"] else ""))
                told[word["name"]] = word["state"]
            if event["done"]:
                return
    except client.DaemonError as error:
        raise CommandError(error.message, error.hint) from error


def _show(item: dict[str, Any], seen: dict[str, Any]) -> None:
    if not seen["lines"]:
        note("there are no checks; name some: [checks] in .orchestrator.toml")
        return
    rows = [
        (
            check["name"],
            check["state"] or "unknown",
            f"{check['seconds']:.1f}s" if check["at"] else "",
            check["why"] or ("" if check["name"] == check["command"] else check["command"]),
        )
        for check in seen["lines"]
    ]
    for text in table(("CHECK", "STATE", "TOOK", ""), rows, frozenset({2}), widest=80):
        say(text)
    if seen["changes_rules"]:
        fact(f"its branch changes .orchestrator.toml; that of {item['target']}'s side holds")
    if seen["trust"]:
        note("they are the repository's and not approved yet: orchestrator trust")
    elif any(not check["state"] for check in seen["lines"]):
        note(f"run them: orchestrator checks {item['name']} --run")
