"""``orchestrator add`` and ``orchestrator queue``."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, note, say, table
from orchestrator.cli.run import environment, from_file, task_of
from orchestrator.cli.trust import with_approval
from orchestrator.queue.pasting import pasted

_OWN = ("after", "when", "priority", "retries", "held")


def add(arguments: Namespace) -> int:
    """Queue a task, every task of a file, or a pasted list."""
    if arguments.file:
        tasks = from_file(arguments.file, arguments)
    elif arguments.words == ["-"] and not arguments.whole:
        tasks = [{**task_of(arguments, prompt), "name": None} for prompt in pasted(sys.stdin.read())]
        if not tasks:
            raise CommandError("there is no task on the standard input", "one task a line", 2)
    else:
        tasks = [task_of(arguments)]
    repository = str(Path(arguments.repo).expanduser().absolute())
    own = {name: value for name in _OWN if (value := getattr(arguments, name)) not in (None, [], False)}
    body = {
        "env": environment(),
        "tasks": [
            {"repository": repository, **own, **{key: value for key, value in task.items() if value is not None}}
            for task in tasks
        ],
    }
    reply = with_approval("add_tasks", body, approved=arguments.trust)
    for said in reply["notes"]:
        note(said)
    if arguments.json:
        dump({"names": reply["names"]})
        return 0
    for name in reply["names"]:
        say(f"{name}  queued")
    note("what waits, and why: orchestrator queue")
    return 0


def queue(arguments: Namespace) -> int:
    """Show the queue, or steer it."""
    do, name = arguments.do, arguments.name
    if do == "show":
        return _show(as_json=arguments.json)
    if name is None and do not in ("hold", "release"):
        raise CommandError(f"queue {do} wants the task's NAME", "see: orchestrator queue", 2)
    body: dict[str, Any] = {"do": do, "task": name or ""}
    if do == "move":
        if arguments.priority is not None and arguments.place is None:
            body = {**body, "do": "priority", "priority": arguments.priority}
        else:
            body["place"] = _place(arguments.place)
    elif do == "priority":
        if arguments.place is None or not re.fullmatch(r"-?\d{1,6}", arguments.place):
            raise CommandError("queue priority wants a NAME and a number", "orchestrator queue priority NAME 5", 2)
        body["priority"] = int(arguments.place)
    elif do == "edit":
        from orchestrator.cli.editing import edited

        task = _task(name)
        body["text"] = edited(task["prompt"])
    reply = call("steer_queue", **body)
    if arguments.json:
        dump(reply)
    else:
        say(reply["message"])
    return 0


def _task(name: str) -> dict[str, Any]:
    for entry in call("queue")["lines"]:
        task: dict[str, Any] = entry["task"]
        if name in (task["name"], task["id"]):
            return task
    raise CommandError(f"no task {name!r}", "see: orchestrator queue")


def _place(place: str | None) -> int:
    if place in ("first", "last"):
        return 1 if place == "first" else 0
    if place is None or not place.isdigit():
        raise CommandError("queue move wants a NAME and a place", "first, last or a number, from 1", 2)
    return max(1, int(place))


def _show(*, as_json: bool) -> int:
    said = call("queue")
    if as_json:
        dump(said)
        return 0
    if not said["lines"]:
        say('Nothing waits. Queue a task: orchestrator add "your task"')
        return 0
    rows = []
    for entry in said["lines"]:
        task = entry["task"]
        place = str(entry["place"]) if entry["place"] else "·"
        why = entry["why"] or entry["session_state"] or task["state"]
        tries = f"try {task['tries']} of {task['retries'] + 1}: " if task["tries"] > 1 else ""
        cells = (place, task["name"], task["agent"], Path(task["repository"]).name, str(task["priority"]))
        rows.append((*cells, tries + why))
    for shown in table(("", "NAME", "AGENT", "REPO", "PRIO", "WHY IT WAITS"), rows, frozenset({0, 4}), widest=80):
        say(shown)
    slots = f"{said['used']} of {said['slots']} slots are taken" if said["slots"] is not None else ""
    note(slots + ("   ·   the queue is held: orchestrator queue release" if said["held"] else ""))
    return 0
