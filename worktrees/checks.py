"""Runs one command of the user (a check, a set-up step) in its own process group, with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from worktrees.models import CheckResult

KEPT = 64 << 10


def run_command(command: str, cwd: Path, deadline_s: float, env: Mapping[str, str] | None = None) -> CheckResult:
    """Run ``command`` by sh in ``cwd``; whatever it started is ended with it.

    Output goes through a file: a child that outlives the command must not keep us waiting on a pipe.
    """
    given = env if env is not None else os.environ
    # A check that runs an agent's test suite must not speak for the session that happens to have asked for it.
    full = {name: value for name, value in given.items() if not name.startswith(("GIT_", "ORCHESTRATOR_EVENTS"))}
    full.setdefault("PATH", os.defpath)
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None
        try:
            code = process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            code = None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - KEPT))
        text = output.read().decode("utf-8", "replace")
    return CheckResult(command=command, exit_code=code, output=text, seconds=time.monotonic() - began)
