"""The dashboard. It reaches the fleet through a :class:`orchestrator.link.Link` alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from orchestrator.link import Link
from orchestrator.planner.ask import PlanReply


def run(
    link_factory: Callable[[], Link],
    repository: Path,
    revive: Callable[[], None] | None = None,
    left: Callable[[PlanReply], object] | None = None,
) -> int:
    """Open the dashboard until the human detaches; returns the exit code.

    ``revive`` brings a lost daemon back; ``left`` gets the plan that was neither launched nor thrown away.
    """
    from orchestrator.commands import Refused
    from orchestrator.config import load_settings
    from orchestrator.inbox.settings import AttentionSettings
    from orchestrator.tui.app import Orchestrator

    try:
        attention = load_settings(None, os.environ).attention
    except Refused:  # `orchestrator doctor` and the next launch say what is wrong with the file
        attention = AttentionSettings()
    app = Orchestrator(link_factory, repository, revive, attention=attention)
    app.run()
    if app.plan is not None and left is not None:
        left(app.plan)
    return app.return_code or 0
