"""What commands answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sessions.models import Entry, Model, SessionId, Status
from worktrees.models import Change, Method, Push
from worktrees.operations import Kind, Move, State


class Done(Model):
    """It was done. ``message`` is fit to be shown."""

    message: str = ""


class OpLine(Model):
    """An operation of the log. ``moves`` are its refs with their values before and after."""

    id: str
    at: datetime
    kind: Kind
    state: State
    session: SessionId
    name: str
    what: str
    note: str = ""
    repository: str
    undone_by: str | None = None
    foreign: bool = False  # without our seal: written under another home, or planted
    moves: tuple[Move, ...] = ()


class OpsReply(Model):
    operations: tuple[OpLine, ...]


class AtticEntry(Model):
    """A removed session. ``operation`` is its removal, whose undo brings it back."""

    operation: str
    session: SessionId
    name: str
    agent: str
    prompt: str
    removed_at: datetime
    kept_until: datetime
    repository: str
    branch: str
    tip: str
    worktree: str
    left_out: tuple[str, ...]


class AtticReply(Model):
    entries: tuple[AtticEntry, ...]


class UndoPreview(Model):
    """What an undo would do, a line each, computed without touching anything."""

    operation: str
    kind: Kind
    name: str
    what: str
    at: datetime
    repository: str
    tells: tuple[str, ...]
    refusal: str | None = None
    hint: str = ""


class LogReply(Model):
    """The ledger's events of one session, rendered one a line."""

    lines: tuple[str, ...]
    seq: int


class RemovePreview(Model):
    """What a removal takes away. Nothing is lost: all of it stays reachable from ``attic``."""

    uncommitted: int
    unmerged: int  # commits that the target does not hold
    running: bool
    attic: str


class DiffReply(Model):
    """All work of a session against its base or a snapshot, committed or not, untracked files included."""

    base: str
    changes: tuple[Change, ...]
    patch: str


class WhyReply(Model):
    status: Status
    paused: bool = False


class TranscriptReply(Model):
    entries: tuple[Entry, ...]


class AttachReply(Model):
    """How to reach the real pane: run ``argv`` outside tmux."""

    argv: tuple[str, ...]
    socket: str
    target: str


class Trust(Model):
    """Commands of a repository that the human has not approved. Approve all by sending ``digest`` back."""

    digest: str
    commands: tuple[str, ...] = ()  # in every new worktree
    checks: tuple[str, ...] = ()  # when an agent stops, and before a merge

    def __str__(self) -> str:
        """The question to the human, whole."""
        parts = (("in every new worktree", self.commands), ("to judge its agents' work", self.checks))
        said = [f"{where}:\n{''.join(map(_indented, what))}" for where, what in parts if what]
        return "".join(said).rstrip("\n")


def _indented(command: str) -> str:
    """Lines after the first stand deeper, so that one command cannot look like two."""
    return "    " + command.replace("\n", "\n        ") + "\n"


class TrustReply(Model):
    """The commands of a repository's ``.orchestrator.toml``, and whether exactly they are approved."""

    repository: str
    digest: str
    setup: tuple[str, ...]
    checks: tuple[str, ...]
    approved: bool
    revoked: int = 0  # approvals that were forgotten


class Started(Model):
    """``queued`` did not fit on this machine, and start when there is room: ``reason`` says what holds them back.

    ``not_started``: as ``queued``, of sessions that are not for the queue. ``notes``: what the human should know of
    how they were started.
    """

    names: tuple[str, ...]
    sessions: tuple[SessionId, ...]
    queued: tuple[str, ...] = ()
    not_started: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()


class Drafted(Model):
    """``by``: rule or model. ``note``: why no model drafted it although one was asked for."""

    message: str
    by: Literal["rule", "model"]
    note: str = ""


class Pushed(Model):
    """``operation``: its id in the operation log; empty: nothing was sent."""

    push: Push
    operation: str = ""


class Requested(Model):
    """``opened``: it was opened now, and was not there before."""

    url: str
    opened: bool


class MergePreview(Model):
    """What a merge would do, computed without touching anything."""

    target: str
    method: Method
    files: int
    added: int
    removed: int
    uncommitted: int
    behind: int
    conflicts: tuple[str, ...]
    message: str  # drafted commit message
    checks: tuple[str, ...]
    trust: Trust | None = None  # the checks are the repository's and not approved yet
    changes_rules: bool = False  # the branch changes .orchestrator.toml; the target's holds for this merge
    partial: bool = False  # only what was picked of the work; the rest stays with the session
    work: str = ""  # approval of what was looked at: Merge takes it as ``work``, and is refused when anything moved
    stacked: str = ""  # name of the session that it is stacked on and that has not landed
    drafts: bool = False  # a model may be asked for a better message
    trespass: str = ""  # a commit on the target that was not landed
    again: bool = False  # part of the branch landed before; only what came after lands
    refusal: str | None = None  # why it cannot be merged now
    hint: str = ""
