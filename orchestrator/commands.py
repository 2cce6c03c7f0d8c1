"""What a human (or a program) can ask of the supervisor. One model a command, one reply a command.

``link.call(command)`` returns the command's ``Reply``; a refusal raises :class:`Refused` with the next step.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from orchestrator.budgets.ask import Allow as Allow
from orchestrator.budgets.ask import AskBudget as AskBudget
from orchestrator.budgets.settings import Cap
from orchestrator.checks.ask import CheckOutput, Checks
from orchestrator.conflict_commands import AskAgent as AskAgent
from orchestrator.conflict_commands import Conflicts as Conflicts
from orchestrator.conflict_commands import ConflictsReply as ConflictsReply
from orchestrator.conflict_commands import Resolve as Resolve
from orchestrator.conflict_commands import Resolved as Resolved
from orchestrator.history_commands import Attic as Attic
from orchestrator.history_commands import Compare as Compare
from orchestrator.history_commands import Ops as Ops
from orchestrator.history_commands import PreviewUndo as PreviewUndo
from orchestrator.history_commands import Restore as Restore
from orchestrator.history_commands import Snapshots as Snapshots
from orchestrator.history_commands import TakeSnapshot as TakeSnapshot
from orchestrator.history_commands import Undo as Undo
from orchestrator.inbox.ask import AskInbox as AskInbox
from orchestrator.inbox.ask import Prioritise as Prioritise
from orchestrator.inbox.ask import Snooze as Snooze
from orchestrator.landing_commands import After as After
from orchestrator.landing_commands import Draft as Draft
from orchestrator.landing_commands import Merge as Merge
from orchestrator.landing_commands import PreviewMerge as PreviewMerge
from orchestrator.landing_commands import PullRequest as PullRequest
from orchestrator.landing_commands import Push as Push
from orchestrator.metrics.asking import Attend as Attend
from orchestrator.metrics.asking import ImportUsage as ImportUsage
from orchestrator.metrics.asking import Stats as Stats
from orchestrator.metrics.asking import Throughput as Throughput
from orchestrator.notify.ask import Ring as Ring
from orchestrator.planner.ask import CheckPlan as CheckPlan
from orchestrator.planner.ask import PlanGoal as PlanGoal
from orchestrator.planner.ask import StopPlan as StopPlan
from orchestrator.queue.ask import AddTasks as AddTasks
from orchestrator.queue.ask import ShowQueue as ShowQueue
from orchestrator.queue.ask import SteerQueue as SteerQueue
from orchestrator.replies import AttachReply as AttachReply
from orchestrator.replies import DiffReply as DiffReply
from orchestrator.replies import Done as Done
from orchestrator.replies import Drafted as Drafted
from orchestrator.replies import LogReply, RemovePreview
from orchestrator.replies import MergePreview as MergePreview
from orchestrator.replies import Pushed as Pushed
from orchestrator.replies import Requested as Requested
from orchestrator.replies import Started as Started
from orchestrator.replies import TranscriptReply as TranscriptReply
from orchestrator.replies import Trust as Trust
from orchestrator.replies import TrustReply as TrustReply
from orchestrator.replies import WhyReply as WhyReply
from orchestrator.review.ask import Blob as Blob
from orchestrator.review.ask import Comment as Comment
from orchestrator.review.ask import MarkReviewed as MarkReviewed
from orchestrator.review.ask import Review as Review
from orchestrator.review.ask import SendComments as SendComments
from orchestrator.sights import Foresee as Foresee
from orchestrator.sights import LookInto as LookInto
from orchestrator.train.ask import PreviewTrain, StartTrain, SteerTrain, Trains
from orchestrator.variants.ask import CompareVariants as CompareVariants
from orchestrator.variants.ask import DiffVariants as DiffVariants
from orchestrator.variants.ask import Pick as Pick
from orchestrator.variants.ask import RunVariants as RunVariants
from sessions.models import Model, QuestionId
from worktrees.models import Method


class Refused(Exception):
    """The supervisor will not or cannot do it. ``hint`` names the next step."""

    def __init__(self, message: str, hint: str = "", trust: Trust | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.trust = trust


class Isolation(StrEnum):
    """What a session works in: a linked worktree, or a clone of its own, boxed in where bubblewrap works."""

    WORKTREE = "worktree"
    SEALED = "sealed"


class Run(Model):
    """Launch ``count`` sessions of one task. ``env`` is the caller's environment; it reaches the agent unchanged."""

    Reply: ClassVar = Started
    verb: Literal["run"] = "run"
    repository: str
    prompt: str
    agent: str | None = None
    base: str | None = None
    name: str | None = None
    count: int = 1
    model: str | None = None
    permission_mode: str | None = None
    isolation: Isolation | None = None  # None: that of the settings
    method: Method | None = None  # how its work lands; None: as the settings say
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    trust: str | None = None  # digest of the repository's commands that the human just approved
    budget: Cap | None = None  # what each of them may take
    now: bool = False  # also while its account is at a rate limit, or what may be spent today is spent
    resolves: str | None = None  # the session whose conflicts it is asked about: it proposes, and never lands
    group: str | None = None  # of variants of one task


class Send(Model):
    Reply: ClassVar = Done
    verb: Literal["send"] = "send"
    session: str
    text: str


class Answer(Model):
    """Answer the open question. With ``question`` set it is refused when another one is open by now."""

    Reply: ClassVar = Done
    verb: Literal["answer"] = "answer"
    session: str
    choice: str = ""
    text: str = ""
    question: QuestionId | None = None


class Press(Model):
    """Keys typed through to the pane, in tmux's names; ``literal`` text is sent as it is."""

    Reply: ClassVar = Done
    verb: Literal["press"] = "press"
    session: str
    keys: tuple[str, ...] = ()
    literal: str = ""


class Interrupt(Model):
    Reply: ClassVar = Done
    verb: Literal["interrupt"] = "interrupt"
    session: str


class Stop(Model):
    """End the program in its own clean way; the worktree stays."""

    Reply: ClassVar = Done
    verb: Literal["stop"] = "stop"
    session: str


class Resume(Model):
    """Start the agent again in the same worktree with its own conversation."""

    Reply: ClassVar = Done
    verb: Literal["resume"] = "resume"
    session: str
    env: dict[str, str] = {}


class Resumed(Model):
    """``failed``: the reason by name. ``left``: lost ones that the human stopped or holds."""

    names: tuple[str, ...]
    failed: dict[str, str] = {}
    left: tuple[str, ...] = ()


class ResumeAll(Model):
    """Start every session again that was lost or crashed, but for those that the human stopped or holds."""

    Reply: ClassVar = Resumed
    verb: Literal["resume_all"] = "resume_all"
    env: dict[str, str] = {}


class ScreenReply(Model):
    """What a session's pane showed last; empty when nothing was kept."""

    lines: tuple[str, ...]
    at: datetime | None = None


class LastScreen(Model):
    Reply: ClassVar = ScreenReply
    verb: Literal["last_screen"] = "last_screen"
    session: str


class Pause(Model):
    """Hold (SIGSTOP the process group) or release."""

    Reply: ClassVar = Done
    verb: Literal["pause"] = "pause"
    session: str
    paused: bool


class Update(Model):
    """Bring the target's new commits into the session's branch; what landed of it is not there twice."""

    Reply: ClassVar = Done
    verb: Literal["update"] = "update"
    session: str


class See(Model):
    """The human looks at this session."""

    Reply: ClassVar = Done
    verb: Literal["see"] = "see"
    session: str


class TrustRepository(Model):
    """Show a repository's own commands. ``digest`` approves them as they were shown, ``revoke`` forgets approvals."""

    Reply: ClassVar = TrustReply
    verb: Literal["trust"] = "trust"
    repository: str
    digest: str | None = None
    revoke: bool = False


class PreviewRemove(Model):
    Reply: ClassVar = RemovePreview
    verb: Literal["preview_remove"] = "preview_remove"
    session: str


class Remove(Model):
    """Snapshot, stop the program, remove worktree and branch. All work stays in the attic."""

    Reply: ClassVar = Done
    verb: Literal["remove"] = "remove"
    session: str


class Diff(Model):
    Reply: ClassVar = DiffReply
    verb: Literal["diff"] = "diff"
    session: str


class Why(Model):
    Reply: ClassVar = WhyReply
    verb: Literal["why"] = "why"
    session: str


class Transcript(Model):
    Reply: ClassVar = TranscriptReply
    verb: Literal["transcript"] = "transcript"
    session: str


class Log(Model):
    """Events of a session with ``seq`` above ``after``."""

    Reply: ClassVar = LogReply
    verb: Literal["log"] = "log"
    session: str
    after: int = 0


class Attach(Model):
    Reply: ClassVar = AttachReply
    verb: Literal["attach"] = "attach"
    session: str


class Down(Model):
    """End the daemon. With ``agents`` every agent is stopped too; worktrees and branches always stay."""

    Reply: ClassVar = Done
    verb: Literal["down"] = "down"
    agents: bool = False


Command = Annotated[
    Run
    | Send
    | Answer
    | Press
    | Interrupt
    | Stop
    | Resume
    | ResumeAll
    | LastScreen
    | Pause
    | Update
    | See
    | PreviewMerge
    | Merge
    | Draft
    | Push
    | PullRequest
    | PreviewRemove
    | Remove
    | TrustRepository
    | Snapshots
    | TakeSnapshot
    | Compare
    | Restore
    | Ops
    | Attic
    | PreviewUndo
    | Undo
    | Foresee
    | LookInto
    | Conflicts
    | Resolve
    | AskAgent
    | Diff
    | Why
    | Transcript
    | Log
    | Attach
    | Checks
    | CheckOutput
    | Review
    | MarkReviewed
    | Comment
    | SendComments
    | Blob
    | Stats
    | Attend
    | Ring
    | Throughput
    | ImportUsage
    | PreviewTrain
    | StartTrain
    | Trains
    | SteerTrain
    | AskBudget
    | Allow
    | AskInbox
    | Prioritise
    | Snooze
    | PlanGoal
    | StopPlan
    | CheckPlan
    | RunVariants
    | CompareVariants
    | DiffVariants
    | Pick
    | AddTasks
    | ShowQueue
    | SteerQueue
    | Down,
    Field(discriminator="verb"),
]
