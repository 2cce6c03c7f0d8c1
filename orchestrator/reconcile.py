"""At the start: what the ledger, the private folders and tmux say of each session, brought together.

A kill can come between any two steps of a launch, a resume, a stop or a removal. What was intended is in the ledger or
in a plan; what was done is in git, in the private folder (``ran-GENERATION``) and in tmux (a pane with its tag). Each
step is gone on with where it stopped, or given up with its reason; nothing is done twice.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator import found, home, landing, launches, plans, recovery, resuming
from orchestrator.events import Abandoned
from orchestrator.fleet import Row
from orchestrator.plans import Plan
from orchestrator.rows import CRASHES
from sessions import launching
from sessions.control import Pane
from sessions.errors import SessionError
from sessions.events import Launched, StatusChanged
from sessions.models import ENDED, SessionId, State, Status
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")


async def take_up(supervisor: Supervisor) -> None:
    """Take every session up where the ledger and tmux say it is."""
    plans.sweep()
    panes = {pane.session: pane for pane in await supervisor.control.panes()}
    gate = asyncio.Semaphore(launches.AT_ONCE)
    crashed = [row for row in supervisor.fleet if row.status.state is State.CRASHED and row.launch_failure is None]
    looks_only = supervisor.fleet.read_only is not None
    if not looks_only:
        _find(supervisor)
    for row in tuple(supervisor.fleet):
        try:
            await _session(supervisor, row, panes.get(row.id), gate)
        except (SessionError, WorktreeError, OSError) as error:
            supervisor.notice("warning", f"{row.name} was not taken up", getattr(error, "message", str(error)))
    for row in tuple(supervisor.fleet) if not looks_only else ():
        _finish(supervisor, row)
    for row in crashed:
        if row.crashes and datetime.now(UTC) - row.crashes[-1] < CRASHES:
            supervisor.run(recovery.crashed(supervisor, row))  # the pause before its next start was cut off


def _find(supervisor: Supervisor) -> None:
    """Sessions that have a private folder and are not in the ledger: a power cut took the last moments of it."""
    for session, created in plans.births():
        if session in supervisor.fleet.rows or supervisor.store.removed(session) or found.in_attic(session, created):
            continue
        for _, _, event in found.session_events(session, created):
            supervisor.emit(session, event)
        log.warning("%s was not in the ledger and was found by its folder", created.name)


async def _session(supervisor: Supervisor, row: Row, pane: Pane | None, gate: asyncio.Semaphore) -> None:
    plan = plans.read(row.id)
    wanted = row.generation + 1
    begun = plan is not None or row.intent == "resume" or row.generation == 0
    if plan is not None and row.generation > 0:
        plans.done(row.id)
    if pane is not None and begun and _is_of(pane, row.id, wanted):
        await _adopt(supervisor, row, pane, new=wanted)
    elif pane is not None and row.generation > 0:
        if row.intent == "resume":
            _given_up(supervisor, row, "resume")
        await _adopt(supervisor, row, pane)
    elif begun and not _over(supervisor, row):
        _go_on(supervisor, row, plan, gate)
    elif row.status.state not in ENDED and row.launch_failure is None:
        supervisor.emit(row.id, StatusChanged(status=lost_status("its pane is gone")))


def _over(supervisor: Supervisor, row: Row) -> bool:
    """Its launch came to nothing, or nothing may be begun now."""
    return supervisor.fleet.read_only is not None or row.launch_failure is not None or row.status.state is State.FAILED


def _is_of(pane: Pane, session: SessionId, generation: int) -> bool:
    """The pane is that of this launch: by its tag, or by the process that leads it."""
    folder = home.session_folder(session)
    return pane.tag == launching.tag(session, generation) or launching.leader(folder, generation) == pane.pid


async def _adopt(supervisor: Supervisor, row: Row, pane: Pane, new: int | None = None) -> None:
    """Watch a pane again. ``new``: the generation of a launch of which the ledger does not know yet."""
    if new is not None:
        row = row.model_copy(update={"generation": new})
    session = resuming.recalled(supervisor, row)
    if session is None:
        supervisor.notice("warning", f"{row.name} runs without its folder", str(home.session_folder(row.id)))
        return
    launched = None
    if new is not None:
        launched = Launched(pane=pane.id, pid=pane.pid, argv=(row.agent,), generation=new, resumed=new > 1)
        log.info("%s was being started; its pane was found", row.name)
    session.ending.asked = row.stopped is not None
    await session.adopt(pane, launched)
    plans.done(row.id)
    if not pane.dead:
        session.type_task()
    supervisor.git.look(row.id)


def _go_on(supervisor: Supervisor, row: Row, plan: Plan | None, gate: asyncio.Semaphore) -> None:
    """A launch or resume that has no pane: start it if it never ran, else it is lost."""
    folder, wanted = home.session_folder(row.id), row.generation + 1
    if launching.ran(folder, wanted):
        # It ran, and its pane went before anybody wrote down that it was there.
        pid = launching.leader(folder, wanted) or 0
        launched = Launched(pane="", pid=pid, argv=(row.agent,), generation=wanted, resumed=wanted > 1)
        supervisor.emit(row.id, launched)
        supervisor.emit(row.id, StatusChanged(status=lost_status("its pane is gone")))
        plans.done(row.id)
    elif launching.pending(folder, wanted) and (session := resuming.recalled(supervisor, row)) is not None:
        log.info("%s was being started; it is started now", row.name)
        argv = launching.start_argv(folder, wanted)
        supervisor.run(_spawn(supervisor, row, session.spawn(argv, (row.agent,), resumed=wanted > 1)))
    elif plan is not None:
        log.info("%s was being made; it is gone on with", row.name)
        supervisor.run(_launch(supervisor, plan, gate))
    elif row.intent == "resume":
        _given_up(supervisor, row, "resume")
        if row.status.state not in ENDED:
            supervisor.emit(row.id, StatusChanged(status=lost_status("its pane is gone")))
    else:
        supervisor.emit(row.id, StatusChanged(status=lost_status("its pane is gone")))


async def _spawn(supervisor: Supervisor, row: Row, spawning: object) -> None:
    try:
        await spawning  # type: ignore[misc]
    except (SessionError, OSError) as error:
        launches.failed(supervisor, row.id, error)
    else:
        if (session := supervisor.live.get(row.id)) is not None:
            session.type_task()
    plans.done(row.id)


async def _launch(supervisor: Supervisor, plan: Plan, gate: asyncio.Semaphore) -> None:
    try:
        async with gate:
            await launches.go_on(supervisor, plan)
    except (SessionError, WorktreeError, OSError) as error:
        launches.failed(supervisor, plan.session, error)
        plans.give_up(plan.session)


def _finish(supervisor: Supervisor, row: Row) -> None:
    """A stop or a removal that was asked for and not done."""
    live = supervisor.live.get(row.id)
    if row.intent == "remove":
        supervisor.run(_remove(supervisor, row))
    elif row.intent == "stop" and live is not None and live.running:
        supervisor.run(live.stop())
    elif row.intent == "stop":
        supervisor.emit(row.id, StatusChanged(status=resuming.ended_status("stopped by you", State.EXITED)))


async def _remove(supervisor: Supervisor, row: Row) -> None:
    try:
        await landing.remove(supervisor, row)
    except (SessionError, WorktreeError, OSError) as error:
        supervisor.notice("warning", f"{row.name} was not removed", getattr(error, "message", str(error)))


def _given_up(supervisor: Supervisor, row: Row, action: str) -> None:
    reason = "the daemon ended before its program was started"
    supervisor.emit(row.id, Abandoned.model_validate({"action": action, "reason": reason}))


def lost_status(how: str) -> Status:
    return resuming.ended_status(how, State.LOST)
