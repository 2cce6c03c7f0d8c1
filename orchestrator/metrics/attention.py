"""How many agents a human keeps busy: neglect, interaction, fan-out and the queue in front of the human. Pure.

Fan-out: Olsen and Goodrich 2003. The split of waits: Cummings, Nehme, Crandall, *Predicting operator capacity*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

ENOUGH = 10
"""Interactions below which nothing is said of the human."""
FULL = (7, 10)
"""A human who is asked for more than 0.7 of the time is a queue that grows: a rule of thumb, not a law."""


@dataclass(frozen=True)
class Human:
    """How the fleet and its human fit. Times in microseconds; None: not enough data, or no such time.

    ``neglect`` is the median stretch of uninterrupted work (NT), ``interaction`` the median from focus to submit (IT).
    """

    interactions: int
    neglect: float | None = None
    interaction: float | None = None
    fan_out: float | None = None
    fan_out_with_waits: float | None = None
    arrivals: float | None = None  # λ, askings a second
    service: float | None = None  # μ, answers a second
    load: float | None = None  # ρ
    queue_wait: float | None = None  # Wq, microseconds; None: it grows without end
    recommended: int | None = None  # N*

    @property
    def enough(self) -> bool:
        return self.interactions >= ENOUGH


def human(
    stretches: Sequence[int],
    interactions: Sequence[int],
    agents: float,
    unnoticed: Sequence[int] = (),
    queued: Sequence[int] = (),
) -> Human:
    """From stretches of work, interactions and waits (microseconds each) of ``agents`` sessions on average.

    ``unnoticed`` and ``queued`` are WTSA and WTQ of every wait; their means go into the fan-out with waits.
    """
    count = len(interactions)
    if count < ENOUGH or not stretches:
        return Human(interactions=count)
    nt, it = float(median(stretches)), float(median(interactions))
    if it <= 0:
        return Human(interactions=count, neglect=nt, interaction=it)
    waits = _mean(unnoticed) + _mean(queued)
    arrivals, service = agents / (nt + it), 1 / it
    return Human(
        interactions=count,
        neglect=nt,
        interaction=it,
        fan_out=nt / it + 1,
        fan_out_with_waits=nt / (it + waits) + 1,
        arrivals=arrivals * 1e6,
        service=service * 1e6,
        load=arrivals / service,
        queue_wait=(arrivals / service) / (service - arrivals) if arrivals < service else None,
        recommended=recommended(nt, it),
    )


def recommended(neglect: float, interaction: float) -> int:
    """``N*``: the largest number of agents with ``ρ = N·IT/(NT + IT) ≤ 0.7``."""
    part, whole = FULL
    return int(part * (neglect + interaction) // (whole * interaction))


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def peak(stretches: Iterable[tuple[int, int]]) -> int:
    """The most that went on at once, of intervals; one that ends as another begins is not at once with it."""
    edges = sorted(edge for began, ended in stretches if ended > began for edge in ((began, 1), (ended, -1)))
    most = now = 0
    for _at, by in edges:
        now += by
        most = max(most, now)
    return most


def parallelism(busy: int, wall: int) -> float | None:
    """``∫C dt / wall`` with C(t) the sessions at work at t: microseconds of work of all, by those of the clock."""
    return busy / wall if wall > 0 else None


def per_landed(amount: float | None, landed: int) -> float | None:
    """What one landed change took of all that was spent, work that never landed included; None when nothing landed."""
    return amount / landed if amount is not None and landed > 0 else None
