"""What commands answer that look before something is done, and those about what was done."""

from __future__ import annotations

from datetime import datetime

from sessions.models import Model, SessionId
from worktrees.operations import Kind, Move, State


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
