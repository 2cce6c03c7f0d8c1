"""``orchestrator plan``: a goal becomes tasks, which the human looks over, edits and launches."""

from __future__ import annotations

import secrets
import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.cli.editing import edited
from orchestrator.cli.output import CommandError, call, dump, fact, note, say
from orchestrator.cli.run import environment
from orchestrator.cli.trust import with_approval
from orchestrator.planner import keeping, tasksfile
from orchestrator.planner.ask import PlanReply, Task
from orchestrator.planner.checking import layers
from worktrees.inert import line

_HEAD = """\
Edit the tasks: names, prompts, agents, order and after, the area at the end of a prompt. Saved and closed, the plan is
looked over again; nothing is launched before you say so."""
_COLUMN = 28


def plan(arguments: Namespace) -> int:
    """Ask a model for a plan, or take one from a file; show it, and do with it what the human says."""
    repository = str(Path(arguments.repo).expanduser().absolute())
    if arguments.out and Path(arguments.out).exists() and not arguments.force:
        raise CommandError(f"{arguments.out} is there already", "name another, or write over it: --force", 2)
    seen = _check(repository, _read(Path(arguments.file))) if arguments.file else _ask(arguments, repository)
    if arguments.json:
        dump(seen.model_dump(mode="json"))
    else:
        _show(seen)
    if arguments.out:
        _write(Path(arguments.out), seen)
        note(f"written to {arguments.out}; launch it: orchestrator plan --file {arguments.out} --yes")
        return 0
    if arguments.yes:
        return _launch(seen, arguments, repository)
    if arguments.json:
        return 0
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return kept(seen)
    return _talk(seen, arguments, repository)


def _ask(arguments: Namespace, repository: str) -> PlanReply:
    words: list[str] = arguments.words
    goal = sys.stdin.read() if words == ["-"] else " ".join(words)
    if not goal.strip():
        raise CommandError("there is no goal", 'give one: orchestrator plan "Export every report as CSV"', 2)
    name = secrets.token_hex(6)
    fields: dict[str, Any] = {"id": name, "repository": repository, "goal": goal, "env": environment()}
    try:
        note("asking a model for a plan; ctrl+c stops it")
        return PlanReply.model_validate(call("plan", timeout=None, model=arguments.model, **fields))
    except KeyboardInterrupt:
        call("stop_plan", id=name)
        raise CommandError("planning was stopped; nothing was made", "", 130) from None


def _check(repository: str, tasks: tuple[Task, ...]) -> PlanReply:
    said = [task.model_dump(mode="json") for task in tasks]
    return PlanReply.model_validate(call("check_plan", repository=repository, tasks=said))


def _read(path: Path) -> tuple[Task, ...]:
    try:
        return tasksfile.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no plan: {error}", "see examples/tasks.toml", 2) from error


def _show(seen: PlanReply) -> None:
    """The tasks in the order in which they may begin, then what is to be known of them."""
    if seen.usage.input or seen.usage.output:
        cost = "no price known" if seen.cost_usd is None else f"${seen.cost_usd:.2f}"
        taken = seen.usage.input + seen.usage.cache_read + seen.usage.cache_write
        fact(f"{seen.model}: {taken} tokens in, {seen.usage.output} out, {cost}, {seen.seconds:.0f} s")
    ordered = [seen.tasks] if seen.problems else _ordered(seen)
    for number, together in enumerate(ordered):
        say("" if seen.problems else f"\n{'first' if number == 0 else 'then'}, {_at_once(len(together))}")
        for task in together:
            _show_task(task, seen.new)
    say("")
    for words in seen.problems:
        fact(f"✗ {words}")
    for words in seen.warnings:
        fact(f"! {words}")
    for words in seen.notes:
        fact(f"· {words}")


def _show_task(task: Task, new: tuple[str, ...]) -> None:
    about = [f"by {line(task.agent)}"] if task.agent else []
    about += [f"after {', '.join(map(line, task.after))}"] if task.after else []
    say(f"  {line(task.name):{_COLUMN}}  {'  '.join(about)}".rstrip())
    first, *rest = task.prompt.split("\n")
    fact(f"    {line(first)[:100]}{' …' if rest or len(first) > 100 else ''}")
    if task.area:
        fact("    in " + ", ".join(line(area) + (" (new)" if area in new else "") for area in task.area))


def _ordered(seen: PlanReply) -> list[tuple[Task, ...]]:
    by_name = {task.name: task for task in seen.tasks}
    return [tuple(by_name[name] for name in layer) for layer in layers(seen.tasks)]


def _at_once(count: int) -> str:
    return "one task" if count == 1 else f"{count} tasks at once"


def _talk(seen: PlanReply, arguments: Namespace, repository: str) -> int:
    """Until the plan is launched or left; what is left is kept in a file."""
    text = _text(seen)
    while True:
        note("[l] launch, [e] edit, [q] quit?")
        word = sys.stdin.readline()
        match word.strip().lower()[:1]:
            case "l" if not seen.problems:
                return _launch(seen, arguments, repository)
            case "l":
                note("it cannot be launched as it is: " + line(seen.problems[0]))
            case "e":
                try:
                    text = edited(text, "tasks.toml", "the plan is as it was")
                    seen = _check(repository, tasksfile.read(text))
                except ValueError as error:
                    note(f"that is no tasks file: {line(str(error))}; e opens it again")
                except CommandError as error:
                    note(error.message)
                else:
                    _show(seen)
            case "q":
                return kept(seen)
            case _ if not word:
                return kept(seen)
            case _:
                continue


def _launch(seen: PlanReply, arguments: Namespace, repository: str) -> int:
    if seen.problems:
        kept(seen)
        raise CommandError(f"the plan cannot be launched: {line(seen.problems[0])}", "mend the file and try again")
    fields = {
        "tasks": [tasksfile.new_task(task, repository).model_dump(mode="json") for task in seen.tasks],
        "env": environment(),
    }
    try:
        reply = with_approval("add_tasks", fields, approved=arguments.trust)
    except CommandError:
        kept(seen)
        raise
    for words in reply["notes"]:
        note(words)
    note(f"queued {', '.join(map(line, reply['names']))}; each starts as soon as a slot is free")
    note("watch them: orchestrator   ·   see what waits and why: orchestrator queue")
    return 0


def kept(seen: PlanReply) -> int:
    """Not launched: it is kept, and a line says how to open it again."""
    try:
        path = keeping.keep(seen)
    except OSError as error:
        raise CommandError(f"the plan cannot be kept: {error.strerror}", "write it elsewhere: --out FILE") from error
    note(f"nothing was launched; the plan is kept: orchestrator plan --file {shlex.quote(str(path))}")
    return 0


def _write(path: Path, seen: PlanReply) -> None:
    try:
        keeping.write(path, seen)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}", "name another: --out FILE") from error


def _text(seen: PlanReply) -> str:
    return tasksfile.write(seen.tasks, _HEAD)
