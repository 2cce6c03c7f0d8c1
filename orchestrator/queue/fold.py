"""The queue after an event. Pure."""

from __future__ import annotations

from orchestrator.queue.ask import MANY, Queue, QueueHeld, Task, TaskLeft, TaskQueued


def apply(queue: Queue, event: TaskQueued | TaskLeft | QueueHeld) -> Queue:
    """An event of the queue itself."""
    match event:
        case TaskQueued():
            return queue.model_copy(update={"tasks": _put(queue.tasks, event.task, event.place)})
        case TaskLeft():
            left = next((task for task in queue.tasks if task.id == event.task), None)
            if left is None:
                return queue
            rest = tuple(task for task in queue.tasks if task.id != event.task)
            if event.how != "done":  # one that is done is a session now, and what waits for it looks at that
                rest = tuple(_without(task, left.name) for task in rest)
            done = queue.done
            if event.how == "done" and left.session is not None:
                done = (*(one for one in done if one != left.session), left.session)[-MANY:]
            return queue.model_copy(update={"tasks": rest, "done": done})
        case QueueHeld():
            return queue.model_copy(update={"held": event.held})


def gone(queue: Queue, name: str, *, landed: bool) -> Queue:
    """The session ``name`` is removed: what waited for it waits no more when it had landed, else it is stuck."""
    if not any(name in task.after for task in queue.tasks):
        return queue
    tasks = tuple(_met(task, name) if landed else _without(task, name) for task in queue.tasks)
    return queue.model_copy(update={"tasks": tasks})


def _put(tasks: tuple[Task, ...], task: Task, place: int | None) -> tuple[Task, ...]:
    at = next((n for n, known in enumerate(tasks) if known.id == task.id), None)
    if at is not None and place is None:
        return (*tasks[:at], task, *tasks[at + 1 :])
    rest = tuple(known for known in tasks if known.id != task.id)
    place = len(rest) if place is None else place
    return (*rest[:place], task, *rest[place:])


def _met(task: Task, name: str) -> Task:
    if name not in task.after:
        return task
    return task.model_copy(update={"after": tuple(one for one in task.after if one != name)})


def _without(task: Task, name: str) -> Task:
    if name not in task.after or name in task.gone:
        return task
    return task.model_copy(update={"gone": (*task.gone, name)})
