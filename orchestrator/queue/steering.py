"""What a human does with the queue: look, move, hold, drop, start now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orchestrator.commands import Done, Refused
from orchestrator.fleet import Fleet
from orchestrator.queue import keeping
from orchestrator.queue.ask import Line, QueueHeld, QueueReply, SteerQueue, Task, TaskLeft, TaskQueued
from orchestrator.queue.plan import Plan, ordered
from orchestrator.queue.settings import QueueSettings

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


def listed(fleet: Fleet, found: Plan, settings: QueueSettings) -> QueueReply:
    """Those that run first, then those that wait, in their order, each with its reason."""
    waiting = ordered(fleet.queue)
    places = {task.id: place for place, task in enumerate(waiting, 1)}
    running = [task for task in fleet.queue.tasks if task.id not in places]
    lines = []
    for task in (*running, *waiting):
        why = found.waits.get(task.id)
        row = fleet.rows.get(task.session) if task.session is not None else None
        lines.append(
            Line(
                task=task,
                place=places.get(task.id, 0),
                why=why.words if why is not None else "starts now" if task.id in places else "",
                blocked=why.blocked if why is not None else False,
                session_state=row.state.value if row is not None else "",
            )
        )
    return QueueReply(lines=tuple(lines), held=fleet.queue.held, used=found.used, slots=settings.slots)


async def steer(supervisor: Supervisor, command: SteerQueue) -> Done:
    """Carry it out. Raises Refused with the next step, LedgerError when it cannot be written down."""
    if command.do in ("hold", "release") and not command.task:
        held = command.do == "hold"
        supervisor.intend(None, QueueHeld(held=held))
        supervisor.queue.moved()
        return Done(
            message="nothing starts by itself until: orchestrator queue release" if held else "the queue goes on"
        )
    task = _named(supervisor.fleet, command.task)
    said = await _one(supervisor, task, command)
    supervisor.queue.moved()
    return Done(message=said)


async def _one(supervisor: Supervisor, task: Task, command: SteerQueue) -> str:
    if task.state in ("starts", "runs"):
        raise Refused(f"{task.name} has started", f"it is a session now: orchestrator show {task.name}")
    match command.do:
        case "drop":
            supervisor.intend(None, TaskLeft(task=task.id, how="dropped"))
            await asyncio.to_thread(keeping.forget, task.id)
            behind = [one.name for one in supervisor.fleet.queue.tasks if task.name in one.gone]
            left = f"; {', '.join(behind)} came after it and will not start by itself" if behind else ""
            return f"{task.name} is dropped" + left
        case "hold":
            return _put(supervisor, task.model_copy(update={"held": True}), f"{task.name} is held")
        case "release":
            after = tuple(name for name in task.after if name not in task.gone)
            update = {"held": False, "gone": (), "after": after, "over": False, "trouble": "", "not_before": None}
            tries = {"tries": 0, "state": "retries" if task.session is not None else "waits"}
            return _put(supervisor, task.model_copy(update={**update, **tries}), f"{task.name} waits for its turn")
        case "start":
            update = {"now": True, "held": False, "over": False, "not_before": None}
            return _put(supervisor, task.model_copy(update=update), f"{task.name} starts as soon as it can")
        case "priority":
            update = {"priority": command.priority or 0}
            return _put(supervisor, task.model_copy(update=update), f"{task.name} has priority {command.priority or 0}")
        case "edit":
            if not command.text.strip():
                raise Refused("a task needs a prompt", "write what the agent should do, or drop it")
            return _put(supervisor, task.model_copy(update={"prompt": command.text}), f"{task.name} has a new prompt")
        case "move":
            return _move(supervisor, task, command.place if command.place is not None else 0)


def _put(supervisor: Supervisor, task: Task, said: str, place: int | None = None) -> str:
    supervisor.intend(None, TaskQueued(task=task, place=place))
    return said


def _move(supervisor: Supervisor, task: Task, place: int) -> str:
    """To a place among those that wait; it takes the priority of those it comes between."""
    others = [one for one in ordered(supervisor.fleet.queue) if one.id != task.id]
    at = len(others) if place <= 0 else min(place - 1, len(others))
    beside = others[max(0, at - 1) : at + 1]
    if beside and not min(one.priority for one in beside) <= task.priority <= max(one.priority for one in beside):
        task = task.model_copy(update={"priority": beside[0].priority if at else beside[-1].priority})
    tasks = [one for one in supervisor.fleet.queue.tasks if one.id != task.id]
    where = tasks.index(others[at]) if at < len(others) else len(tasks)
    _put(supervisor, task, "", where)
    now = [one.id for one in ordered(supervisor.fleet.queue)].index(task.id) + 1
    return f"{task.name} is at place {now} of {len(others) + 1}"


def _named(fleet: Fleet, name: str) -> Task:
    task = fleet.queue.named(name)
    if task is None:
        row = fleet.named(name)
        if row is not None:
            raise Refused(f"{name} is a session, not a task that waits", f"orchestrator show {name}")
        names = ", ".join(one.name for one in fleet.queue.waiting[:8])
        raise Refused(f"no task {name!r}", f"there wait: {names}" if names else 'queue one: orchestrator add "…"')
    return task
