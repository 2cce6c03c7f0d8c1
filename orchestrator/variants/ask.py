"""What can be asked of variants: launch, compare, diff and pick them."""

from __future__ import annotations

from typing import ClassVar, Literal

from orchestrator.budgets.settings import Cap
from orchestrator.replies import DiffReply
from sessions.models import Model, SessionId, Usage
from worktrees.models import Method

MOST = 20
"""Variants of one task."""


class Variant(Model):
    """Who works on the task. None: as for a task of its own."""

    agent: str | None = None
    model: str | None = None


class VariantsStarted(Model):
    """``names`` run, ``waiting`` do not yet, for ``reason``."""

    group: str
    names: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()


class RunVariants(Model):
    """Launch one session a variant, grouped under ``name`` (None: from the task). The rest is as in Run."""

    Reply: ClassVar = VariantsStarted
    verb: Literal["run_variants"] = "run_variants"
    repository: str
    prompt: str
    variants: tuple[Variant, ...]
    name: str | None = None
    base: str | None = None
    permission_mode: str | None = None
    isolation: Literal["worktree", "sealed"] | None = None
    method: Method | None = None
    env: dict[str, str] = {}
    trust: str | None = None
    budget: Cap | None = None
    now: bool = False


class Compared(Model):
    """One variant as it is now. ``seconds``: from its beginning until it last stopped working, or until now."""

    session: SessionId
    name: str
    agent: str
    model: str
    state: str
    files: int
    added: int
    removed: int
    uncommitted: int
    checks: str  # passed, flaky, failed, runs; empty: nothing is known
    failed: tuple[str, ...] = ()  # checks that are not good
    usage: Usage
    cost_usd: float | None
    seconds: float
    conflicts: tuple[str, ...]  # paths that would conflict with the target
    landed: bool = False
    said: str = ""


class VariantsReply(Model):
    group: str
    prompt: str
    repository: str
    target: str
    variants: tuple[Compared, ...]


class CompareVariants(Model):
    """Hold the variants of a group side by side. ``group``: its name, or that of one of them."""

    Reply: ClassVar = VariantsReply
    verb: Literal["compare_variants"] = "compare_variants"
    group: str


class DiffVariants(Model):
    """What differs between the work of two sessions of one repository, committed or not."""

    Reply: ClassVar = DiffReply
    verb: Literal["diff_variants"] = "diff_variants"
    one: str
    other: str


class Going(Model):
    """A variant that goes to the attic. ``unmerged``: commits that the target does not hold."""

    name: str
    state: str
    running: bool
    uncommitted: int
    unmerged: int


class PickReply(Model):
    """``going``: those that (would) go to the attic; ``failed``: why one stayed, by name."""

    kept: str
    group: str
    going: tuple[Going, ...]
    failed: dict[str, str] = {}


class Pick(Model):
    """Keep this variant; the others go to the attic, each with all of its work. ``dry_run``: only say which."""

    Reply: ClassVar = PickReply
    verb: Literal["pick"] = "pick"
    session: str
    dry_run: bool = False
