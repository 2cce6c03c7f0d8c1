"""The radar in the dashboard: the mark in the fleet, the matrix, what is behind a cell, and telling an agent."""

from __future__ import annotations

import pytest

from orchestrator.events import Foreseen
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, WIDE, dashboard


@pytest.fixture
def link() -> SampleLink:
    return SampleLink()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80", "120"])
async def test_the_fleet_marks_who_would_conflict(link: SampleLink, size: tuple[int, int]) -> None:
    plain = None
    async with dashboard(link, size) as shown:
        plain = next(line for line in shown.lines() if "cache-ttl" in line)
        link.emit("cache-ttl", Foreseen(other=link.session("api-retry"), conflicts=("src/client.py",), earlier=True))
        await shown.sees("cache-ttl ≠1")
        marked = next(line for line in shown.lines() if "cache-ttl" in line)
        assert marked.replace(" ≠1", "   ") == plain  # the columns stay where they are
