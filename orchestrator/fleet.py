"""The read model: a frozen fold of the ledger. ``apply(fleet, envelope)`` is pure and touches one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_never

from orchestrator.budgets import book as budgets
from orchestrator.budgets.ask import Allowed, CapsRead, Parked, Unparking, Warned
from orchestrator.budgets.book import Book
from orchestrator.checks.ask import Checked
from orchestrator.events import (
    Abandoned,
    Changed,
    Created,
    Envelope,
    Focused,
    Followed,
    Foreseen,
    Forgotten,
    Imported,
    Intended,
    LaunchFailed,
    Looked,
    Merged,
    MergeFailed,
    Merging,
    Noticed,
    Outdated,
    Paused,
    Pruned,
    ReadOnly,
    Removed,
    RequestOpened,
    Restored,
    Returned,
    Seen,
    Snapshotted,
    Strayed,
    Undone,
    Unobserved,
)
from orchestrator.inbox.ask import Pace, Paced, Prioritised, Snoozed
from orchestrator.planner.ask import Planned
from orchestrator.queue import fold
from orchestrator.queue.ask import Queue, QueueHeld, TaskLeft, TaskQueued
from orchestrator.review.ask import Commented, CommentsSent, Reviewed
from orchestrator.rows import CRASHES, RECENT
from orchestrator.rows import Rival as Rival
from orchestrator.rows import Row as Row
from orchestrator.train.ask import Train, TrainMoved
from sessions.events import (
    Active,
    AgentKnown,
    Answered,
    Counted,
    FailedToStart,
    Launched,
    Said,
    Sent,
    StatusChanged,
)
from sessions.models import BUSY, ENDED, Evidence, Model, SessionId, Source, State, Status

RUNS_ON = frozenset({State.WORKING, State.BACKGROUND, State.BLOCKED, State.DONE})
"""States in which a limit does not stop a session any more."""


class Fleet(Model):
    """All sessions that exist, in the order of their creation, as of ``seq``."""

    seq: int = 0
    rows: Mapping[SessionId, Row] = {}
    notices: tuple[Envelope, ...] = ()  # the last 50 Noticed
    trains: Mapping[str, Train] = {}  # the newest of every repository
    queue: Queue = Queue()
    repositories: tuple[str, ...] = ()  # every one that a session ever worked in
    budget: Book = Book()  # what was spent and allowed
    pace: Mapping[str, Pace] = {}  # what the human takes for each kind of item
    read_only: str | None = None  # why the ledger cannot be used, and what to do

    def __iter__(self) -> Iterator[Row]:  # type: ignore[override]
        return iter(self.rows.values())

    def named(self, name: str) -> Row | None:
        """The session of that name or id."""
        for row in self.rows.values():
            if name in (row.name, row.id):
                return row
        return None


def apply(fleet: Fleet, envelope: Envelope) -> Fleet:
    """The fleet after ``envelope``. Rows that the event does not touch stay the same object.

    An envelope that was applied already (``seq`` not newer) changes nothing; one for an unknown session counts
    only as progress of ``seq``.
    """
    if envelope.seq <= fleet.seq:
        return fleet
    event, session = envelope.event, envelope.session
    rows = fleet.rows
    notices, repositories = fleet.notices, fleet.repositories
    read_only, trains, queue, book = fleet.read_only, fleet.trains, fleet.queue, fleet.budget
    if isinstance(event, Noticed):
        notices = (*notices, envelope)[-50:]
    elif isinstance(event, TrainMoved):
        trains = {**trains, event.train.repository: event.train}
    elif isinstance(event, (TaskQueued, TaskLeft, QueueHeld)):
        queue = fold.apply(queue, event)
    elif isinstance(event, ReadOnly):
        read_only = f"{event.reason}; {event.hint}"
    elif isinstance(event, Unobserved):
        book = budgets.unobserved(book, rows, event.began)
        rows = {
            key: row.model_copy(update=update) if (update := _unwatched(row, event)) else row
            for key, row in rows.items()
        }
    elif session is not None:
        if isinstance(event, Created):
            new = _created(session, event, envelope.at)
            ordered = next((task.priority for task in queue.tasks if task.session == session), event.priority)
            rows = {**rows, session: new.model_copy(update={"priority": ordered}) if ordered else new}
            repositories = _with(repositories, event.repository)
        elif isinstance(event, Returned):
            rows = {**rows, session: _returned(session, event, envelope.at)}
            repositories = _with(repositories, event.created.repository)
        elif isinstance(event, Removed):
            if (row := rows.get(session)) is not None and not any(task.session == session for task in queue.tasks):
                queue = fold.gone(queue, row.name, landed=row.landing is not None)
            rows = {key: _without(row, session) for key, row in rows.items() if key != session}
        elif (row := rows.get(session)) is not None:
            rows = {**rows, session: _changed(row, envelope)}
    before, after = (fleet.rows.get(session), rows.get(session)) if session is not None else (None, None)
    return Fleet.model_construct(
        seq=envelope.seq,
        rows=rows,
        notices=notices,
        read_only=read_only,
        repositories=repositories,
        trains=trains,
        budget=budgets.step(book, before, after, envelope),
        queue=queue,
        pace=event.pace if isinstance(event, Paced) else fleet.pace,
    )


def straying(row: Row, event: Strayed) -> str:
    """How the worktree strayed, in words; empty when it did not."""
    match event.how:
        case "worktree gone":
            return "its worktree was removed"
        case "branch gone":
            return f"its branch {event.branch} was deleted"
        case "other branch":
            return f"{event.branch} is checked out instead of {row.branch}"
        case "detached":
            return f"no branch is checked out instead of {row.branch}"
        case _:
            return ""


def _unwatched(row: Row, event: Unobserved) -> dict[str, object]:
    """The change of a row that was busy when nobody watched: that time is not counted."""
    if row.busy_since is None:
        return {}
    return {**budgets.timed(row, None, event.began), "busy_since": max(event.ended, row.busy_since)}


def _without(row: Row, rival: SessionId) -> Row:
    """The row when a session is no rival of it any more; the same object when it was none."""
    left = tuple(known for known in row.rivals if known.session != rival)
    return row if left == row.rivals else row.model_copy(update={"rivals": left})


def _created(session: SessionId, event: Created, at: datetime) -> Row:
    return Row(
        id=session,
        created_at=at,
        active_at=at,
        status=Status(state=State.STARTING, since=at),
        **event.model_dump(exclude={"event"}),
    )


def kept(row: Row) -> Returned:
    """What the attic keeps of a session, so that it comes back as it was."""
    return Returned(
        created=Created.model_validate(row.model_dump()),
        **{name: getattr(row, name) for name in Returned.model_fields if name not in ("event", "created")},
    )


def _returned(session: SessionId, event: Returned, at: datetime) -> Row:
    back = Evidence(
        source=Source.ACTIVITY, channel="exit", state=State.EXITED, at=at, saw="it came back from the attic"
    )
    return _created(session, event.created, at).model_copy(
        update={
            "status": Status(state=State.EXITED, since=at, why=(back,)),
            **{name: getattr(event, name) for name in Returned.model_fields if name not in ("event", "created")},
        }
    )


def _with(repositories: tuple[str, ...], name: str) -> tuple[str, ...]:
    return repositories if name in repositories else (*repositories, name)


def _changed(row: Row, envelope: Envelope) -> Row:
    event, at = envelope.event, envelope.at
    match event:
        case Launched():
            update = {
                "pane": event.pane,
                "pid": event.pid,
                "generation": event.generation,
                "active_at": at,
                "launch_failure": None,
                "intent": None,
                "stopped": None,
                "paused": False,
                "parked": row.parked if row.parked is not None and row.parked.begun else None,
            }
            if event.resumed and row.status.state in (State.LOST, State.CRASHED):
                update["recovered"] = at
        case LaunchFailed():
            update = {"launch_failure": f"{event.reason} {event.hint}".strip(), "intent": None}
        case FailedToStart():
            shown = " · ".join(line.strip() for line in event.screen[-3:] if line.strip())
            update = {"launch_failure": f"{event.how}: {shown}" if shown else event.how}
        case Intended():
            update = {"intent": event.action}
            if event.action == "stop":
                update |= {"stopped": event.by, "parked": None}
            elif event.action == "resume" and event.by == "you":
                update["crashes"] = ()
        case Abandoned():
            update = {"intent": None}
            if event.action == "stop":
                update["stopped"] = None
        case AgentKnown():
            update = {
                key: value
                for key, value in (
                    ("agent_session_id", event.agent_session_id),
                    ("transcript", event.transcript),
                    ("agent_version", event.version),
                )
                if value is not None
            }
        case StatusChanged():
            update = {"status": event.status, **budgets.timed(row, event.status.state, at)}
            if event.status.state in RUNS_ON:
                update["parked"] = None
            if event.status.state in BUSY:
                update["checks"] = None  # the work goes on
            if event.status.state is State.CRASHED:
                update["crashes"] = (*(then for then in row.crashes if abs(at - then) < CRASHES), at)
            if event.status.state in ENDED and row.intent == "stop":
                update["intent"] = None
        case Counted():
            update = {"usage": event.total, "cost_usd": event.cost_usd, "cost_source": event.cost_source}
            update |= {"parkings": 0, **budgets.counted(row, event)}
            if event.response is not None:
                known = [r for r in row.responses if r.id != event.response.id and r.ended_at > at - RECENT]
                update["responses"] = (*known, event.response)
        case Active():
            update = {"active": event.active, "active_at": at}
        case Said():
            update = {"said": event.text, "asks": event.asks}
        case Sent() | Answered():
            update = {"active_at": at}
            if row.parked is not None and row.parked.begun:  # else it is parked anew since it was told
                update["parked"] = None
        case Parked():
            update = {"parked": event, "parkings": event.attempt}
        case Unparking():
            update = {"parked": row.parked.model_copy(update={"begun": True})} if row.parked is not None else {}
        case Changed():
            update = {
                "totals": event.totals,
                "drift": event.drift,
                "head": event.head,
                "conflicts": event.conflicts,
            }
        case Foreseen():
            row = _without(row, event.other)
            rival = Rival(session=event.other, paths=event.conflicts, earlier=event.earlier)
            update = {"rivals": (*row.rivals, rival) if event.conflicts else row.rivals}
        case Outdated():
            update = {"outdated": event.paths}
        case Seen():
            update = {}
            if row.status.state is State.DONE:
                update = {"status": row.status.model_copy(update={"state": State.IDLE})}
        case Snapshotted():
            update = {"snapshot": event.ref}
        case Strayed():
            update = {"strayed": straying(row, event)}
        case Checked():
            update = {} if row.status.state in BUSY else {"checks": event if event.words else None}
        case Commented():
            unsent = tuple(known for known in row.unsent if known != event.id)
            update = {"unsent": (*unsent, event.id) if event.text else unsent}
        case CommentsSent():
            update = {"unsent": tuple(known for known in row.unsent if known not in event.ids)}
        case Merging():
            update = {"merging": event.step, "merge_failure": None, "merge_conflicts": ()}
        case MergeFailed():
            update = {
                "merging": None,
                "merge_failure": event.reason,
                "merge_conflicts": event.conflicts,
            }
        case Merged():
            update = {"merging": None, "merge_failure": None, "merge_conflicts": ()}
            update |= {"part": event.landing.after} if event.landing.partial else {"landing": event.landing}
        case Followed():
            update = {"base_commit": event.base_commit, "head": event.head}
        case RequestOpened():
            update = {"request": event.url}
        case Paused():
            update = {"paused": event.paused}
        case Prioritised():
            update = {"priority": event.priority}
        case Snoozed():
            update = {"snoozed": event if event.mark else None}
        case Undone():
            update = {"landing": None} if event.unlanded else {}
        case Restored() | Pruned() | Reviewed() | Looked() | Focused():
            update = {}
        case Created() | Removed() | Returned() | Forgotten() | Noticed() | ReadOnly() | Unobserved() | TrainMoved():
            update = {}  # handled by apply: they do not change a row
        case Imported() | Planned() | Allowed() | Warned() | CapsRead() | Paced():
            update = {}  # of no session of ours, or kept in the budgets' book
        case TaskQueued() | TaskLeft() | QueueHeld():
            update = {}  # handled by apply: they do not change a row
        case _ as never:
            assert_never(never)
    return row.model_copy(update=update) if update else row
