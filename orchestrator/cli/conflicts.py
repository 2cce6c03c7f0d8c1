"""Commands for conflicts with the target: conflicts, resolve."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from orchestrator.cli.output import CommandError, ask, call, dump, fact, note, say, session
from orchestrator.cli.trust import with_approval

_SIDES = {"ours": "ours", "theirs": "theirs", "base": "base", "both": "ours, theirs"}
_MARKS = (("ours", "<"), ("base", "|"), ("theirs", ">"))


def conflicts(arguments: Namespace) -> int:
    """What conflicts, for what it is, and the ways out."""
    reply = call("conflicts", timeout=None, session=arguments.name)
    if arguments.json:
        dump(reply)
        return 0
    decided = {one["problem"]: one for one in reply["draft"]}
    offers: dict[str, list[str]] = {}
    for offer in reply["offers"]:
        offers.setdefault(offer["resolution"]["problem"], []).append(offer["by"])
    fact(f"ours is {reply['ours']}, theirs is {reply['theirs']}")
    for problem in reply["problems"]:
        say("")
        fact(f"{problem['path']} {problem['kind']}: {problem['words']}")
        for choice in problem["choices"]:
            fact(f"  {choice['key']:<7} {choice['words']}")
        _hunks(problem, decided.get(problem["id"]))
        if by := offers.get(problem["id"]):
            fact(f"  offered by: {', '.join(dict.fromkeys(by))}")
        if (made := decided.get(problem["id"])) is not None and made["choice"]:
            fact(f"  decided: {made['choice']}")
    for proposal in reply["proposals"]:
        say("")
        checks = f" · checks: {proposal['checks']}" if proposal["checks"] else ""
        fact(f"{proposal['session']}: {proposal['state']}{checks}")
        for path in proposal["also"]:
            fact(f"  changes besides: {path}")
    note(f"decide: orchestrator resolve {reply['session']} --take ours|theirs FILE · or ask an agent: --agent A")
    return 0


def _hunks(problem: dict[str, Any], made: dict[str, Any] | None) -> None:
    picks = (made or {}).get("picks") or []
    number = 0
    for part in problem["parts"]:
        if (hunk := part["hunk"]) is None:
            continue
        pick = picks[number] if number < len(picks) else None
        number += 1
        fact(f"  hunk {number}" + (f", decided: {pick['take']}" if pick is not None else ""))
        for side, mark in _MARKS:
            for line in hunk[side]:
                fact(f"    {mark} {line.rstrip(chr(10))}")


def resolve(arguments: Namespace) -> int:
    """Decide; when nothing is open any more, ask, and give the branch the merge."""
    item = session(arguments.name)
    if arguments.agent is not None:
        return _ask_agent(item, arguments)
    side, *files = arguments.take or (None,)
    if side is not None and side not in _SIDES:
        raise CommandError(f"{side!r} is no side", "take ours (the target), theirs (the session), base or both", 2)
    body: dict[str, Any] = {"session": item["id"], "take": _SIDES[side] if side else None, "files": files}
    proposed: dict[str, str] = {}
    if arguments.offer is not None:
        offered, proposed = _offered(item, arguments.offer)
        body["resolutions"] = offered
    done = call("resolve", timeout=None, **body, keep=True)
    if done["left"] and not (arguments.take or arguments.offer or arguments.keep):
        call("resolve", timeout=None, **body)  # it names what is open
    body = {"session": item["id"], **proposed}
    if not arguments.keep and (not done["left"] or proposed):
        question = f"Merge {item['target']} into {item['branch']} as decided?"
        if not (arguments.yes or arguments.json) and not ask(question):
            note("kept, not accepted")
            return 0
        done = call("resolve", timeout=None, **body)
    if arguments.json:
        dump(done)
        return 0
    fact(done["message"])
    if done["tip"]:
        note(f"land it: orchestrator merge {item['name']} · go back: orchestrator undo")
    elif done["left"]:
        note(f"what is open: orchestrator conflicts {item['name']}")
    return 0


def _offered(item: dict[str, Any], by: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The resolutions of one that offers them, and the whole proposal where an agent made one."""
    reply = call("conflicts", timeout=None, session=item["id"])
    found = [offer["resolution"] for offer in reply["offers"] if offer["by"] == by]
    proposal = next((one for one in reply["proposals"] if one["session"] == by), None)
    if proposal is not None and not proposal["tree"]:
        raise CommandError(f"{by}: {proposal['state']}", f"look at it: orchestrator show {by}")
    if not found and proposal is None:
        names = ", ".join(dict.fromkeys(offer["by"] for offer in reply["offers"])) or "nobody"
        raise CommandError(f"{by} offers nothing here; {names} does", f"orchestrator conflicts {item['name']}")
    return found, {"proposal": proposal["tree"], "work": reply["work"]} if proposal is not None else {}


def _ask_agent(item: dict[str, Any], arguments: Namespace) -> int:
    from orchestrator.cli.run import environment

    if arguments.take or arguments.offer:
        raise CommandError("--agent decides nothing by itself", "leave --take and --offer out", 2)
    body = {"session": item["id"], "agent": arguments.agent, "env": environment()}
    started = with_approval("ask_agent", body, approved=arguments.trust)
    if arguments.json:
        dump(started)
        return 0
    fact(f"{started['names'][0]} works on it")
    note(f"when it is done: orchestrator conflicts {item['name']}")
    return 0
