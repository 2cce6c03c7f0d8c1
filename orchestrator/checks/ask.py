"""Commands about checks, what they answer, and what of checks goes into the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from orchestrator.replies import Trust
from sessions.models import Model


class Word(Model):
    """A check in a run. ``state``: waits, runs, again (once more, because it failed), or how it came out."""

    name: str
    state: str
    seconds: float = 0
    reused: bool = False
    why: str = ""  # it is void, or was not run
    key: str = ""  # of its output


class Checked(Model):
    """What the checks say of the session's work so far, when ``done`` all of it. No words: they were not run after all.

    Written at the start of a run, when one of its checks begins or ends, and at its end.
    """

    event: Literal["checked"] = "checked"
    commit: str
    tree: str
    words: tuple[Word, ...] = ()
    done: bool = False

    @property
    def mark(self) -> str:
        """In one word: runs, failed, flaky, passed; empty when there is nothing to say."""
        states = {word.state for word in self.words}
        if states & {"failed", "timeout", "void"}:
            return "failed"
        if not self.done and self.words:
            return "runs"
        if "flaky" in states:
            return "flaky"
        return "passed" if "passed" in states else ""


class CheckLine(Model):
    """A check of a session's present work. ``state`` as in Word; empty when nothing is known of it."""

    name: str
    command: str
    state: str = ""
    seconds: float = 0
    exit_code: int | None = None
    reused: bool = False
    why: str = ""
    key: str = ""
    at: datetime | None = None
    after_stop: bool = True


class ChecksReply(Model):
    """``tree``: what is there now, uncommitted work included. ``log``: the end of the output that was asked for."""

    tree: str
    lines: tuple[CheckLine, ...]
    trust: Trust | None = None  # the checks are the repository's and not approved: none is run
    changes_rules: bool = False  # the branch changes .orchestrator.toml; that of the main checkout holds
    log: str = ""


class Checks(Model):
    """What is known of the present work. ``run``: run all of them anew; the reply does not wait for them."""

    Reply: ClassVar = ChecksReply
    verb: Literal["checks"] = "checks"
    session: str
    run: bool = False
    log: str | None = None  # the check whose output is wanted
    trust: str | None = None  # digest of the repository's commands that the human just approved


class CheckOutputReply(Model):
    output: str


class CheckOutput(Model):
    """The end of what a check printed, or prints now. ``key`` as in Word."""

    Reply: ClassVar = CheckOutputReply
    verb: Literal["check_output"] = "check_output"
    key: str
