"""What agents may spend: caps that pause and ask, and rate limits that park.

``orchestrator.budgets.starts.why_not`` is what is asked before a start.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.fleet import Fleet


def why_not(fleet: Fleet, agent: str, repository: str, now: datetime) -> str | None:
    """Why no session of ``agent`` should be started in ``repository`` now, in words; None: nothing is against it."""
    from orchestrator.budgets import starts  # settings and fleet import parts of this package

    return starts.why_not(fleet, agent, repository, now)
