"""What the derived tables hold of a stretch of time: the input of every figure. Times in microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.metrics.records import Interaction, Known, Stretch, Wait
from orchestrator.metrics.states import Spent


@dataclass(frozen=True, slots=True)
class Tokens:
    """All responses of one model in one session. ``unpriced``: responses for which there is no price."""

    session: str
    model: str
    responses: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    least: int  # 1: some were interrupted, so the counts are a lower bound
    cost: float | None
    unpriced: int
    sources: str


@dataclass(frozen=True)
class Facts:
    """``accounts`` are clipped to the window; a wait or a stretch of work that overlaps it is there as a whole."""

    since: int
    until: int
    known: Mapping[str, Known] = field(default_factory=dict)
    accounts: Mapping[str, Mapping[Spent, int]] = field(default_factory=dict)
    tokens: tuple[Tokens, ...] = ()
    waits: tuple[Wait, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    landed: Mapping[str, int] = field(default_factory=dict)
