"""What git knows about a worktree, as frozen data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of everything frozen. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Worktree(Model):
    """A checkout. ``branch`` is None when HEAD is detached."""

    path: Path
    head: str
    branch: str | None = None
    main: bool = False
    locked: bool = False
    missing: bool = False  # registered, but its folder is gone


class Drift(Model):
    """How far a branch and its base have moved apart, in commits."""

    ahead: int
    behind: int
    merge_base: str


class ChangeKind(StrEnum):
    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    RENAMED = "R"
    TYPE = "T"


class Line(Model):
    """One line of a hunk. ``sign`` is " ", "+" or "-"; a number is None on the side that lacks the line."""

    sign: str
    text: str
    old: int | None = None
    new: int | None = None


class Hunk(Model):
    header: str  # what git prints after the second @@
    old_start: int
    new_start: int
    lines: tuple[Line, ...]


class Change(Model):
    """One file of a diff. ``added`` and ``removed`` are None for binary files."""

    kind: ChangeKind
    path: str
    old_path: str | None = None
    added: int | None = 0
    removed: int | None = 0
    binary: bool = False
    untracked: bool = False
    hunks: tuple[Hunk, ...] = ()


class Totals(Model):
    """Counts of everything that differs from the base, committed or not, untracked files included."""

    files: int = 0
    added: int = 0
    removed: int = 0
    uncommitted: int = 0  # files with changes that no commit holds


class Snapshot(Model):
    """All work of a worktree at one moment, untracked files included, as a commit under a ref of ours."""

    ref: str
    commit: str
    tree: str
    parent: str  # the commit that was checked out; empty when the branch was gone
    at: datetime
    reason: str
    left_out: tuple[str, ...] = ()  # ignored files too large to be kept, and whole ignored folders ("name/")


class Moment(Model):
    """A snapshot as a step of a session's history: what it changed against the one before it."""

    number: int
    snapshot: Snapshot
    files: int = 0
    added: int = 0
    removed: int = 0


class Restoration(Model):
    """What a restore brings back, and what it takes away; nothing was done while ``before`` is None."""

    to: Snapshot
    path: str | None = None  # only this file or folder
    changes: tuple[Change, ...] = ()  # from what is there to what is wanted
    left_alone: tuple[str, ...] = ()  # ignored files that the snapshot does not hold
    branch: str | None = None  # what is checked out before; None: nothing, or detached
    head_now: str = ""
    head_moves: bool = False  # the branch goes back to the snapshot's commit too
    rebuilt: bool = False  # the worktree's folder was gone
    before: Snapshot | None = None  # holds what was there
    after: Snapshot | None = None


class History(Model):
    """A session's snapshots, newest first."""

    moments: tuple[Moment, ...] = ()


class Method(StrEnum):
    SQUASH = "squash"
    MERGE = "merge"
    REBASE = "rebase"
    FF = "ff"


class Conflict(Model):
    """A path that cannot be merged by itself. ``kind`` is git's own word (content, modify/delete, rename …)."""

    path: str
    kind: str
    text: str = ""  # the file with conflict markers, when git could make one


class Outcome(StrEnum):
    """How a check came out. GOOD holds those that let work land."""

    PASSED = "passed"
    FLAKY = "flaky"  # it failed, and passed when it was run once more
    SKIPPED = "skipped"  # nothing that it is about was changed
    FAILED = "failed"
    TIMEOUT = "timeout"  # it ran into its deadline and was ended
    VOID = "void"  # what it said does not count
    BLOCKED = "blocked"  # a check that it needs is not good


GOOD = frozenset({Outcome.PASSED, Outcome.FLAKY, Outcome.SKIPPED})


class Clash(Model):
    """A path in conflict with what each side did to it since they parted."""

    conflict: Conflict
    one: tuple[Change, ...] = ()
    other: tuple[Change, ...] = ()


class Settled(Model):
    """A branch's commits up to ``tip`` are in its target since that was ``after``, by other commits than their own."""

    tip: str
    after: str


class Push(Model):
    """A branch on its way to a remote. ``before``: what the remote had, None: no such branch."""

    remote: str
    url: str
    branch: str
    before: str | None
    after: str
    commits: int = 0


class CheckResult(Model):
    """What a command said of a tree. ``not_run``: why it was not run; then nothing else holds but ``blocked``."""

    command: str
    exit_code: int | None  # None: it ran into its deadline and was killed
    output: str  # the last 64 KiB
    seconds: float
    flaky: bool = False  # it failed first (the output tells how) and passed when it was run once more
    name: str = ""  # as the settings call it
    void: str = ""  # why its word does not count
    not_run: str = ""
    blocked: bool = False  # it was not run because one that it needs is not good
    reused: bool = False  # of an earlier run on the same tree, with the same definition and environment
    key: str = ""  # stands for tree, definition and environment
    at: datetime | None = None  # when it ended

    @property
    def passed(self) -> bool:
        """It ran and its word is good."""
        return self.exit_code == 0 and not self.void and not self.not_run

    @property
    def outcome(self) -> Outcome:
        if self.not_run:
            return Outcome.BLOCKED if self.blocked else Outcome.SKIPPED
        if self.void:
            return Outcome.VOID
        if self.exit_code is None:
            return Outcome.TIMEOUT
        if self.exit_code != 0:
            return Outcome.FAILED
        return Outcome.FLAKY if self.flaky else Outcome.PASSED

    @property
    def good(self) -> bool:
        """It does not keep work from landing."""
        return self.outcome in GOOD


class Landing(Model):
    """A branch's work that went into its target. ``before``: what the target ref was, for undo."""

    branch: str
    target: str
    method: Method
    before: str
    after: str
    at: datetime
    updated_checkout: Path | None = None  # the user's clean checkout of the target that was brought along
    check: CheckResult | None = None  # a flaky one if there was one, else the last
    checks: tuple[CheckResult, ...] = ()  # without their output
    operation: str = ""  # its id in the operation log
    tip: str = ""  # the branch's commit that landed; empty in what an older version wrote
    partial: bool = False  # only what was picked of the work; `tip` is a commit made of that
    then: str = ""  # what became of the session afterwards, in words

    @property
    def settled(self) -> Settled | None:
        """What need not land again."""
        return Settled(tip=self.tip, after=self.after) if self.tip and not self.partial else None
