"""Which module carries a command out, and the few steps that need no module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import (
    conflicts,
    landing,
    launches,
    operations,
    pushing,
    queries,
    radar,
    resuming,
    timemachine,
    trust,
)
from orchestrator.commands import Command, Done, Refused
from orchestrator.events import Paused, Seen
from orchestrator.review import service as review
from orchestrator.variants import service as variants

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

WITHOUT_LEDGER = frozenset(
    {
        *("see", "send", "answer", "press", "interrupt", "stop", "pause", "attach", "down"),
        *("diff", "why", "transcript", "log", "last_screen", "preview_merge", "preview_remove", "snapshots", "compare"),
        *("snapshot", "ops", "attic", "preview_undo", "radar", "clash", "check_output", "review", "blob"),
        *("stats", "attend", "ring", "conflicts", "budget", "inbox"),
        *("trains", "preview_train", "queue", "stop_plan", "check_plan"),
        *("compare_variants", "diff_variants"),
    }
)
"""What is done even when the ledger cannot be used: looking, and steering an agent that runs."""


async def carry_out(supervisor: Supervisor, command: Command) -> BaseModel:
    """Give ``command`` to the one who does it."""
    match command.verb:
        case "run":
            return await launches.call(supervisor, command)
        case "resume" | "resume_all":
            return await resuming.call(supervisor, command)
        case "merge" | "draft" | "preview_merge" | "remove" | "preview_remove" | "update":
            return await landing.call(supervisor, command)
        case "push" | "pull_request":
            return await pushing.call(supervisor, command)
        case "trust":
            return await trust.call(supervisor, command)
        case "ops" | "attic" | "preview_undo" | "undo":
            return await operations.call(supervisor, command)
        case "snapshots" | "snapshot" | "compare" | "restore":
            return await timemachine.call(supervisor, command)
        case "diff" | "why" | "transcript" | "log" | "attach" | "last_screen":
            return await queries.call(supervisor, command)
        case "radar" | "clash":
            return await radar.call(supervisor, command)
        case "stats" | "attend" | "throughput" | "import_usage":
            return await supervisor.time.call(command)
        case "conflicts" | "resolve" | "ask_agent":
            return await conflicts.call(supervisor, command)
        case "checks" | "check_output":
            return await supervisor.checks.call(command)
        case "review" | "mark_reviewed" | "comment" | "send_comments" | "blob":
            return await review.call(supervisor, command)
        case "preview_train" | "start_train" | "trains" | "steer_train":
            return await supervisor.trains.call(command)
        case "budget" | "allow":
            return await supervisor.budgets.call(command)
        case "inbox" | "prioritise" | "snooze":
            return await supervisor.inbox.call(command)
        case "ring":
            return await supervisor.notify.call(command)
        case "plan" | "stop_plan" | "check_plan":
            return await supervisor.planner.call(command)
        case "add_tasks" | "queue" | "steer_queue":
            return await supervisor.queue.call(command)
        case "run_variants" | "compare_variants" | "diff_variants" | "pick":
            return await variants.call(supervisor, command)
        case "down":
            return await resuming.down(supervisor, command)
        case _:
            return await _steer(supervisor, command)


async def _steer(supervisor: Supervisor, command: Command) -> BaseModel:
    row = supervisor.row(getattr(command, "session", ""))
    if command.verb in ("send", "interrupt", "press"):
        supervisor.budgets.refuse(row, command.verb)
    match command.verb:
        case "see":
            if row.id in supervisor.live:
                supervisor.live[row.id].perception.seen()
            if row.status.state.value == "done":
                supervisor.emit(row.id, Seen())
        case "send":
            await supervisor.git.begins(row)
            async with supervisor.parking.told(row):
                await supervisor.session(row).talk.send(command.text)
            return Done(message=f"sent to {row.name}")
        case "answer" if row.held or (command.question or "").startswith("budget "):
            return await supervisor.budgets.answer(row, command)
        case "answer":
            await supervisor.session(row).talk.answer(command.choice, command.text, command.question)
            return Done(message=f"answered {row.name}")
        case "press":
            await supervisor.session(row).talk.press(command.keys, command.literal)
        case "interrupt":
            await supervisor.session(row).talk.interrupt()
            return Done(message=f"interrupted {row.name}")
        case "stop":
            return await resuming.stop(supervisor, row)
        case "pause":
            live = supervisor.session(row)
            if not row.held:  # it does not go on before the question about its cap is answered
                live.hold(command.paused)
            supervisor.emit(row.id, Paused(paused=command.paused))
            return Done(message=f"{row.name} is {'held' if command.paused else 'released'}")
        case other:
            raise Refused(f"{other} is not a command", "")
    return Done()
