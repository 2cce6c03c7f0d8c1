"""``orchestrator run``."""

from __future__ import annotations

import os
import sys
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.budget import asked
from orchestrator.cli.output import CommandError, dump, note, say
from orchestrator.cli.trust import with_approval

_WORDS = ("prompt", "name", "agent", "base", "model", "permission_mode", "isolation", "method", "budget")
_TASK = {**dict.fromkeys(_WORDS, str), "count": int}
QUEUED: dict[str, type] = {"after": list, "when": str, "priority": int, "retries": int, "held": bool}
"""What only a queued task may have."""


def run(arguments: Namespace) -> int:
    """Launch one task, or every task of a file. Tasks that were launched stay when a later one is refused."""
    if arguments.variants or arguments.models:
        from orchestrator.cli.variants import run_variants

        if arguments.file:
            raise CommandError("--variants and --models are of one task, not of a file", "name the task", 2)
        return run_variants(arguments, {**task_of(arguments), "env": environment()})
    tasks = from_file(arguments.file, arguments) if arguments.file else [task_of(arguments)]
    if any(QUEUED.keys() & task.keys() for task in tasks):
        keys = ", ".join(sorted({key for task in tasks for key in QUEUED.keys() & task.keys()}))
        raise CommandError(
            f"{arguments.file} says {keys}, which is for the queue", f"orchestrator add --file {arguments.file}", 2
        )
    started: list[str] = []
    queued: list[str] = []
    why = ""
    for task in tasks:
        body = {
            "repository": str(Path(arguments.repo).expanduser().absolute()),
            "env": environment(),
            **{key: value for key, value in task.items() if value is not None},
        }
        try:
            reply = with_approval("run", body, approved=arguments.trust)
        except CommandError as error:
            also = f" ({', '.join(started)} launched before)" if started else ""
            raise CommandError(error.message + also, error.hint, error.code) from error
        for said in reply["notes"]:
            note(said)
        started += reply["names"]
        if not arguments.json:
            for name in reply["names"]:
                say(f"{name}  launched")
        queued += reply["queued"]
        why = reply["reason"] or why
    if arguments.json:
        dump({"names": started, "queued": queued})
        return 0
    for name in queued:
        say(f"{name}  queued")
    if queued:
        note(f"{why}; they start by themselves when there is room: orchestrator queue")
    if started:
        note("watch them: orchestrator   ·   list them: orchestrator ls")
    return 0


def task_of(arguments: Namespace, prompt: str | None = None) -> dict[str, Any]:
    """The task of a command line; ``prompt`` was read already."""
    if arguments.count < 1 or arguments.count > 100:
        raise CommandError(f"-n {arguments.count}: launch between 1 and 100 at once", "", 2)
    words: list[str] = arguments.words
    task: dict[str, Any] = {
        "agent": arguments.agent,
        "base": arguments.base,
        "name": arguments.name,
        "count": arguments.count,
        "model": arguments.model,
        "permission_mode": arguments.permission_mode,
        "isolation": arguments.isolation,
        "method": arguments.method,
        "budget": asked(arguments),
        "now": getattr(arguments, "now", False) or None,
    }
    if prompt is not None:
        return {**task, "prompt": prompt}
    if arguments.agent == "command":
        return {**task, "prompt": arguments.prompt or "", "command": words or None}
    if arguments.prompt is not None:
        words = [arguments.prompt, *words]
    prompt = sys.stdin.read() if words == ["-"] else " ".join(words)
    if not prompt.strip():
        raise CommandError("there is no task", 'give one: orchestrator run "Fix the flaky test"', 2)
    return {**task, "prompt": prompt.rstrip("\n")}


def from_file(name: str, arguments: Namespace) -> list[dict[str, Any]]:
    """The ``[[task]]`` tables of a file ("-": the standard input), all of them checked before the first is launched."""
    path = Path(name)
    try:
        table = tomllib.loads(sys.stdin.read() if name == "-" else path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", "see examples/tasks.toml", 2) from error
    tasks = table.get("task")
    if not isinstance(tasks, list) or not tasks:
        raise CommandError(f"{path} has no [[task]]", "see examples/tasks.toml", 2)
    found = []
    for number, task in enumerate(tasks, 1):
        for key, value in task.items():
            if not isinstance(value, {**_TASK, **QUEUED}.get(key, ())):
                raise CommandError(f"{path}, task {number}: {key} cannot be {value!r}", _allowed(), 2)
        if not str(task.get("prompt", "")).strip():
            raise CommandError(f"{path}, task {number} has no prompt", _allowed(), 2)
        above: dict[str, Any] = {"budget": asked(arguments), "now": getattr(arguments, "now", False) or None}
        above |= {key: getattr(arguments, key) for key in ("agent", "base", "isolation", "method")}
        found.append({**above, **task})
    return found


def _allowed() -> str:
    return "a task may have: " + ", ".join(f"{key} ({kind.__name__})" for key, kind in {**_TASK, **QUEUED}.items())


def environment() -> dict[str, str]:
    """The caller's environment, which the agent gets; bytes that are no text are left out."""
    env = {}
    for name, value in os.environ.items():
        try:
            (name + value).encode("utf-8")
        except UnicodeEncodeError:
            continue
        env[name] = value
    return env
