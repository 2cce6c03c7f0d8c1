"""The same examples in every run: a test that fails on one machine fails on all."""

from __future__ import annotations

import os
import signal
from typing import Any

from hypothesis import settings

from sessions import sealing

signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a runner in the background ignores it, and so would our children
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What this machine could not show is said aloud."""
    if why := sealing.available(os.environ):
        terminalreporter.write_line(f"Sealed sessions were tried without their box: {why}.", yellow=True)
