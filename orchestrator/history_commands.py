"""What can be asked of what was: snapshots of a session, the operation log, the attic."""

from __future__ import annotations

from typing import ClassVar, Literal

from orchestrator.replies import AtticReply, DiffReply, Done, OpsReply, UndoPreview
from sessions.models import Model
from worktrees.models import History, Moment, Restoration


class Snapshots(Model):
    Reply: ClassVar = History
    verb: Literal["snapshots"] = "snapshots"
    session: str


class TakeSnapshot(Model):
    """Keep what is there now; ``words`` say why."""

    Reply: ClassVar = Moment
    verb: Literal["snapshot"] = "snapshot"
    session: str
    words: str = ""


class Compare(Model):
    """What differs between two snapshots, named as a human names them. ``new`` None: now; ``old`` None: the one before.

    ``turn``: what the last turn did, or the one under way did so far.
    """

    Reply: ClassVar = DiffReply
    verb: Literal["compare"] = "compare"
    session: str
    old: str | None = None
    new: str | None = None
    turn: bool = False


class Restore(Model):
    """Bring a snapshot's files back; None: the newest that differs from now. ``head``: the branch goes back too."""

    Reply: ClassVar = Restoration
    verb: Literal["restore"] = "restore"
    session: str
    snapshot: str | None = None
    path: str | None = None
    head: bool = False
    dry_run: bool = False


class Ops(Model):
    """The operation log, newest first. ``repository``: only of that one."""

    Reply: ClassVar = OpsReply
    verb: Literal["ops"] = "ops"
    repository: str | None = None


class Attic(Model):
    """The removed sessions that can come back, newest first."""

    Reply: ClassVar = AtticReply
    verb: Literal["attic"] = "attic"


class PreviewUndo(Model):
    """``operation``: its id, or the first letters of it; empty: the newest one that holds."""

    Reply: ClassVar = UndoPreview
    verb: Literal["preview_undo"] = "preview_undo"
    operation: str = ""


class Undo(Model):
    """Take an operation back, as an operation of its own. ``operation`` as in PreviewUndo."""

    Reply: ClassVar = Done
    verb: Literal["undo"] = "undo"
    operation: str = ""
