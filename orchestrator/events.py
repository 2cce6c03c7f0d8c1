"""What can happen in the fleet, and the envelope in which the ledger keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.ask import Allowed, CapsRead, Parked, Unparking, Warned
from orchestrator.checks.ask import Checked
from orchestrator.commands import Isolation
from orchestrator.inbox.ask import Paced, Prioritised, Snoozed
from orchestrator.planner.ask import Planned
from orchestrator.queue.ask import QueueHeld, TaskLeft, TaskQueued
from orchestrator.review.ask import Commented, CommentsSent, Reviewed
from orchestrator.train.ask import TrainMoved
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
from sessions.models import Model, Response, SessionId, Usage
from worktrees.models import Conflict, Drift, Landing, Method, Totals


class Created(Model):
    """A session was asked for. Written before anything is done, so that a crash leaves a trace (write-ahead)."""

    event: Literal["created"] = "created"
    name: str
    agent: str
    prompt: str
    repository: str  # root of the main checkout
    branch: str
    base: str  # the revision as the user named it
    base_commit: str
    target: str  # branch that the work lands on
    worktree: str
    model: str | None = None
    isolation: Isolation = Isolation.WORKTREE
    boxed: bool = False  # sealed, and bubblewrap is around its program
    method: Method | None = None  # how its work lands; None: as the settings say
    on: SessionId | None = None  # the session whose branch this one's began at; `base` is its name
    resolves: SessionId | None = None  # the session whose conflicts it was asked about
    budget: Amount | None = None  # its own cap
    priority: int = 0  # how much it matters beside the others
    group: str | None = None  # of variants of one task


class LaunchFailed(Model):
    """The launch did not come to a running program. The worktree, if made, is kept."""

    event: Literal["launch_failed"] = "launch_failed"
    reason: str
    hint: str = ""


class Intended(Model):
    """Something that takes several steps was asked for. Written ahead, so that it is finished after a kill.

    ``by``: the human for this session, the human for all of them (``down --agents``), the restart after a
    crash, or the queue that needs its room.
    """

    event: Literal["intended"] = "intended"
    action: Literal["resume", "stop", "remove"]
    by: Literal["you", "down", "restart", "queue"] = "you"


class Abandoned(Model):
    """What was intended was not done, and will not be by itself."""

    event: Literal["abandoned"] = "abandoned"
    action: Literal["resume", "stop", "remove"]
    reason: str


class ReadOnly(Model):
    """The ledger on the disk cannot be used: this fleet was found without it and nothing of it is written down."""

    event: Literal["read_only"] = "read_only"
    reason: str
    hint: str


class Changed(Model):
    """What git says of the worktree now."""

    event: Literal["changed"] = "changed"
    totals: Totals
    drift: Drift
    head: str
    conflicts: tuple[str, ...] = ()  # paths that would conflict with the target today


class Foreseen(Model):
    """Merging the session with ``other`` would conflict in other paths than before; none: it merges cleanly now.

    Written for both of the two. ``earlier``: the other one began earlier, so it is expected to land first.
    """

    event: Literal["foreseen"] = "foreseen"
    other: SessionId
    conflicts: tuple[str, ...] = ()
    earlier: bool = False


class Outdated(Model):
    """The target has other versions than the worktree of files that the agent read; none: it has them all (again)."""

    event: Literal["outdated"] = "outdated"
    paths: tuple[str, ...] = ()


class Seen(Model):
    """The human looked at the finished turn: done becomes idle."""

    event: Literal["seen"] = "seen"


class Snapshotted(Model):
    event: Literal["snapshotted"] = "snapshotted"
    ref: str
    commit: str
    reason: str


class Restored(Model):
    """Files came back from a snapshot. ``head``: the commit that the branch went to; empty: it stayed."""

    event: Literal["restored"] = "restored"
    number: int
    commit: str
    path: str | None = None
    files: int
    head: str = ""
    before: str = ""  # ref that holds what was there


class Pruned(Model):
    """Old snapshots are dropped, each as "ref commit". Written before their refs go."""

    event: Literal["pruned"] = "pruned"
    snapshots: tuple[str, ...]


class Strayed(Model):
    """The worktree is not as we made it, or is again (``how`` empty). ``branch``: what HEAD is on."""

    event: Literal["strayed"] = "strayed"
    how: Literal["", "worktree gone", "branch gone", "other branch", "detached"] = ""
    branch: str = ""


class Merging(Model):
    """A landing is under way; ``step`` is shown to the human ("integrate", "check: pytest -q", "land")."""

    event: Literal["merging"] = "merging"
    step: str


class MergeFailed(Model):
    event: Literal["merge_failed"] = "merge_failed"
    reason: str
    hint: str = ""
    conflicts: tuple[Conflict, ...] = ()
    check_output: str = ""


class Merged(Model):
    event: Literal["merged"] = "merged"
    landing: Landing


class RequestOpened(Model):
    """The session's branch is a pull request at ``url``."""

    event: Literal["request_opened"] = "request_opened"
    url: str


class Followed(Model):
    """The target's commits came into the branch, which is at ``head`` now; what is its own is counted from the base."""

    event: Literal["followed"] = "followed"
    head: str
    base_commit: str


class Paused(Model):
    """Held by the human (``paused`` True) or released."""

    event: Literal["paused"] = "paused"
    paused: bool


class Removed(Model):
    """The worktree and the branch are gone; ``attic`` is the ref that still holds all of their work."""

    event: Literal["removed"] = "removed"
    attic: str


class Undone(Model):
    """An operation was taken back by another one. ``unlanded``: what landed is not on its target any more."""

    event: Literal["undone"] = "undone"
    operation: str  # id of the undo
    undoes: str
    what: str
    unlanded: bool = False


class Returned(Model):
    """A removed session is back from the attic as it was; no program runs in it."""

    event: Literal["returned"] = "returned"
    created: Created
    created_at: datetime
    generation: int = 0
    agent_session_id: str | None = None
    transcript: str | None = None
    agent_version: str | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None
    cost_source: str | None = None
    said: str = ""
    snapshot: str | None = None
    landing: Landing | None = None


class Looked(Model):
    """The human, active, had the session's question on the screen for the first time."""

    event: Literal["looked"] = "looked"


class Focused(Model):
    """The human turned to the envelope's session; None: to none, or was not active for a while."""

    event: Literal["focused"] = "focused"


class Unobserved(Model):
    """Nobody watched from ``began`` to ``ended``: the daemon was down, the machine slept, or its clock jumped ahead."""

    event: Literal["unobserved"] = "unobserved"
    why: Literal["daemon", "suspend", "clock"]
    began: datetime
    ended: datetime


class Imported(Model):
    """Responses of a conversation that was held without us, read from the agent's own file in ``folder``."""

    event: Literal["imported"] = "imported"
    agent: str
    conversation: str
    folder: str = ""
    responses: tuple[Response, ...] = ()


class Forgotten(Model):
    """Old operations are about to be pruned, a line each with the commits that nothing of ours keeps any more."""

    event: Literal["forgotten"] = "forgotten"
    repository: str
    operations: tuple[str, ...]


class Noticed(Model):
    """Something the human should read: a fault that was survived, a warning. ``level``: info, warning, error."""

    event: Literal["noticed"] = "noticed"
    level: Literal["info", "warning", "error"]
    title: str
    message: str


Event = Annotated[
    Created
    | LaunchFailed
    | Launched
    | FailedToStart
    | Intended
    | Abandoned
    | ReadOnly
    | AgentKnown
    | StatusChanged
    | Counted
    | Active
    | Said
    | Sent
    | Answered
    | Changed
    | Foreseen
    | Outdated
    | Seen
    | Snapshotted
    | Restored
    | Pruned
    | Strayed
    | Checked
    | Reviewed
    | Commented
    | CommentsSent
    | Merging
    | MergeFailed
    | Merged
    | Followed
    | RequestOpened
    | Paused
    | Removed
    | Undone
    | Returned
    | Forgotten
    | Looked
    | Focused
    | Unobserved
    | Imported
    | Planned
    | TrainMoved
    | Allowed
    | CapsRead
    | Warned
    | Parked
    | Unparking
    | TaskQueued
    | TaskLeft
    | QueueHeld
    | Prioritised
    | Snoozed
    | Paced
    | Noticed,
    Field(discriminator="event"),
]


class Envelope(Model):
    """One line of the ledger. ``seq`` grows by one; ``session`` is None for what concerns the whole fleet."""

    seq: int
    at: datetime
    session: SessionId | None = None
    event: Event
