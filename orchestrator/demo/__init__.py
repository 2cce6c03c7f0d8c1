"""The main job on a throw-away repository: five agents whose model is a script, everything else is real.

State, settings, tmux server and repository lie in one temporary folder; nothing of the user's is read or written.
"""

from __future__ import annotations


def play() -> int:
    """Open the dashboard on the demo; returns its exit code."""
    from orchestrator.demo.stage import Stage

    with Stage() as stage:
        stage.start()
        return stage.dashboard()


def headless() -> int:
    """Play all of it without a terminal and say what happened; 0 only if all of it did."""
    from orchestrator.demo.headless import run

    return run()
