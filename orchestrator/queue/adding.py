"""From words to tasks in the queue: everything that can be refused is refused before the first of them is written."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import launches
from orchestrator.commands import Isolation, Refused, Run
from orchestrator.config import Settings
from orchestrator.queue import keeping
from orchestrator.queue.ask import AddTasks, NewTask, Queue, Task, TaskQueued, TasksReply
from orchestrator.queue.plan import cycles
from sessions.errors import SessionError
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from orchestrator.launches import Ready
    from orchestrator.supervisor import Supervisor


def run_of(task: NewTask | Task, env: dict[str, str], trust: str | None) -> Run:
    """The launch that a task stands for."""
    return Run(
        repository=task.repository,
        prompt=task.prompt,
        agent=task.agent,
        base=task.base,
        name=task.name,
        count=task.count if isinstance(task, NewTask) else 1,
        model=task.model,
        permission_mode=task.permission_mode,
        isolation=Isolation(task.isolation) if task.isolation else None,
        method=task.method,
        command=task.command,
        budget=task.budget,
        group=task.group,
        now=isinstance(task, Task),  # what is against a start was asked when its turn came
        env=env,
        trust=trust,
    )


async def add(supervisor: Supervisor, command: AddTasks) -> TasksReply:
    """Queue all of the tasks, or none. Raises Refused, SessionError and WorktreeError."""
    if not command.tasks:
        raise Refused("there is no task", 'give one: orchestrator add "Fix the flaky test"')
    fleet = supervisor.fleet
    known = {row.name for row in fleet} | {task.name for task in fleet.queue.tasks}
    made: list[Task] = []
    notes: list[str] = []
    async with supervisor.admission.turn():
        for number, new in enumerate(command.tasks, 1):
            try:
                made += await _made(supervisor, command, new, made)
            except (Refused, SessionError, WorktreeError) as error:
                which = f"task {number}: " if len(command.tasks) > 1 else ""
                raise Refused(which + error.message, error.hint, getattr(error, "trust", None)) from error
        names = known | {task.name for task in made}
        for task in made:
            for name in task.after:
                if name not in names:
                    raise Refused(
                        f"{task.name} comes after {name}, which is neither a session nor a task",
                        "name one that is there (orchestrator queue), or that is added with it",
                    )
        _acyclic(Queue(tasks=(*fleet.queue.tasks, *made)), made)
        for task in made:
            await asyncio.to_thread(keeping.write, task.id, command.env, command.trust)
        for task in made:
            supervisor.intend(None, TaskQueued(task=task))
    supervisor.queue.moved()
    if fleet.queue.held:
        notes.append("the queue is held: orchestrator queue release")
    return TasksReply(names=tuple(task.name for task in made), notes=tuple(notes))


async def _made(supervisor: Supervisor, command: AddTasks, new: NewTask, before: Sequence[Task]) -> list[Task]:
    """The tasks of one ``new``, with names that nothing has. What it is based on may itself still wait."""
    here = {task.name for task in (*supervisor.fleet.queue.tasks, *before)}
    run = run_of(new, command.env, command.trust)
    if new.base in here:
        run = run.model_copy(update={"base": None})
        new = new.model_copy(update={"after": tuple(dict.fromkeys((*new.after, new.base))), "when": new.when or "done"})
    ready = await launches.ready(supervisor, run)
    names = await asyncio.to_thread(launches.names_of, supervisor, ready, {task.name for task in before})
    return [_task(supervisor, ready, new, name, many=command.many) for name in names]


def _task(supervisor: Supervisor, ready: Ready, new: NewTask, name: str, *, many: bool) -> Task:
    settings: Settings = ready.settings
    return Task(
        id="t" + secrets.token_hex(5),
        name=name,
        prompt=new.prompt,
        repository=str(ready.repository.root),
        agent=ready.spec.agent,
        at=supervisor.time.now(),
        base=new.base,
        model=new.model,
        permission_mode=ready.spec.permission_mode,
        isolation=new.isolation,
        method=new.method,
        command=new.command,
        budget=new.budget,
        group=new.group,
        after=new.after,
        when=new.when,
        priority=new.priority,
        retries=settings.queue.retries if new.retries is None else new.retries,
        held=new.held,
        many=many,
    )


def _acyclic(queue: Queue, made: Sequence[Task]) -> None:
    inside = cycles(queue)
    if found := [task for task in made if task.id in inside]:
        after = {task.name: task.after for task in queue.tasks if task.id in inside}
        path = [found[0].name]
        while path.count(path[-1]) < 2:
            path.append(next(name for name in after[path[-1]] if name in after))
        ring = path[path.index(path[-1]) :]
        raise Refused(f"these tasks wait for each other: {' after '.join(ring)}", "leave one of the afters out")


def rest(supervisor: Supervisor, command: Run) -> Callable[[Ready, Sequence[str]], Awaitable[None]]:
    """Queues those of a launch for which the machine has no room now; it alone holds them back."""

    async def queue(ready: Ready, names: Sequence[str]) -> None:
        new = NewTask(
            repository=str(Path(command.repository)),
            prompt=command.prompt,
            agent=command.agent,
            base=command.base,
            model=command.model,
            permission_mode=command.permission_mode,
            isolation=command.isolation.value if command.isolation else None,
            method=command.method,
            command=command.command,
            budget=command.budget,
            group=command.group,
        )
        tasks = [_task(supervisor, ready, new, name, many=True) for name in names]
        for task in tasks:
            await asyncio.to_thread(keeping.write, task.id, command.env, command.trust)
            supervisor.intend(None, TaskQueued(task=task))
        supervisor.queue.moved()

    return queue
