"""From a task to a running session, and back up again after a crash.

Order: everything that can be refused is checked first; then ``Created`` is written; then worktree, set-up, start
script, pane. Each step can be found again after a kill, so a launch happens once or says why it did not.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, trust
from orchestrator.commands import Command, Done, Refused, Resume, Run, Started
from orchestrator.config import AgentSettings, Settings, load_settings
from orchestrator.events import Created, LaunchFailed
from orchestrator.fleet import Row
from sessions import agents, launching
from sessions.agents.contract import Place
from sessions.errors import SessionError
from sessions.events import StatusChanged
from sessions.models import Evidence, Model, SessionId, Source, Spec, State, Status
from sessions.session import Session
from worktrees import setup
from worktrees.errors import WorktreeError
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
AT_ONCE = 8
"""Launches under way at the same time: a start is the most expensive moment of an agent."""


async def call(supervisor: Supervisor, command: Command) -> Model:
    if isinstance(command, Run):
        return await run(supervisor, command)
    assert isinstance(command, Resume)
    return await resume(supervisor, command)


async def run(supervisor: Supervisor, command: Run) -> Started:
    """Launch ``count`` sessions; returns when each of them has a running program."""
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
    env = {**command.env, **chosen.env}
    agent.program(spec, env)
    base = command.base or settings.run.base or "HEAD"
    base_commit = await asyncio.to_thread(repository.resolve, base)
    target = settings.run.target or await asyncio.to_thread(repository.default_target)
    seen = await asyncio.to_thread(trust.wanted, repository.root)
    await asyncio.to_thread(trust.require, seen, command.trust, seen.recipe.run)
    tree = await asyncio.to_thread(repository.checkout_bytes)
    async with supervisor.admission.turn():
        wanted = await asyncio.to_thread(_names, supervisor, repository, command, settings)
        room = await supervisor.admission.room(len(wanted), settings.run.limits, tree)
        if room.fits == 0:
            raise Refused(f"nothing was started: {room.why}", room.hint)
        names = wanted[: room.fits]
        sessions = {name: SessionId("s" + secrets.token_hex(5)) for name in names}
        supervisor.admission.take(sessions.values(), names)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> tuple[str, SessionId, SessionError | WorktreeError | OSError | None]:
        try:
            async with gate:
                return name, sessions[name], await begin(name, sessions[name])
        finally:
            supervisor.admission.give(sessions[name], name)

    async def begin(name: str, session: SessionId) -> SessionError | WorktreeError | OSError | None:
        worktree = home.worktree_folder(repository.root, name)
        created = Created(
            name=name,
            agent=agent_name,
            prompt=command.prompt,
            repository=str(repository.root),
            branch=settings.run.branch_prefix + name,
            base=base,
            base_commit=base_commit,
            target=target,
            worktree=str(worktree),
            model=spec.model,
        )
        supervisor.emit(session, created)
        try:
            await _launch(
                supervisor, session, spec.model_copy(update={"name": name}), created, repository, env, seen.recipe
            )
        except (SessionError, WorktreeError, OSError) as error:
            reason = getattr(error, "message", str(error))
            supervisor.emit(session, LaunchFailed(reason=reason, hint=getattr(error, "hint", "")))
            supervisor.emit(session, StatusChanged(status=failed_status(reason)))
            return error
        return None

    results = await asyncio.gather(*(one(name) for name in names))
    failures = [(name, error) for name, _, error in results if error is not None]
    if failures:
        name, error = failures[0]
        started = [name for name, _, failure in results if failure is None]
        also = f" ({len(started)} of {len(names)} started: {', '.join(started)})" if len(names) > 1 else ""
        raise Refused(f"{name} did not start: {getattr(error, 'message', error)}{also}", getattr(error, "hint", ""))
    return Started(
        names=tuple(names),
        sessions=tuple(session for _, session, _ in results),
        not_started=tuple(wanted[room.fits :]),
        reason=room.why,
        hint=room.hint,
    )


async def _launch(
    supervisor: Supervisor,
    session: SessionId,
    spec: Spec,
    created: Created,
    repository: Repository,
    env: Mapping[str, str],
    recipe: setup.Recipe,
) -> None:
    worktree = Path(created.worktree)
    await asyncio.to_thread(repository.create, worktree, created.branch, created.base_commit, session=session)
    additions = await asyncio.to_thread(
        setup.prepare, recipe, repository.root, worktree, trusted=recipe.digest, env=dict(env)
    )
    place = Place(folder=home.session_folder(session), worktree=worktree, env={**env, **additions})
    live = _live(supervisor, session, spec, place)
    await live.start({**env, **additions})
    supervisor.git.look(session)


async def resume(supervisor: Supervisor, command: Resume) -> Done:
    """Start the agent again in the same worktree, with its own conversation where it has one."""
    row = supervisor.row(command.session)
    live = supervisor.live.get(row.id)
    if live is not None and live.running:
        raise Refused(f"{row.name} runs already", f"orchestrator attach {row.name}")
    known = launching.recall(home.session_folder(row.id), Path(row.worktree))
    if known is None:
        raise Refused(
            f"what {row.name} was started with is gone",
            "start a new session on its branch: orchestrator run --base " + row.branch,
        )
    if not await asyncio.to_thread(Path(row.worktree).is_dir):
        raise Refused(f"the worktree of {row.name} is gone: {row.worktree}", f"its work is on {row.branch}")
    spec, place = known
    conversation = row.agent_session_id or spec.agent_session_id
    spec = spec.model_copy(
        update={
            "resume": row.agent_session_id is not None,
            "agent_session_id": conversation if row.agent_session_id is not None else None,
            "prompt": "" if row.agent_session_id is not None else spec.prompt,
        }
    )
    env = command.env or dict(place.env)
    settings = await asyncio.to_thread(load_settings, Path(row.repository), env)
    env = {**env, **settings.agents.get(spec.agent, AgentSettings()).env}
    async with supervisor.admission.turn():
        room = await supervisor.admission.room(1, settings.run.limits)
        if room.fits == 0:
            raise Refused(f"{row.name} was not resumed: {room.why}", room.hint)
        supervisor.admission.take([row.id], [])
    try:
        if live is not None:
            live.close()
        place = Place(folder=place.folder, worktree=place.worktree, env=env)
        fresh = _live(supervisor, row.id, spec, place, generation=row.generation)
        await fresh.start(env, resumed=True)
    finally:
        supervisor.admission.give(row.id, row.name)
    return Done(message=f"{row.name} goes on" if spec.resume else f"{row.name} starts again with its task")


def recalled(supervisor: Supervisor, row: Row) -> Session | None:
    """The session of a row as its private folder describes it; None when the folder is gone."""
    known = launching.recall(home.session_folder(row.id), Path(row.worktree))
    if known is None:
        return None
    spec, place = known
    if row.agent_session_id is not None:
        spec = spec.model_copy(update={"agent_session_id": row.agent_session_id})
    return _live(supervisor, row.id, spec, place, row.status, row.generation)


def take_up(supervisor: Supervisor, row: Row) -> bool:
    """Finish a launch that a crash cut off between the start script and the pane; False if it never got that far."""
    folder = home.session_folder(row.id)
    if not launching.pending(folder):
        return False
    session = recalled(supervisor, row)
    if session is None:
        return False
    supervisor.live[row.id] = session
    supervisor.run(session.spawn(launching.start_argv(folder), (row.agent,)))
    return True


def lost_status(how: str) -> Status:
    now = datetime.now(UTC)
    evidence = Evidence(source=Source.ACTIVITY, channel="exit", state=State.LOST, at=now, saw=how)
    return Status(state=State.LOST, since=now, why=(evidence,))


def failed_status(reason: str) -> Status:
    now = datetime.now(UTC)
    evidence = Evidence(source=Source.ACTIVITY, channel="launch", state=State.FAILED, at=now, saw=reason)
    return Status(state=State.FAILED, since=now, why=(evidence,))


def _live(
    supervisor: Supervisor,
    session: SessionId,
    spec: Spec,
    place: Place,
    status: Status | None = None,
    generation: int = 0,
) -> Session:
    live = Session(
        session,
        spec,
        place,
        agents.get(spec.agent),
        supervisor.control,
        supervisor.sensor,
        supervisor.heard,
        status,
        generation,
    )
    live.on_picture = supervisor.pictures.changed
    supervisor.live[session] = live
    return live


def _names(supervisor: Supervisor, repository: Repository, command: Run, settings: Settings) -> list[str]:
    """``count`` names that no session and no branch has yet. A name that the user chose is never changed."""
    taken = {row.name for row in supervisor.fleet} | supervisor.admission.names
    if command.name is not None:
        if not NAME.match(command.name) or command.name.endswith((".lock", ".")) or ".." in command.name:
            raise Refused(
                f"{command.name!r} cannot be a name",
                "use letters, digits, dot, dash and underscore, at most 63, beginning with a letter or digit",
            )
        wanted = [command.name] if command.count == 1 else [f"{command.name}-{n + 1}" for n in range(command.count)]
        for name in wanted:
            if name in taken:
                raise Refused(
                    f"there is a session {name} already", "choose another --name, or: orchestrator rm " + name
                )
            repository.check_branch_name(settings.run.branch_prefix + name)
        return wanted
    stem = slug(command.prompt)
    names: list[str] = []
    number = 1
    while len(names) < command.count:
        name = stem if number == 1 else f"{stem}-{number}"
        number += 1
        if name in taken or repository.has_branch(settings.run.branch_prefix + name):
            continue
        names.append(name)
    return names


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
