"""Commands that only look: ls, show, diff, log, wait."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from contextlib import suppress
from typing import Any

from orchestrator.amounts import count, number
from orchestrator.cli.output import CommandError, call, dump, exact, fetch, note, say, session, sessions, table
from worktrees.inert import block, line

STATES = (
    *("starting", "working", "background", "blocked", "done", "idle", "rate_limited", "retrying"),
    *("failed", "exited", "crashed", "lost", "paused", "unknown"),
)
QUESTION_S = 1.0
"""For how long ``wait`` lets the question of a blocked session come after its state."""
_FIRST = {state: n for n, state in enumerate(("blocked", "failed", "crashed", "lost", "rate_limited"))}


def ls(arguments: Namespace) -> int:
    """The sessions; those that wait for a human first, longest first."""
    answer = fetch("/v1/fleet?json=ls")
    found: list[dict[str, Any]] = answer["sessions"]
    if answer["read_only"]:
        note(f"read-only: {line(answer['read_only'])}\n")
    found.sort(key=lambda item: (_FIRST.get(item["state"], 9), item["since"]))
    if arguments.json:
        dump(found)
        return 0
    if not found:
        say('No sessions yet. Start one: orchestrator run "your task"')
        return 0
    head = ("NAME", "AGENT", "STATE", "FOR", "TOK/S", "TOKENS", "COST", "+", "-", "WAITS FOR")
    for shown in table(head, [_row(item) for item in found], frozenset({3, 4, 5, 6, 7, 8}), widest=60):
        say(shown)
    return 0


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    question = item["question"]
    tokens = item["tokens"]
    cost = item["cost_usd"]
    state = item["state"] + (f" {item['kind']}" if item["kind"] else "")
    waits = (question["title"] or question["text"]) if question else item["launch_failure"] or item["merge_failure"]
    if not waits and item["state"] in ("lost", "crashed"):
        waits = f"orchestrator resume {item['name']}"
    if item["parked_until"]:
        waits = f"parked until {_time(item['parked_until'])}"
    if not waits and item["resolves"]:
        waits = "proposes how conflicts are resolved"
    if not waits and item["stacked_on"] and not item["landed"]:
        waits = f"stacked on {item['stacked_on']}"
    if not waits and (others := [*([item["target"]] if item["conflicts"] else []), *_rivals(item)]):
        waits = f"conflicts with {', '.join(others)}: orchestrator radar"
    rate = item["tokens_per_second"]
    return (
        item["name"],
        item["agent"] + _seal(item),
        state,
        age(since(item["since"])),
        f"{rate:.0f}" if rate else "",
        count(sum(tokens.values())) if any(tokens.values()) else "",
        f"${cost:.2f}" if cost is not None else "",
        str(item["diff"]["added"] or ""),
        str(item["diff"]["removed"] or ""),
        waits or "",
    )


def _rivals(item: dict[str, Any]) -> list[str]:
    return [rival["name"] for rival in item["rivals"]]


def _seal(item: dict[str, Any]) -> str:
    """How the session is sealed: in a box, or as a clone alone."""
    return "" if item["isolation"] != "sealed" else " sealed" if item["boxed"] else " clone"


def show(arguments: Namespace) -> int:
    """One session in full."""
    item = session(arguments.name)
    if arguments.json:
        dump(item)
        return 0
    kind = f" ({item['kind']})" if item["kind"] else ""
    tokens, diff = item["tokens"], item["diff"]
    known = {
        "state": f"{item['state']}{kind} for {age(since(item['since']))}",
        "why": item["why"],
        "agent": " ".join(filter(None, (item["agent"], item["agent_version"], item["model"]))),
        "sealed": {"": "", " sealed": "a clone of its own, in a box", " clone": "a clone of its own, without a box"}[
            _seal(item)
        ],
        "task": line(item["prompt"])[:200],
        "branch": f"{item['branch']} from {item['base']}, lands on {item['target']}",
        "stacked": _stacked(item),
        "drift": f"{item['ahead']} commits ahead, {item['behind']} behind",
        "worktree": item["worktree"],
        "strayed": f"{item['strayed']}: orchestrator restore {item['name']} --dry-run" if item["strayed"] else "",
        "changes": f"{number(diff['files'], 'file')}, +{diff['added']} -{diff['removed']}, "
        f"{item['uncommitted']} uncommitted",
        "conflicts": ", ".join(item["conflicts"]),
        "outdated": f"{item['target']} changed what it read: {', '.join(item['outdated'][:5])}"
        if item["outdated"]
        else "",
        "rivals": "; ".join(f"{rival['name']} in {', '.join(rival['paths'][:5])}" for rival in item["rivals"]),
        "tokens": f"{tokens['input']} in, {tokens['output']} out, {tokens['cache_read']} read from and "
        f"{tokens['cache_write']} written to the cache",
        "cost": f"${item['cost_usd']:.4f}" if item["cost_usd"] is not None else "",
        "said": line(item["said"])[:400],
        "merge": item["merging"]
        or item["merge_failure"]
        or (f"landed as {item['landed'][:10]}" if item["landed"] else ""),
        "request": item["pull_request"] or "",
        "launch": item["launch_failure"] or "",
        "recovered": f"started again {age(since(item['recovered']))} ago, after it was lost or had crashed"
        if item["recovered"]
        else "",
        "parked": _parked(item),
    }
    for key, value in known.items():
        if value:
            say(f"{key:>10}  {line(value)}")
    if item["question"]:
        _question(item)
    if item["state"] in ("lost", "crashed", "failed", "exited"):
        _last_screen(item)
    return 0


def _stacked(item: dict[str, Any]) -> str:
    """The session that it is stacked on, and whether that landed."""
    if item["stacked_on"] is None:
        return ""
    lower = next((other for other in sessions() if other["name"] == item["stacked_on"]), None)
    landed = lower is None or lower["landed"]
    return f"on {item['stacked_on']}" + (", which is on the target" if landed else ", which has not landed")


def _last_screen(item: dict[str, Any]) -> None:
    """What its pane showed before it ended, and what to do."""
    shown = call("last_screen", session=item["id"])
    if shown["lines"]:
        say(f"\nits last screen, {age(since(shown['at']))} ago:")
        for text in shown["lines"][-40:]:
            say(f"    {block(text)}")
    if item["state"] != "exited":
        note(f"\nstart it again: orchestrator resume {item['name']}")


def _parked(item: dict[str, Any]) -> str:
    """Until when it waits for a limit, or why ``resume --all`` leaves it alone."""
    if item["parked_until"]:
        return f"until {_time(item['parked_until'])}: its rate limit; then it goes on by itself"
    if item["stopped"] == "you":
        return "you stopped it: resume --all leaves it alone"
    return "you hold it: resume --all leaves it alone" if item["paused"] and item["state"] != "paused" else ""


def _time(text: str) -> str:
    from datetime import UTC, datetime

    from orchestrator.budgets.clock import clock

    return clock(datetime.fromisoformat(text), datetime.now(UTC))


def _question(item: dict[str, Any]) -> None:
    question = item["question"]
    say(f"\n  {line(question['title'])}")
    for key in ("command", "path"):
        if question[key] and question[key] not in (question["text"], question["title"]):
            say(f"\n{key:>10}  " + block(question[key]).replace("\n", "\n" + " " * 12))
    if question["text"] and question["text"] != question["title"]:
        say("")
        for words in block(question["text"]).splitlines():
            say(f"    {words}")
    say("")
    if question["risk"]:
        say(f"      risk  {risk(question)}\n")
    for option in question["options"]:
        detail = f": {line(option['detail'])}" if option["detail"] else ""
        say(f"   {line(option['key']):>3}  {line(option['label'])}{detail}")
    words = ' or --text "…"' if question["free_text"] else ""
    choice = "CHOICE,CHOICE…" if question["multiple"] else "CHOICE"
    note(f"\nanswer it: orchestrator answer {item['name']} {choice}{words}")
    if question["same"]:
        note(f"{len(question['same'])} more ask the same: orchestrator answer --same {item['name']} {choice}")


def risk(question: dict[str, Any]) -> str:
    """The risk of a question, and what decided it."""
    from sessions.commandline.effect import WORDS, Risk

    because = f" — {line(question['risk_because'])}" if question["risk_because"] else ""
    return WORDS[Risk(question["risk"])] + because


def diff(arguments: Namespace) -> int:
    """The patch, or its counts."""
    if arguments.turn or arguments.old or arguments.new:
        from orchestrator.cli.history import compare

        said = compare(arguments)
    else:
        said = call("diff", session=arguments.name)
    if arguments.json:
        dump(said)
    elif arguments.stat:
        rows = [
            (change["kind"], str(change["added"] or 0), str(change["removed"] or 0), change["path"])
            for change in said["changes"]
        ]
        for shown in table(("", "+", "-", "FILE"), rows, frozenset({1, 2})):
            say(shown)
    elif said["patch"]:
        _patch(said["patch"])
    else:
        note(f"{arguments.name} changed nothing against {said['base']}")
    return 0


def _patch(patch: str) -> None:
    """With colours on a terminal; piped, as git says it, for ``git apply`` and pagers."""
    if not sys.stdout.isatty():
        exact(patch)
        return
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m", "d": "\x1b[1m"}
    for text in patch.removesuffix("\n").split("\n"):
        say(text, colours.get(text[:1], ""))


def log(arguments: Namespace) -> int:
    """What the ledger says, and with --follow what it says from now on."""
    said = call("log", session=arguments.name)
    if arguments.json:
        dump(said)
        return 0
    for told in said["lines"]:
        say(told)
    if not arguments.follow:
        return 0
    about = session(arguments.name)
    sys.stdout.flush()
    for envelope in _events(said["seq"], None):
        if envelope["session"] == about["id"]:
            said = call("log", session=arguments.name, after=said["seq"])
            for told in said["lines"]:
                say(told)
            sys.stdout.flush()
    return 0


def wait(arguments: Namespace) -> int:
    """Wait by events, never by asking again and again."""
    states = {state.strip() for state in arguments.states.split(",") if state.strip()}
    if unknown := states.difference(STATES):
        raise CommandError(f"there is no state {', '.join(sorted(unknown))}", "there are: " + ", ".join(STATES), 2)
    until = time.monotonic() + arguments.timeout if arguments.timeout is not None else None
    answer = fetch("/v1/fleet?json=ls")
    item = session(arguments.name)
    seq: int = answer["seq"]
    if item["state"] not in states:
        for envelope in _events(seq, until):
            if envelope["session"] != item["id"]:
                continue
            item = session(item["id"])
            if item["state"] in states:
                break
        else:
            raise CommandError(
                f"{item['name']} is {item['state']}, not {' or '.join(sorted(states))}, after {arguments.timeout:g} s",
                f"orchestrator why {arguments.name}",
            )
    if item["state"] == "blocked" and item["question"] is None:
        item = _with_question(item, seq)
    if arguments.json:
        dump(item)
    else:
        say(item["state"])
    return 0


def _with_question(item: dict[str, Any], seq: int) -> dict[str, Any]:
    """What it asks may be known a moment after it is known to ask; a dialog about the program may have no words."""
    with suppress(CommandError):
        for envelope in _events(seq, time.monotonic() + QUESTION_S):
            if envelope["session"] == item["id"]:
                now = session(item["id"])
                if now["state"] != "blocked" or now["question"] is not None:
                    return now if now["state"] == "blocked" else item
    return item


def _events(after: int, until: float | None) -> Any:
    from orchestrator import client

    try:
        yield from client.stream(f"/v1/events?after={after}", until)
    except client.DaemonError as error:
        raise CommandError(error.message, error.hint) from error


def age(seconds: float) -> str:
    """Seconds as people say it: 42s, 7m, 3h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size or (unit != "m" and seconds >= size):
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def since(moment: str) -> float:
    from datetime import UTC, datetime

    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
