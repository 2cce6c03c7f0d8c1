"""What can be asked about a session that conflicts with its target: look, decide, let an agent propose."""

from __future__ import annotations

from typing import ClassVar, Literal

from orchestrator.replies import Started
from sessions.models import Model
from worktrees.problems import Problem, Resolution, Take


class Offer(Model):
    """A resolution that nobody took yet, and whose it is: remembered, mergiraf, or an agent's session by name."""

    by: str
    resolution: Resolution


class Proposal(Model):
    """What an agent makes of the whole merge. ``state``: works, ready, or why it cannot be taken."""

    session: str  # name
    state: str
    tree: str = ""  # empty while it cannot be taken
    checks: str = ""  # what they say of it, in words
    also: tuple[str, ...] = ()  # files that it changes besides those in conflict


class ConflictsReply(Model):
    """``work`` stands for what was looked at. ``ours`` is the target, ``theirs`` the session."""

    session: str
    ours: str
    theirs: str
    work: str
    problems: tuple[Problem, ...] = ()
    draft: tuple[Resolution, ...] = ()  # decided before, and not accepted
    offers: tuple[Offer, ...] = ()
    proposals: tuple[Proposal, ...] = ()


class Conflicts(Model):
    """The conflicts of a session's work, uncommitted too, with its target. Changes nothing."""

    Reply: ClassVar = ConflictsReply
    verb: Literal["conflicts"] = "conflicts"
    session: str


class Resolved(Model):
    """``left``: decisions that are open. ``tip``: the branch's merge commit, empty until it was accepted."""

    message: str
    left: int = 0
    tip: str = ""


class Resolve(Model):
    """Decide about conflicts. When nothing is open the branch gets the merge, unless ``keep`` asks to only keep it.

    ``resolutions`` replace those of the draft; ``take`` decides all of ``files`` (none: all that is open) by one side;
    ``proposal`` is the tree of one that was shown. ``work``: refuse anything else than what was looked at.
    """

    Reply: ClassVar = Resolved
    verb: Literal["resolve"] = "resolve"
    session: str
    work: str | None = None
    resolutions: tuple[Resolution, ...] = ()
    take: Take | None = None
    files: tuple[str, ...] = ()
    proposal: str | None = None
    keep: bool = False
    message: str | None = None


class AskAgent(Model):
    """Start ``agent`` (None: the session's own) on the conflicted merge in a worktree of its own: it only proposes."""

    Reply: ClassVar = Started
    verb: Literal["ask_agent"] = "ask_agent"
    session: str
    agent: str | None = None
    trust: str | None = None
    env: dict[str, str] = {}
