"""What a queued task is, what can be asked of the queue, and what of it goes into the ledger: always a whole task."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from orchestrator.budgets.amounts import Amount
from orchestrator.replies import Done
from sessions.models import Model, SessionId
from worktrees.models import Method

When = Literal["landed", "done"]
"""What a dependant waits for: that the work landed, or only that its agent is done."""
MOST_RETRIES = 5
MANY = 200


class Task(Model):
    """A macro action on its way to an agent. Its environment is not here but in a private file (``keeping``).

    ``state``: waits; starts (its session's id is chosen and written, so that it is launched once); runs (until its
    agent is done); retries (it failed, and is tried again at ``not_before``).
    """

    id: str
    name: str  # of the session that it becomes
    prompt: str
    repository: str
    agent: str
    at: datetime
    base: str | None = None
    model: str | None = None
    permission_mode: str | None = None
    isolation: str | None = None
    method: Method | None = None
    command: tuple[str, ...] = ()
    budget: Amount | None = None
    group: str | None = None  # of variants of one task
    after: tuple[str, ...] = ()  # names of tasks and sessions that come first
    when: When | None = None  # None: as the settings say
    gone: tuple[str, ...] = ()  # of these: dropped or removed without having landed
    priority: int = 0  # higher ones start first
    retries: int = 0  # how often it may be tried again
    held: bool = False
    now: bool = False  # the human wants it started past the caps
    many: bool = False  # it was asked for with `run`: the machine alone holds it back, not [queue] slots
    state: Literal["waits", "starts", "runs", "retries"] = "waits"
    session: SessionId | None = None
    tries: int = 0
    not_before: datetime | None = None
    trouble: str = ""  # how it failed last
    over: bool = False  # its retries are used up: a human decides


class Queue(Model):
    """All tasks in the order in which they would start. ``held``: nothing starts by itself."""

    tasks: tuple[Task, ...] = ()
    held: bool = False
    done: tuple[SessionId, ...] = ()  # sessions that came from the queue and finished, the last MANY

    def named(self, name: str) -> Task | None:
        """The task of that name or id."""
        return next((task for task in self.tasks if name in (task.name, task.id)), None)

    @property
    def waiting(self) -> tuple[Task, ...]:
        """Those that no session works on now."""
        return tuple(task for task in self.tasks if task.state in ("waits", "retries"))


class TaskQueued(Model):
    """A task is new at its ``place`` (0: the front; None: where it is, or at the end), or anything of it changed."""

    event: Literal["task_queued"] = "task_queued"
    task: Task
    place: int | None = None


class TaskLeft(Model):
    """A task is not in the queue any more. ``how``: its agent is done, the human dropped it, or its session is gone."""

    event: Literal["task_left"] = "task_left"
    task: str
    how: Literal["done", "dropped", "removed"]


class QueueHeld(Model):
    """Nothing starts by itself any more, or does again."""

    event: Literal["queue_held"] = "queue_held"
    held: bool


class NewTask(Model):
    """A task as it is asked for; the same words as for ``run``. ``count`` of them are made."""

    repository: str
    prompt: str
    agent: str | None = None
    base: str | None = None
    name: str | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 1
    model: str | None = None
    permission_mode: str | None = None
    isolation: str | None = None
    method: Method | None = None
    command: tuple[str, ...] = ()
    budget: Amount | None = None
    group: str | None = None  # of variants of one task
    after: tuple[str, ...] = ()
    when: When | None = None
    priority: int = 0
    retries: Annotated[int, Field(ge=0, le=MOST_RETRIES)] | None = None  # None: as the settings say
    held: bool = False


class TasksReply(Model):
    """Names of the tasks that wait now; ``notes`` is what the human should know of them."""

    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


class AddTasks(Model):
    """Queue tasks: all of them, or none when one of them cannot be. ``env`` is the caller's, kept privately."""

    Reply: ClassVar = TasksReply
    verb: Literal["add_tasks"] = "add_tasks"
    tasks: tuple[NewTask, ...]
    env: dict[str, str] = {}
    trust: str | None = None  # digest of the repository's commands that the human just approved
    many: bool = False  # as Task.many


class Line(Model):
    """A task with its place among those that wait (0: it does not wait), and why it does not start."""

    task: Task
    place: int = 0
    why: str = ""
    blocked: bool = False  # it will not start without a human
    session_state: str = ""  # of the session that runs for it


class QueueReply(Model):
    """``used`` of ``slots`` are taken; slots None: only the machine's room counts."""

    lines: tuple[Line, ...]
    held: bool = False
    used: int = 0
    slots: int | None = None


class ShowQueue(Model):
    Reply: ClassVar = QueueReply
    verb: Literal["queue"] = "queue"


class SteerQueue(Model):
    """``move`` to ``place`` (1: the front; 0: the end), ``priority``, ``hold``, ``release``, ``drop``, ``start`` now.

    Without a name ``hold`` and ``release`` are of the whole queue. ``release`` also starts a task whose retries are
    used up again, and forgives what it waited for and that is gone. ``text`` gives it another prompt (``edit``).
    """

    Reply: ClassVar = Done
    verb: Literal["steer_queue"] = "steer_queue"
    do: Literal["move", "priority", "hold", "release", "drop", "start", "edit"]
    task: str = ""
    place: int | None = None
    priority: int | None = None
    text: str = ""
