"""What can be asked about work that lands: look at it first, land it, push it, open a pull request."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from orchestrator.replies import Drafted, MergePreview, Pushed, Requested
from sessions.models import Model
from worktrees.models import Landing, Method
from worktrees.partial import Chosen


class After(StrEnum):
    """What becomes of a session whose work landed."""

    KEEP = "keep"  # it stays as it is
    CONTINUE = "continue"  # its branch is brought to what the target is now
    REMOVE = "remove"  # it goes to the attic


class PreviewMerge(Model):
    Reply: ClassVar = MergePreview
    verb: Literal["preview_merge"] = "preview_merge"
    session: str
    method: Method | None = None  # None: the session's, else that of the settings
    checks: tuple[str, ...] | None = None  # None: those of the settings
    part: Chosen | None = None  # only these files and hunks


class Merge(Model):
    """Land the work: integrate, check, compare-and-swap. Uncommitted work is committed first with ``message``."""

    Reply: ClassVar = Landing
    verb: Literal["merge"] = "merge"
    session: str
    method: Method | None = None  # None: the session's, else that of the settings
    checks: tuple[str, ...] | None = None  # None: those of the settings
    message: str | None = None
    work: str | None = None  # a preview's approval: what was looked at is what lands, or nothing
    trust: str | None = None  # digest of the repository's commands that the human just approved
    after: After | None = None  # None: as the settings say
    part: Chosen | None = None  # only these files and hunks; the rest stays with the session, which stays too


class Draft(Model):
    """Draft the message of a merge: by a model where the settings ask for one, else by rule. ``env``: the caller's."""

    Reply: ClassVar = Drafted
    verb: Literal["draft"] = "draft"
    session: str
    method: Method | None = None
    env: dict[str, str] = {}


class Push(Model):
    """Push a branch (default: the one that work lands on) under its own name; never forced. ``env``: the caller's."""

    Reply: ClassVar = Pushed
    verb: Literal["push"] = "push"
    repository: str
    branch: str | None = None
    dry_run: bool = False
    env: dict[str, str] = {}


class PullRequest(Model):
    """Push a session's branch and open a pull request. ``message``: title and body, drafted when None."""

    Reply: ClassVar = Requested
    verb: Literal["pull_request"] = "pull_request"
    session: str
    message: str | None = None
    draft: bool = False
    env: dict[str, str] = {}
