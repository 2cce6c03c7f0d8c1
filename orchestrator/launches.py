"""From a task to a running session.

Order: everything that can be refused is checked first; then the plan and ``Created`` are written; then worktree,
set-up, start script, pane, ``Launched``. Each step can be found again after a kill, so a launch happens once or says
why not.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, plans, resuming, sealing, stacking, trust
from orchestrator.budgets import starts
from orchestrator.commands import Command, Isolation, Refused, Run, Started
from orchestrator.config import AgentSettings, Settings, load_settings
from orchestrator.events import Created, LaunchFailed
from orchestrator.plans import Plan
from orchestrator.queue import adding
from orchestrator.stacking import Base
from orchestrator.store import LedgerError
from sessions import agents, launching
from sessions.agents.contract import Place
from sessions.errors import SessionError
from sessions.events import StatusChanged
from sessions.models import Evidence, Model, SessionId, Source, Spec, State, Status
from worktrees import setup, unfinished
from worktrees.errors import WorktreeError
from worktrees.faultpoints import point
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
AT_ONCE = 8
"""Launches under way at the same time: a start is the most expensive moment of an agent."""


class NoRoom(Refused):
    """The machine takes no more agents now."""


@dataclass(frozen=True)
class Ready:
    """A launch of which everything was looked at that can be refused, but for its name and the room."""

    command: Run
    repository: Repository
    settings: Settings
    spec: Spec
    env: Mapping[str, str]
    isolation: Isolation
    not_boxed: str | None
    base: Base
    target: str
    recipe: setup.Recipe

    def plan(self, session: SessionId, name: str) -> Plan:
        created = Created(
            name=name,
            agent=self.spec.agent,
            prompt=self.command.prompt,
            repository=str(self.repository.root),
            branch=self.settings.run.branch_prefix + name,
            base=self.base.name,
            base_commit=self.base.commit,
            target=self.target,
            worktree=str(home.worktree_folder(self.repository.root, name)),
            model=self.spec.model,
            isolation=self.isolation,
            boxed=self.isolation is Isolation.SEALED and not self.not_boxed,
            method=self.command.method,
            on=self.base.on,
            resolves=SessionId(self.command.resolves) if self.command.resolves is not None else None,
            budget=self.command.budget,
            group=self.command.group,
        )
        its_own = self.spec.model_copy(update={"name": name})
        return Plan(session=session, created=created, spec=its_own, env=dict(self.env), recipe=self.recipe)


async def call(supervisor: Supervisor, command: Command) -> Model:
    """Launch what fits on this machine; the rest waits in the queue."""
    assert isinstance(command, Run)
    return await run(supervisor, command, adding.rest(supervisor, command))


async def ready(supervisor: Supervisor, command: Run) -> Ready:
    """Look at everything that could stand in the way. Raises Refused, SessionError and WorktreeError."""
    if "\0" in command.prompt:
        raise Refused("the task holds a NUL byte, which no program can be given", "leave it out")
    repository = await asyncio.to_thread(open_repository, Path(command.repository))
    settings = await asyncio.to_thread(load_settings, repository.root, command.env)
    agent_name = command.agent or settings.run.agent or _first_installed(command.env)
    agent = agents.get(agent_name)
    chosen = settings.agents.get(agent_name, AgentSettings())
    spec = Spec(
        agent=agent_name,
        name="",
        prompt=command.prompt,
        model=command.model or chosen.model,
        base_url=chosen.base_url,
        permission_mode=command.permission_mode or chosen.permission_mode,
        args=tuple(chosen.args),
        command=command.command or tuple(chosen.command or ()),
        repository=str(repository.root),
    )
    env = {**launching.outside(command.env), **chosen.env}
    isolation = sealing.isolation(command.isolation, settings, agent_name)
    not_boxed = await asyncio.to_thread(sealing.why_not_boxed, isolation, settings, env)
    agent.program(spec, env)
    named = command.base or settings.run.base or "HEAD"
    base = await asyncio.to_thread(stacking.base, supervisor, repository, named)
    target = base.target or settings.run.target
    if target is None:
        target = await asyncio.to_thread(repository.default_target)
    seen = await asyncio.to_thread(trust.wanted, repository.root)
    await asyncio.to_thread(trust.require, seen, command.trust, seen.recipe.run)
    return Ready(command, repository, settings, spec, env, isolation, not_boxed, base, target, seen.recipe)


async def run(
    supervisor: Supervisor,
    command: Run,
    rest: Callable[[Ready, Sequence[str]], Awaitable[None]] | None = None,
    session: SessionId | None = None,
) -> Started:
    """Launch ``count`` sessions; returns when each of them has a running program.

    ``rest`` takes the names for which there is no room; without it they are named, or NoRoom when nothing fits.
    ``session``: the id of the only one, which was chosen before.
    """
    made = await ready(supervisor, command)
    starts.require(supervisor, command, made.spec.agent, str(made.repository.root))
    tree = await asyncio.to_thread(made.repository.checkout_bytes)
    async with supervisor.admission.turn():
        wanted = await asyncio.to_thread(names_of, supervisor, made, own=session is not None)
        room = await supervisor.admission.room(len(wanted), made.settings.run.limits, tree)
        names, left = wanted[: room.fits], wanted[room.fits :]
        if left and rest is not None:
            await rest(made, left)
        elif not names:
            raise NoRoom(f"nothing was started: {room.why}", room.hint)
        sessions = {name: session or SessionId("s" + secrets.token_hex(5)) for name in names}
        supervisor.admission.take(sessions.values(), names)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(
        name: str,
    ) -> tuple[str, SessionId, SessionError | WorktreeError | LedgerError | OSError | None]:
        try:
            async with gate:
                return name, sessions[name], await begin(supervisor, made.plan(sessions[name], name))
        finally:
            supervisor.admission.give(sessions[name], name)

    results = await asyncio.gather(*(one(name) for name in names))
    failures = [(name, error) for name, _, error in results if error is not None]
    if failures:
        name, error = failures[0]
        started = [name for name, _, failure in results if failure is None]
        also = f" ({len(started)} of {len(names)} started: {', '.join(started)})" if len(names) > 1 else ""
        raise Refused(f"{name} did not start: {getattr(error, 'message', error)}{also}", getattr(error, "hint", ""))
    notes: tuple[str, ...] = (f"{made.not_boxed}: {sealing.CLONE_ONLY}; {sealing.INSTALLED}",) if made.not_boxed else ()
    for said in notes:
        supervisor.notice("warning", "Sealed without a box", said)
    unheld = starts.notes(supervisor, command, made.spec.agent, made.spec.model, str(made.repository.root))
    for said in unheld:
        supervisor.notice("warning", "A cap that cannot hold", said)
    notes += (*unheld, *((made.base.note,) if made.base.note else ()))
    return Started(
        names=tuple(names),
        sessions=tuple(session for _, session, _ in results),
        queued=tuple(left) if rest is not None else (),
        not_started=tuple(left) if rest is None else (),
        reason=room.why,
        hint=room.hint,
        notes=notes,
    )


async def begin(supervisor: Supervisor, plan: Plan) -> SessionError | WorktreeError | LedgerError | OSError | None:
    """Carry a launch out from its beginning; returns what stood in its way, which the ledger then holds."""
    known = False
    try:
        await asyncio.to_thread(plans.write, plan)
        point("launch.planned")
        supervisor.intend(plan.session, plan.created)
        known = True
        await go_on(supervisor, plan)
    except (SessionError, WorktreeError, LedgerError, OSError) as error:
        if known:
            failed(supervisor, plan.session, error)
        await asyncio.to_thread(plans.give_up if known else plans.forget, plan.session)
        return error
    return None


async def go_on(supervisor: Supervisor, plan: Plan) -> None:
    """The steps of a launch after ``Created``. Each of them may have been done before a kill."""
    created, worktree = plan.created, Path(plan.created.worktree)
    repository = await asyncio.to_thread(open_repository, Path(created.repository))
    await asyncio.to_thread(_make, repository, plan)
    seal = await asyncio.to_thread(sealing.ready, plan.session, created, plan.env)
    point("launch.worktree")
    additions = await asyncio.to_thread(
        setup.prepare, plan.recipe, repository.root, worktree, trusted=plan.recipe.digest, env=dict(plan.env)
    )
    point("launch.prepared")
    env = {**plan.env, **additions}
    place = Place(folder=home.session_folder(plan.session), worktree=worktree, env=env)
    live = resuming.session_of(supervisor, plan.session, plan.spec, place)
    await live.start(env, seal=seal)
    point("launch.launched")
    await asyncio.to_thread(plans.done, plan.session)
    supervisor.git.look(plan.session)


def _make(repository: Repository, plan: Plan) -> None:
    created = plan.created
    path = Path(created.worktree)
    if plan.begun and (path.exists() or repository.has_branch(created.branch)):
        unfinished.finish(repository, path, created.branch, created.base_commit)
    else:
        repository.create(path, created.branch, created.base_commit, session=plan.session)


def failed(supervisor: Supervisor, session: SessionId, error: Exception) -> None:
    """Write down that a launch came to nothing."""
    reason = getattr(error, "message", str(error))
    supervisor.emit(session, LaunchFailed(reason=reason, hint=getattr(error, "hint", "")))
    now = datetime.now(UTC)
    evidence = Evidence(source=Source.ACTIVITY, channel="launch", state=State.FAILED, at=now, saw=reason)
    supervisor.emit(session, StatusChanged(status=Status(state=State.FAILED, since=now, why=(evidence,))))


def names_of(supervisor: Supervisor, made: Ready, also: Collection[str] = (), *, own: bool = False) -> list[str]:
    """``count`` names that no session, queued task and branch has yet, nor ``also``.

    A name that the user chose is never changed. ``own``: it is that of a queued task which starts now.
    """
    command, prefix = made.command, made.settings.run.branch_prefix
    sessions = {row.name for row in supervisor.fleet}
    queued = {task.name for task in supervisor.fleet.queue.tasks} if not own else set()
    taken = sessions | queued | supervisor.admission.names | set(also)
    if command.name is not None:
        check_name(command.name)
        wanted = [command.name] if command.count == 1 else [f"{command.name}-{n + 1}" for n in range(command.count)]
        for name in wanted:
            if name in taken:
                what, end = ("session", "rm") if name in sessions else ("task", "queue drop")
                raise Refused(
                    f"there is a {what} {name} already", f"choose another --name, or: orchestrator {end} {name}"
                )
            made.repository.check_branch_name(prefix + name)
        return wanted
    stem = slug(command.prompt)
    names: list[str] = []
    number = 1
    while len(names) < command.count:
        name = stem if number == 1 else f"{stem}-{number}"
        number += 1
        if name in taken or made.repository.has_branch(prefix + name):
            continue
        names.append(name)
    return names


def check_name(name: str) -> None:
    """Refused unless ``name`` is fit for a branch, a folder and a command line on every platform."""
    if not NAME.match(name) or name.endswith((".lock", ".")) or ".." in name:
        shown = name if len(name) <= 80 else name[:80] + "…"
        raise Refused(
            f"{shown!r} cannot be a name",
            "use letters, digits, dot, dash and underscore, at most 63, beginning with a letter or digit",
        )


_FILLER = frozenset(
    (
        *("a", "an", "the", "to", "of", "in", "on", "for", "and", "or", "with", "please", "can", "you"),
        *("i", "we", "it", "is", "be", "that", "this", "my", "our"),
    )
)


def slug(prompt: str) -> str:
    """A short name from a task: its first few telling words."""
    words = re.findall(r"[a-z0-9]+", prompt.lower().encode("ascii", "ignore").decode())
    telling = [word for word in words if word not in _FILLER] or words
    return "-".join(telling[:4])[:32].strip("-") or "task"


def _first_installed(env: Mapping[str, str]) -> str:
    """The agent when none was named: the first of the user's CLIs that is installed, else the built-in one."""
    for name in ("claude", "codex", "opencode", "gemini", "copilot", "qwen", "pi", "aider"):
        try:
            agents.get(name).program(Spec(agent=name, name=""), env)
        except SessionError:
            continue
        return name
    return "coder"
