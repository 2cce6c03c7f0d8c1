"""Output tokens per second. Pure.

A response's output is spread evenly over its own interval from request to last block; a response that tells only its
end is spread over the gap to the previous one, at most 300 s.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from orchestrator.metrics.series import rates
from sessions.models import Response

MICROSECOND = timedelta(microseconds=1)
LONGEST_GAP = timedelta(seconds=300)


def rate(responses: Iterable[Response], now: datetime, window: timedelta) -> float:
    """Output tokens per second over ``window`` before ``now``: responses that ended in it, by the part within it."""
    return series(responses, now, window, 1)[0]


def series(responses: Iterable[Response], now: datetime, window: timedelta, buckets: int) -> tuple[float, ...]:
    """Output tokens per second in ``buckets`` equal parts of ``window``, oldest first."""
    start = now - window
    outputs = []
    for began, ended, tokens in _intervals(responses):
        if ended <= start or began > now:
            continue
        if began == ended == now:  # what is made now belongs to the last part
            began = ended = now - MICROSECOND
        outputs.append(((began - start) // MICROSECOND, (ended - start) // MICROSECOND, float(tokens)))
    return tuple(rates(outputs, 0, window // MICROSECOND, buckets))


def _intervals(responses: Iterable[Response]) -> list[tuple[datetime, datetime, int]]:
    found: list[tuple[datetime, datetime, int]] = []
    previous: datetime | None = None
    for response in sorted(responses, key=lambda response: response.ended_at):
        ended = response.ended_at
        began = response.started_at
        if began is None or began > ended:
            gap = ended - previous if previous is not None else timedelta(0)
            began = ended - min(max(gap, timedelta(0)), LONGEST_GAP)
        found.append((began, ended, response.usage.output))
        previous = ended
    return found
