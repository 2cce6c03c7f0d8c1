"""Giving the human's terminal to the real pane, and taking it back when they leave it."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from textual.app import App, SuspendNotSupported

from orchestrator.commands import AttachReply

_HINT_MS = "6000"


def hand_over(app: App[Any], reply: AttachReply) -> str | None:
    """Show the pane until the human detaches from it; returns what went wrong.

    Inside a client of the same tmux server that client is switched, and the dashboard goes on behind it. Inside
    another server tmux refuses to nest unless ``TMUX`` is unset.
    """
    around = os.environ.get("TMUX", "").split(",")[0]
    if around and os.path.realpath(around) == os.path.realpath(reply.socket):
        words = [*reply.argv[:3], "switch-client", "-t", f"={reply.target}", ";"]
        words += ["display-message", "-d", _HINT_MS, "ctrl+b L: back to the dashboard"]
        return _problem(subprocess.run(words, capture_output=True, text=True, check=False))
    hint = (";", "display-message", "-d", _HINT_MS, f"{_keys(bool(around))}: back to the dashboard")
    env = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
    try:
        with app.suspend():
            done = subprocess.run([*reply.argv, *hint], env=env, stderr=subprocess.PIPE, text=True, check=False)
    except SuspendNotSupported:
        return "This terminal cannot be handed over"
    return _problem(done)


def _keys(inside: bool) -> str:
    """What detaches. The agents' server has no configuration: its prefix is ctrl+b, which a tmux around it may take."""
    if not inside:
        nested = os.environ.get("TERM", "").startswith(("tmux", "screen"))
        return "ctrl+b d (inside your own tmux: ctrl+b ctrl+b d)" if nested else "ctrl+b d"
    words = ["tmux", "show-options", "-gv", "prefix"]
    prefix = subprocess.run(words, capture_output=True, text=True, check=False, timeout=5).stdout.strip()
    return "ctrl+b ctrl+b d" if prefix == "C-b" else "ctrl+b d"


def _problem(done: subprocess.CompletedProcess[str]) -> str | None:
    return None if done.returncode == 0 else f"tmux: {done.stderr.strip() or f'exit {done.returncode}'}"
