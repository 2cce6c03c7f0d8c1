"""What is drawn on a time axis: output tokens per second, and what each session was in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.metrics.states import SECOND, Spent


def spread(began: int, ended: int, tokens: float, width: int) -> list[tuple[int, float]]:
    """``tokens`` spread evenly over their time, as (number of the part of time, tokens in it)."""
    length = ended - began
    if length <= 0:
        return [(ended // width, float(tokens))]
    found = []
    for part in range(began // width, -(-ended // width)):
        within = min(ended, (part + 1) * width) - max(began, part * width)
        found.append((part, tokens * within / length))
    return found


def rates(outputs: Iterable[tuple[int, int, float]], since: int, until: int, columns: int) -> list[float]:
    """Output tokens per second in ``columns`` equal parts of the window."""
    width = max(1, -(-(until - since) // columns))
    sums = [0.0] * columns
    for began, ended, tokens in outputs:
        for part, amount in spread(began - since, ended - since, tokens, width):
            if 0 <= part < columns:
                sums[part] += amount
    return [total / (width / SECOND) for total in sums]


def strip(stretches: Sequence[tuple[int, int, Spent]], since: int, until: int, columns: int) -> list[Spent | None]:
    """The state that took most of each part of the window; None: the session was not there."""
    width = max(1, -(-(until - since) // columns))
    parts: list[dict[Spent, int]] = [{} for _ in range(columns)]
    for began, ended, state in stretches:
        first, last = max(0, (began - since) // width), min(columns - 1, (ended - 1 - since) // width)
        for part in range(first, last + 1):
            within = min(ended, since + (part + 1) * width) - max(began, since + part * width)
            parts[part][state] = parts[part].get(state, 0) + within
    return [max(part, key=lambda state: part[state]) if part else None for part in parts]
