"""When a limit ends, as agents word it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sessions.agents.resets import time

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("resets 3pm (UTC)", datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
        ("1:42am (UTC)", datetime(2026, 11, 25, 1, 42, tzinfo=UTC)),
        ("12:31pm (UTC)", datetime(2026, 11, 24, 12, 31, tzinfo=UTC)),
        ("12:29pm (UTC)", datetime(2026, 11, 24, 12, 29, tzinfo=UTC)),  # a limit of these minutes, not of tomorrow
        ("12:20pm (UTC)", datetime(2026, 11, 25, 12, 20, tzinfo=UTC)),
        ("12am (UTC)", datetime(2026, 11, 25, 0, 0, tzinfo=UTC)),
        ("3:45pm (Europe/Berlin)", datetime(2026, 11, 24, 14, 45, tzinfo=UTC)),
        ("Nov 28 at 3:45pm (UTC)", datetime(2026, 11, 28, 15, 45, tzinfo=UTC)),
        ("Nov 28th, 2026 3:45 PM (UTC)", datetime(2026, 11, 28, 15, 45, tzinfo=UTC)),
        ("Jan 2, 9am (UTC)", datetime(2027, 1, 2, 9, 0, tzinfo=UTC)),
        ("Feb 30, 9am (UTC)", None),
        ("soon", None),
    ],
)
def test_the_next_such_time(words: str, at: datetime | None) -> None:
    assert time(words, NOW) == at


def test_without_a_zone_it_is_local_and_not_long_past() -> None:
    found = time("5:15am", NOW)
    assert found is not None
    assert NOW - timedelta(minutes=5) < found <= NOW + timedelta(days=1)
    assert (found.astimezone().hour, found.astimezone().minute) == (5, 15)
