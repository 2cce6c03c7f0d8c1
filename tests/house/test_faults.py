"""Every row of the fault matrix is played: 43 faults, each by a scenario that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

FAULTS = Path(__file__).resolve().parents[1] / "faults"
ROWS = 43
SCENARIO = re.compile(r"^(?:async )?def test_(\d\d)_", re.MULTILINE)


def test_every_row_is_played() -> None:
    played = {int(number) for path in FAULTS.glob("test_*.py") for number in SCENARIO.findall(path.read_text())}
    assert played == set(range(1, ROWS + 1))
