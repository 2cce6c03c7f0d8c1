"""Says at the end how many planted programs were tried."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = [
        value
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == "planted"
    ]
    if counts:
        terminalreporter.write_line(
            f"planted attacks: {len(counts)} fire under plain git, 0 under ours ({sum(counts)} steps)"
        )
