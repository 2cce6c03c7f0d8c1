"""Plans in the daemon: material is gathered, a model asked beside everything else, the cost written down."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.budgets import starts
from orchestrator.budgets.book import PLANNER as AGENT
from orchestrator.budgets.reading import READ
from orchestrator.commands import CheckPlan, Command, Done, PlanGoal, Refused, StopPlan
from orchestrator.config import AgentSettings, Settings, load_settings
from orchestrator.planner import areas, checking, prompt, tasksfile
from orchestrator.planner.ask import Planned, PlanReply, Task
from orchestrator.planner.calling import Asking, PlanFailed, late
from orchestrator.planner.material import Material, gather, told
from sessions import agents, prices
from sessions.coder.providers import Provider, ProviderFailed
from sessions.coder.providers.choosing import choose, named
from sessions.models import Model, Response, SessionId, Usage
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

LONGEST_GOAL = 8_000
"""Characters."""


class Planner:
    """The plannings under way, by the id that their caller gave them."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stops: dict[str, asyncio.Event] = {}

    async def call(self, command: Command) -> Model:
        match command:
            case PlanGoal():
                self._stops[command.id] = asyncio.Event()
                try:
                    return await self._plan(command)
                finally:
                    del self._stops[command.id]
            case StopPlan():
                if (stop := self._stops.get(command.id)) is None:
                    return Done(message="no such planning is under way")
                stop.set()
                return Done(message="planning was stopped")
            case CheckPlan():
                repository = await asyncio.to_thread(open_repository, Path(command.repository))
                material = await asyncio.to_thread(gather, repository.root)
                return self._looked_over(checking.tidy(command.tasks), material)
        raise Refused(f"{command.verb} is not a command of the planner")

    async def _plan(self, command: PlanGoal) -> PlanReply:
        goal = command.goal.strip()
        if not goal:
            raise Refused("there is no goal", 'give one: orchestrator plan "Export every report as CSV"')
        if len(goal) > LONGEST_GOAL:
            raise Refused(f"the goal is longer than {LONGEST_GOAL} characters", "say the gist of it")
        repository = await asyncio.to_thread(open_repository, Path(command.repository))
        settings = await asyncio.to_thread(load_settings, repository.root, command.env)
        patience = settings.planner.timeout_s
        supervisor = self._supervisor
        caps = READ.caps(str(repository.root))
        if (why := starts.spent(supervisor.fleet, AGENT, caps, supervisor.time.now())) is not None:
            raise Refused(f"no model was asked: {why}", "see what is spent and raise it: orchestrator budget")
        try:
            provider = await asyncio.to_thread(_provider, command, settings)
        except ProviderFailed as error:
            raise Refused(
                f"a plan needs a model: {error}",
                "export a key and try again, set [agents.coder] base_url for a local model, or write the tasks "
                "yourself: examples/tasks.toml",
            ) from error
        material = await asyncio.to_thread(gather, repository.root)
        asking = Asking(patience)
        try:
            tasks = await self._asked(command.id, asking, provider, prompt.message(goal, told(material)))
        except PlanFailed as error:
            self._count(repository.root, goal, (), asking.responses)
            raise Refused(error.message, error.hint) from error
        taken = self._names()
        tasks, notes = checking.serialised(checking.freed(tasks, taken))
        self._count(repository.root, goal, tasks, asking.responses)
        seen = self._looked_over(tasks, material)
        return seen.model_copy(update={"notes": notes, **_cost(asking.responses)})

    async def _asked(self, id_: str, asking: Asking, provider: Provider, message: str) -> tuple[Task, ...]:
        """The tasks; PlanFailed also when the human stops it or time is up, whatever the server does meanwhile."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Task, ...]] = loop.create_future()
        stopped = self._stops[id_]

        def settle(tasks: tuple[Task, ...] | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(tasks or ())

        def work() -> None:
            tasks, problem = None, None
            try:
                tasks = asking.ask(provider, message, agents.names())
            except BaseException as error:  # noqa: BLE001 - it is raised where the plan is awaited
                problem = error
            with suppress(RuntimeError):  # the daemon ended meanwhile
                loop.call_soon_threadsafe(settle, tasks, problem)

        # A thread that ends with the process: a server that never answers must not hold up the daemon's end.
        threading.Thread(target=work, name="planner", daemon=True).start()
        waits = asyncio.ensure_future(stopped.wait())
        try:
            both: set[asyncio.Future[Any]] = {done, waits}
            await asyncio.wait(both, timeout=asking.patience_s, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                return done.result()
            if stopped.is_set():
                raise PlanFailed("planning was stopped; nothing was made", "start again when you like")
            raise late(asking.patience_s)
        finally:
            asking.stop.set()
            waits.cancel()
            done.cancel()

    def _names(self) -> set[str]:
        """Of all sessions and all tasks that wait: none of them is free, each may be waited for."""
        fleet = self._supervisor.fleet
        return {row.name for row in fleet} | {task.name for task in fleet.queue.tasks}

    def _looked_over(self, tasks: tuple[Task, ...], material: Material) -> PlanReply:
        taken = self._names()
        problems = checking.problems(tasks, taken, agents.names()) or _unfit(tasks)
        there = areas.known(material.files)
        named_ = dict.fromkeys(area for task in tasks for area in task.area)
        return PlanReply(
            tasks=tasks,
            problems=problems,
            warnings=() if problems else checking.warnings(tasks),
            new=tuple(area for area in named_ if areas.is_new(area, there)),
        )

    def _count(self, root: Path, goal: str, tasks: tuple[Task, ...], responses: list[Response]) -> None:
        if responses:
            event = Planned(
                repository=str(root),
                goal=goal[:500],
                tasks=tuple(task.name for task in tasks),
                responses=tuple(responses),
                cost_usd=_cost(responses)["cost_usd"],
            )
            self._supervisor.emit(SessionId(f"plan-{secrets.token_hex(5)}"), event)


def _unfit(tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """What the queue would not take of the keys that are only passed on."""
    found = []
    for task in tasks:
        try:
            tasksfile.new_task(task, "")
        except ValidationError as error:
            found += [f"{one['loc'][0]} of {task.name!r}: {one['msg']}" for one in error.errors()]
    return tuple(found)


def _provider(command: PlanGoal, settings: Settings) -> Provider:
    chosen = settings.agents.get("coder", AgentSettings())
    provider = choose(
        {**command.env, **chosen.env},
        name=named(chosen.args),
        model=command.model or settings.planner.model or chosen.model,
        base_url=chosen.base_url,
        patience_s=settings.planner.timeout_s,
    )
    provider.prepare()
    return provider


def _cost(responses: list[Response]) -> dict[str, Any]:
    costs = [prices.cost(one.model, one.usage) for one in responses]
    known = [cost for cost in costs if cost is not None]
    return {
        "model": responses[-1].model,
        "usage": sum((one.usage for one in responses), Usage()),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
        "seconds": sum((one.ended_at - (one.started_at or one.ended_at)).total_seconds() for one in responses),
    }
