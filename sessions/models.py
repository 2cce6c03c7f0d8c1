"""The words of a session: states, questions, evidence, usage. Frozen; they cross wires and disks."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NewType

from pydantic import BaseModel, ConfigDict

from sessions.commandline.effect import Risk

SessionId = NewType("SessionId", str)
QuestionId = NewType("QuestionId", str)


class Model(BaseModel):
    """Base of everything frozen. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class State(StrEnum):
    """What a session is doing. ``BLOCKED`` always comes with a :class:`Kind`."""

    STARTING = "starting"
    WORKING = "working"
    BACKGROUND = "background"  # turn over, shells or subagents still run
    BLOCKED = "blocked"  # waits for a human
    DONE = "done"  # turn over, nobody looked yet
    IDLE = "idle"  # at its prompt, nothing asked
    RATE_LIMITED = "rate_limited"
    RETRYING = "retrying"
    FAILED = "failed"  # the turn ended in an error
    EXITED = "exited"  # the program ended by itself
    CRASHED = "crashed"  # the program was killed or ended with an error
    LOST = "lost"  # its pane is gone: tmux died or the machine rebooted
    PAUSED = "paused"
    UNKNOWN = "unknown"


ENDED = frozenset({State.EXITED, State.CRASHED, State.LOST})
"""States in which no program runs."""

BUSY = frozenset({State.STARTING, State.WORKING, State.BACKGROUND, State.RETRYING})
"""States in which the agent needs nobody."""


class Kind(StrEnum):
    """Why a session is blocked."""

    PERMISSION = "permission"
    QUESTION = "question"
    PLAN = "plan"
    DIALOG = "dialog"  # trust, login, settings warning: about the program, not the task
    BUDGET = "budget"  # not the agent asks: what it may spend is spent


class Option(Model):
    """One choice of a question. ``key`` is what ``orchestrator answer`` takes and what the human presses."""

    key: str
    label: str
    detail: str = ""


class Question(Model):
    """Something that a human must decide.

    ``id`` names this very asking: an answer carries it and is refused when it is gone. It is derived from the
    agent's own id of the request where there is one, so it is the same after a restart of the daemon.
    """

    id: QuestionId
    kind: Kind
    title: str
    text: str
    options: tuple[Option, ...] = ()
    multiple: bool = False  # several options may be taken together
    free_text: bool = False  # an answer in words is accepted
    command: str | None = None  # the command line asked about
    path: str | None = None  # the file asked about
    tool: str = ""  # the agent's own name of the tool, where the title does not begin with it ("Write: a.py")
    asked_at: datetime
    risk: Risk | None = None  # the worst that a yes can do; None: no permission is asked for
    risk_because: str = ""  # what decided that, for people


class Source(IntEnum):
    """Where evidence comes from; a lower number wins over a higher one."""

    AGENT = 1  # the agent's own live state
    HOOK = 2
    TRANSCRIPT = 3
    TITLE = 4  # terminal title, OSC
    SCREEN = 5
    ACTIVITY = 6  # bytes from the pane, child processes, the exit of the process


class Evidence(Model):
    """One thing seen that speaks for a state.

    ``channel`` names the thing that speaks (``"session-file"``, ``"hook"``, ``"osc7501"``): newer evidence of a
    channel replaces its older. ``state`` None means that the channel has nothing to say any more.
    """

    source: Source
    channel: str
    state: State | None
    kind: Kind | None = None
    question: Question | None = None
    at: datetime
    saw: str = ""  # what was seen, quoted and short
    rule: str | None = None  # the screen rule that matched
    until: datetime | None = None  # rate limits: when it ends
    exit_code: int | None = None


class Status(Model):
    """The verdict: a state, since when, and the evidence, the winner first."""

    state: State
    kind: Kind | None = None
    since: datetime
    question: Question | None = None
    until: datetime | None = None
    exit_code: int | None = None
    why: tuple[Evidence, ...] = ()


class Usage(Model):
    """Tokens. ``input`` excludes cache reads and writes; ``output`` includes reasoning."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    lower_bound: bool = False  # an interrupted response was counted too low by the agent's own log

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            reasoning=self.reasoning + other.reasoning,
            lower_bound=self.lower_bound or other.lower_bound,
        )


class Response(Model):
    """One answer of a model. ``id`` is the provider's: the same id seen again replaces the earlier record."""

    id: str
    model: str = ""
    usage: Usage
    started_at: datetime | None = None  # request sent; None when the agent does not tell
    ended_at: datetime
    cost_usd: float | None = None  # the agent's own figure
    final: bool | None = None  # it calls no tool, so the turn ends with it; None: the agent does not tell


class Role(StrEnum):
    USER = "user"
    AGENT = "agent"
    TOOL = "tool"
    NOTE = "note"


class Entry(Model):
    """One entry of a transcript, made for reading."""

    at: datetime | None = None
    role: Role
    title: str = ""  # tool entries: "Read src/client.py"
    text: str = ""


class Spec(Model):
    """What to launch. ``resume`` is the agent's own conversation id when it is to be continued."""

    agent: str
    name: str
    prompt: str = ""
    model: str | None = None
    base_url: str | None = None
    permission_mode: str | None = None
    args: tuple[str, ...] = ()  # further arguments from the settings, before the prompt
    command: tuple[str, ...] = ()  # replaces the program (and for the `command` agent: is the program)
    agent_session_id: str | None = None
    resume: bool = False
    repository: str = ""  # root of the main checkout: agents look trust up under it
    started_at: datetime | None = None  # this launch; what is older in an agent's files tells of an earlier one
