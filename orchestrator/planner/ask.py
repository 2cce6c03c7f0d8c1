"""What can be asked of the planner, what it replies, and the event that its cost leaves in the ledger."""

from __future__ import annotations

from typing import ClassVar, Literal

from orchestrator.replies import Done
from sessions.models import Model, Response, Usage


class Task(Model):
    """One task of a plan. ``area``: the files and folders that it keeps to; ``after``: names that come before it.

    ``more``: keys of a tasks file that a plan does not look into (model, base, priority …), kept as they are.
    """

    name: str
    prompt: str
    agent: str | None = None
    area: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    more: dict[str, str | bool | int] = {}


class PlanReply(Model):
    """A plan as it stands. With ``problems`` it cannot be launched; ``warnings`` and ``notes`` are to be known.

    ``new``: areas that hold no tracked file yet. ``cost_usd`` None: no price known.
    """

    tasks: tuple[Task, ...]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    model: str = ""
    usage: Usage = Usage()
    cost_usd: float | None = None
    seconds: float = 0.0


class PlanGoal(Model):
    """Split ``goal`` into tasks by a model. ``id``: the caller's, to stop it by. ``env``: the caller's."""

    Reply: ClassVar = PlanReply
    verb: Literal["plan"] = "plan"
    id: str
    repository: str
    goal: str
    model: str | None = None  # None: as the settings say
    env: dict[str, str] = {}


class StopPlan(Model):
    """The human does not wait for the plan any more."""

    Reply: ClassVar = Done
    verb: Literal["stop_plan"] = "stop_plan"
    id: str


class CheckPlan(Model):
    """Look over a plan that the human edited. No model is asked."""

    Reply: ClassVar = PlanReply
    verb: Literal["check_plan"] = "check_plan"
    repository: str
    tasks: tuple[Task, ...]


class Planned(Model):
    """A model was asked for a plan, which cost ``responses``. The envelope's session is one of this plan's own."""

    event: Literal["planned"] = "planned"
    repository: str
    goal: str
    tasks: tuple[str, ...] = ()  # their names; none: no plan came of it
    responses: tuple[Response, ...] = ()
    cost_usd: float | None = None  # of all of them; None: no price known
