"""The sample at work: ``python -m tests.orchestrator.sample busy``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sessions.events import Counted
from sessions.models import Response, Usage
from tests.orchestrator.sample import PANE, SampleLink


async def live(link: SampleLink, clock: Callable[[], datetime]) -> None:
    """Tokens are counted and a pane prints, for ever."""
    lines = PANE.splitlines()
    for step in range(1_000_000):
        await asyncio.sleep(0.25)
        link.now = clock()
        lines.append(f"  step {step}")
        link.picture("api-retry", "\n".join(lines[-60:]))
        if step % 8 == 0:
            usage, began = Usage(output=400), link.now - timedelta(seconds=2)
            response = Response(id=f"live{step}", usage=usage, started_at=began, ended_at=link.now)
            link.emit("api-retry", Counted(total=usage, response=response, cost_usd=1.0))
