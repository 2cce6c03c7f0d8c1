"""What is worth attention: inbox, next, snooze, prioritise."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, fact, say, table
from orchestrator.inbox.telling import span

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def inbox(arguments: Namespace) -> int:
    """All of it."""
    items = call("inbox")["items"]
    if arguments.json:
        dump(items)
        return 0
    if not items:
        say("Nothing is worth your attention now.")
        return 0
    head = ("", "NAME", "KIND", "FOR", "WHAT", "WHY")
    for text in table(head, [_row(item) for item in items], frozenset({3}), widest=60):
        say(text)
    return 0


def next(arguments: Namespace) -> int:  # noqa: A001 - the command's own name
    """The first one that is not snoozed, with its reasons. 1 when there is none."""
    item = _first(call("inbox")["items"])
    if arguments.json:
        dump(item)
        return 0 if item is not None else 1
    if item is None:
        say("Nothing is worth your attention now.")
        return 1
    fact(f"{', '.join(item['names'])}  {item['kind']}{'  ▲ risky' if item['pinned'] else ''}")
    fact(f"  {item['what']}")
    fact(f"  first because: {', '.join(item['why'])}")
    name = item["names"][0]
    fact(f"  → orchestrator {_step(item)}".replace("NAME", name))
    return 0


def snooze(arguments: Namespace) -> int:
    """Later, for a time or until something changes; or not any more."""
    if arguments.off and arguments.time:
        raise CommandError("--off and a time are two wishes", "give one of them", 2)
    for_s = seconds(arguments.time) if arguments.time else None
    say(call("snooze", session=arguments.name, for_s=for_s, off=arguments.off)["message"])
    return 0


def prioritise(arguments: Namespace) -> int:
    """How much it matters."""
    say(call("prioritise", session=arguments.name, priority=arguments.priority)["message"])
    return 0


def seconds(words: str) -> float:
    """``10m``, ``1h``, ``2d`` in seconds. CommandError says what may stand there."""
    from orchestrator.inbox.ask import LONGEST_SNOOZE_S

    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", words.strip().lower())
    asked = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < asked <= LONGEST_SNOOZE_S:
        raise CommandError(f"{words!r} is no time to snooze", "for example 10m, 1h, 2d; at most 7d", 2)
    return float(asked)


def _first(items: list[dict[str, Any]]) -> dict[str, Any] | None:
    return items[0] if items and not items[0]["snoozed"] else None


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    mark = "z" if item["snoozed"] else "!" if item["pinned"] else "*" if item["blocks"] else ""
    return mark, ", ".join(item["names"]), item["kind"], span(item["age_s"]), item["what"], "; ".join(item["why"])


def _step(item: dict[str, Any]) -> str:
    """The command that acts on it."""
    if item["blocks"]:
        return "show NAME"
    return {"ready": "diff NAME", "conflict": "radar NAME", "failed": "log NAME"}.get(item["kind"], "show NAME")
