"""An ended session's program is started again: in the same worktree, with its own conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import budgets, home, sealing
from orchestrator.attention import comes_back
from orchestrator.commands import Command, Done, Down, Refused, Resume, ResumeAll, Resumed
from orchestrator.config import AgentSettings, load_settings
from orchestrator.events import Abandoned, Intended
from orchestrator.fleet import Row
from sessions import agents, launching, processes
from sessions.agents.contract import Place
from sessions.errors import SessionError
from sessions.events import StatusChanged
from sessions.models import Evidence, Model, SessionId, Source, Spec, State, Status
from sessions.session import Session
from worktrees.errors import WorktreeError
from worktrees.faultpoints import point

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

AT_ONCE = 8


async def call(supervisor: Supervisor, command: Command) -> Model:
    if isinstance(command, ResumeAll):
        return await resume_all(supervisor, command)
    assert isinstance(command, Resume)
    row = supervisor.row(command.session)
    conversation = await start_again(supervisor, row, command.env)
    return Done(message=f"{row.name} goes on" if conversation else f"{row.name} starts again with its task")


async def resume_all(supervisor: Supervisor, command: ResumeAll) -> Resumed:
    """Bring back what was lost or crashed. What the human stopped or holds stays as it is, and is named."""
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = [row for row in supervisor.fleet if comes_back(row)]
    now = supervisor.time.now()
    why = {row.id: budgets.why_not(supervisor.fleet, row.agent, row.repository, now) for row in wanted}
    left = [row.name for row in supervisor.fleet if row.status.state.value == "lost" and not comes_back(row)]

    async def one(row: Row) -> str | None:
        if (reason := why[row.id]) is not None:
            return f"{reason} → now all the same: orchestrator resume {row.name}"
        async with gate:
            try:
                await start_again(supervisor, row, command.env)
            except (Refused, SessionError, WorktreeError) as error:
                return f"{error.message} → {error.hint}" if error.hint else error.message
            except OSError as error:
                return str(error)
        return None

    said = await asyncio.gather(*(one(row) for row in wanted))
    failed = {row.name: reason for row, reason in zip(wanted, said, strict=True) if reason is not None}
    return Resumed(
        names=tuple(row.name for row in wanted if row.name not in failed), failed=failed, left=tuple(sorted(left))
    )


async def start_again(supervisor: Supervisor, row: Row, caller: Mapping[str, str], *, by: str = "you") -> bool:
    """Start the program of ``row`` again; True when it goes on with its own conversation.

    One at a time for a session: of two who ask, the second is refused. What the last launch left running without its
    pane is ended first, so that no two programs of one session write.
    """
    with supervisor.claim(row, "started"):
        row = supervisor.row(row.id)
        live = supervisor.live.get(row.id)
        if live is not None and live.running:
            raise Refused(f"{row.name} runs already", f"orchestrator attach {row.name}")
        spec, place = await asyncio.to_thread(_known, row)
        spec = spec.model_copy(
            update={
                "resume": row.agent_session_id is not None,
                "agent_session_id": row.agent_session_id,
                "prompt": "" if row.agent_session_id is not None else spec.prompt,
            }
        )
        env = launching.outside(caller) or dict(place.env)
        settings = await asyncio.to_thread(load_settings, Path(row.repository), env)
        env = {**env, **settings.agents.get(spec.agent, AgentSettings()).env}
        async with supervisor.admission.turn():
            room = await supervisor.admission.room(1, settings.run.limits)
            if room.fits == 0:
                raise Refused(f"{row.name} was not resumed: {room.why}", room.hint)
            supervisor.admission.take([row.id], [])
        try:
            await _spawn(supervisor, row, live, spec, Place(place.folder, place.worktree, env), by)
        finally:
            supervisor.admission.give(row.id, row.name)
        supervisor.git.look(row.id)
        return spec.resume


async def _spawn(supervisor: Supervisor, row: Row, live: Session | None, spec: Spec, place: Place, by: str) -> None:
    supervisor.intend(row.id, Intended.model_validate({"action": "resume", "by": by}))
    point("resume.intended")
    try:
        if row.pid:
            await asyncio.to_thread(processes.end_survivors, row.pid, place.folder)
        if live is not None:
            live.close()
        seal = await asyncio.to_thread(sealing.ready, row.id, row, place.env)
        fresh = session_of(supervisor, row.id, spec, place, generation=row.generation)
        await fresh.start(place.env, resumed=True, seal=seal)
    except (SessionError, WorktreeError, OSError) as error:
        supervisor.emit(row.id, Abandoned(action="resume", reason=getattr(error, "message", str(error))))
        raise
    point("resume.launched")


async def stop(supervisor: Supervisor, row: Row, *, by: str = "you") -> Done:
    """End the program in its own clean way. What is lost or crashed is marked as stopped: it does not come back."""
    with supervisor.claim(row, "stopped"):
        live = supervisor.live.get(row.id)
        if (live is None or not live.running) and row.status.state not in (State.LOST, State.CRASHED):
            raise Refused(f"{row.name} does not run", f"start it again: orchestrator resume {row.name}")
        supervisor.intend(row.id, Intended.model_validate({"action": "stop", "by": by}))
        point("stop.intended")
        if row.held and live is not None and live.running:
            live.hold(False)  # a stopped program does not hear that it shall end
        if live is None or not live.running:
            supervisor.emit(row.id, StatusChanged(status=ended_status("stopped by you", State.EXITED)))
            return Done(message=f"{row.name} did not run; it stays stopped, and so does its worktree")
        await live.stop()
        point("stop.done")
    return Done(message=f"stopped {row.name}; its worktree stays")


async def down(supervisor: Supervisor, command: Down) -> Done:
    """End the daemon, and with ``agents`` every program first."""
    if command.agents:
        for row in [row for row in supervisor.fleet if row.id in supervisor.live and supervisor.live[row.id].running]:
            with suppress(SessionError, Refused):
                await stop(supervisor, row, by="down")
    supervisor.ending.set()
    left = sum(session.running for session in supervisor.live.values())
    said = f"{left} agents run on" if left > 1 else "one agent runs on" if left else "no agent runs"
    return Done(message=f"the daemon ends; {said}")


def ended_status(how: str, state: State) -> Status:
    """The status of a session that has no program, for what nobody saw end."""
    now = datetime.now(UTC)
    evidence = Evidence(source=Source.ACTIVITY, channel="exit", state=state, at=now, saw=how)
    return Status(state=state, since=now, why=(evidence,))


def _known(row: Row) -> tuple[Spec, Place]:
    known = launching.recall(home.session_folder(row.id), Path(row.worktree))
    if known is None:
        raise Refused(
            f"what {row.name} was started with is gone",
            "start a new session on its branch: orchestrator run --base " + row.branch,
        )
    if not Path(row.worktree).is_dir():
        raise Refused(f"the worktree of {row.name} is gone: {row.worktree}", f"its work is on {row.branch}")
    return known


def recalled(supervisor: Supervisor, row: Row) -> Session | None:
    """The session of a row as its private folder describes it; None when the folder is gone."""
    known = launching.recall(home.session_folder(row.id), Path(row.worktree))
    if known is None:
        return None
    spec, place = known
    if row.agent_session_id is not None:
        spec = spec.model_copy(update={"agent_session_id": row.agent_session_id})
    return session_of(supervisor, row.id, spec, place, row.status, row.generation)


def session_of(
    supervisor: Supervisor,
    session: SessionId,
    spec: Spec,
    place: Place,
    status: Status | None = None,
    generation: int = 0,
) -> Session:
    """A session that the supervisor hears and owns from now on."""
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
    live.on_screen = supervisor.screens.seen
    supervisor.live[session] = live
    return live
