"""The last line of ``make faults``: how many faults were played, how many survived, how many bytes were lost."""

from __future__ import annotations

from typing import Any

import pytest

_failed: dict[int, bool] = {}
_bytes = {"bytes_read": 0, "bytes_lost": 0}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call":
        return
    properties: dict[str, Any] = dict(report.user_properties)
    if "fault" not in properties:
        return
    number = properties["fault"]
    _failed[number] = _failed.get(number, False) or report.failed
    for name in _bytes:
        _bytes[name] += properties.get(name, 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    survived = sum(not failed for failed in _failed.values())
    terminalreporter.write_line(
        f"{len(_failed)} faults, {survived} survived, {_bytes['bytes_lost']} bytes lost"
        f" ({_bytes['bytes_read']} read back)"
    )
