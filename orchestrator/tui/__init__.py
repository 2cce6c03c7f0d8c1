"""The dashboard. It reaches the fleet through a :class:`orchestrator.link.Link` alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.link import Link


def run(link_factory: Callable[[], Link], repository: Path, revive: Callable[[], None] | None = None) -> int:
    """Open the dashboard until the human detaches; returns the exit code. ``revive`` brings a lost daemon back."""
    from orchestrator.tui.app import Orchestrator

    app = Orchestrator(link_factory, repository, revive)
    app.run()
    return app.return_code or 0
