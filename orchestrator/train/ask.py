"""What a train is, what can be asked of it, and what of it goes into the ledger: always the whole of it, as it is."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from orchestrator.replies import Done, Trust
from sessions.models import Model, SessionId
from worktrees.models import Method


class Entry(Model):
    """A session's work in a train, as it was when it was put in: ``tree`` is what lands, or nothing.

    ``state``: waits; lands (it is proven, its landing has begun); landed; rejected; left (it was taken out, or its
    target holds it already).
    """

    session: SessionId
    name: str
    branch: str
    commit: str  # its work, uncommitted files included
    tree: str
    method: Method
    priority: int = 0  # higher ones go first
    state: Literal["waits", "lands", "landed", "rejected", "left"] = "waits"
    why: str = ""
    behind: tuple[str, ...] = ()  # names of those before it that it conflicts with in the same lines
    partners: tuple[str, ...] = ()  # names of those that it fails together with and not without
    exact: bool = True  # none of the partners can be left out
    check: str = ""  # the check that failed
    key: str = ""  # of that check's output
    told: str = ""  # what became of the message to its agent
    after: str = ""  # the target's commit when it had landed
    deciding: bool = False  # who is to blame is being found out
    base: str = ""  # it failed on this commit of the target …
    ahead: tuple[SessionId, ...] = ()  # … with these before it


class Combined(Model):
    """A test of a combined tree: the target with these, in their order. ``about``: it is only to explain that one."""

    tree: str
    names: tuple[str, ...]
    state: Literal["runs", "passed", "failed"] = "runs"
    now: str = ""  # the check that runs
    check: str = ""  # the check that failed
    key: str = ""  # of a check's output
    seconds: float = 0
    about: str = ""


class Train(Model):
    """A queue of works that land together on a branch. ``trouble``: why it was paused by itself."""

    id: str
    repository: str
    target: str
    at: datetime
    base: str  # the target's commit when nothing of what is being tested had landed
    since: tuple[SessionId, ...] = ()  # what landed on the base, in order
    entries: tuple[Entry, ...]
    tests: tuple[Combined, ...] = ()
    workers: int = 2
    return_failures: bool = False
    checks: str = ""  # stands for their definitions
    outcomes: tuple[bool, ...] = ()
    state: Literal["runs", "paused", "done", "cancelled"] = "runs"
    trouble: str = ""
    plan: str = ""  # what it does now, in words

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """In the order in which they land."""
        found = (entry for entry in self.entries if entry.state in ("waits", "lands"))
        return tuple(sorted(found, key=lambda entry: -entry.priority))

    @property
    def active(self) -> bool:
        return self.state in ("runs", "paused")

    def entry(self, session: str) -> Entry | None:
        return next((entry for entry in self.entries if session in (entry.session, entry.name)), None)

    def put(self, session: str, **update: object) -> Train:
        """With that entry changed."""
        entries = tuple(
            entry.model_copy(update=update) if entry.session == session else entry for entry in self.entries
        )
        return self.model_copy(update={"entries": entries})


class TrainMoved(Model):
    """A train is formed, or anything of it is different."""

    event: Literal["train_moved"] = "train_moved"
    train: Train


class TrainReply(Model):
    train: Train


class TrainsReply(Model):
    """The newest train of every repository."""

    trains: tuple[Train, ...]


class Wagon(Model):
    """What would become of a session's work in a train. ``refusal``: it cannot be put in."""

    session: SessionId
    name: str
    branch: str
    files: int = 0
    added: int = 0
    removed: int = 0
    conflicts: tuple[str, ...] = ()  # paths, with the target or with those before it
    behind: tuple[str, ...] = ()  # names of those before it that it conflicts with
    refusal: str = ""
    hint: str = ""
    checked: str = ""  # what checks said of it alone


class TrainPreview(Model):
    """``checks``: what judges every combined tree. ``trust``: they are the repository's and not approved yet."""

    repository: str
    target: str
    wagons: tuple[Wagon, ...]
    checks: tuple[str, ...] = ()
    trust: Trust | None = None
    joins: bool = False  # a train runs there already: they are put at its end


class PreviewTrain(Model):
    """What starting a train would do. No sessions: all that are ready, of ``repository`` or of the only one."""

    Reply: ClassVar = TrainPreview
    verb: Literal["preview_train"] = "preview_train"
    sessions: tuple[str, ...] = ()
    repository: str | None = None


class StartTrain(Model):
    """Land several works, tested together. While a train runs there they are put at its end.

    ``return_failures``: what is rejected goes back to its agent with the failing output as a message; None: as the
    settings say.
    """

    Reply: ClassVar = TrainReply
    verb: Literal["start_train"] = "start_train"
    sessions: tuple[str, ...] = ()
    repository: str | None = None
    workers: int | None = None
    return_failures: bool | None = None
    priority: int = 0
    trust: str | None = None  # digest of the repository's commands that the human just approved


class Trains(Model):
    Reply: ClassVar = TrainsReply
    verb: Literal["trains"] = "trains"


class SteerTrain(Model):
    """``move`` puts a waiting one at a place (1: the front; 0: the end), ``out`` takes it out.

    ``repository`` None: the only train that is under way.
    """

    Reply: ClassVar = Done
    verb: Literal["steer_train"] = "steer_train"
    do: Literal["pause", "resume", "cancel", "move", "out"]
    repository: str | None = None
    session: str = ""
    place: int | None = None
    priority: int | None = None
