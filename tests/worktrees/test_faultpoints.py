"""A process dies at the point that was asked for, at the time that was asked for, and nowhere else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import worktrees
from worktrees.faultpoints import ENV, POINTS

THREE = """
from worktrees.faultpoints import POINTS, point
for number in range(3):
    print(number, flush=True)
    point(POINTS[0])
"""


def run(fault: str | None, program: str = THREE) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != ENV}
    if fault is not None:
        env[ENV] = fault
    return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (None, 0, "0\n1\n2\n"),
        (POINTS[0], -signal.SIGKILL, "0\n"),
        (f"{POINTS[0]}:2", -signal.SIGKILL, "0\n1\n"),
        (f"{POINTS[0]}:4", 0, "0\n1\n2\n"),
        (POINTS[1], 0, "0\n1\n2\n"),
    ],
)
def test_a_process_dies_at_its_point_and_nowhere_else(fault: str | None, code: int, said: str) -> None:
    done = run(fault)
    assert (done.returncode, done.stdout) == (code, said)


@pytest.mark.parametrize("fault", ["nowhere", f"{POINTS[0]}:x", f"{POINTS[0]}:0"])
def test_a_point_that_does_not_exist_is_said_at_once(fault: str) -> None:
    done = run(fault)
    assert done.returncode == 1
    assert "there is no such point" in done.stderr


def test_every_listed_point_is_in_the_code_and_every_one_in_the_code_is_listed() -> None:
    root = Path(worktrees.__file__).parent.parent
    code = "\n".join(
        path.read_text()
        for package in ("worktrees", "sessions", "orchestrator")
        for path in (root / package).rglob("*.py")
        if path.name != "faultpoints.py"
    )
    assert set(re.findall(r'\bpoint\("([a-z.-]+)"\)', code)) == set(POINTS)
