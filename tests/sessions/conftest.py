"""A private tmux server for each test that wants one."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sessions.control import Control


@pytest.fixture
def socket() -> Iterator[str]:
    """The name of a server that has one session, ``keeper``."""
    name = f"orchestrator-test-{secrets.token_hex(5)}"
    argv = ["tmux", "-L", name, "-f", os.devnull, "new-session", "-d", "-s", "keeper", "cat"]
    subprocess.run(argv, check=True, env={k: v for k, v in os.environ.items() if k != "TMUX"})
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)


@pytest.fixture
async def control(socket: str) -> AsyncIterator[Control]:
    connected = await Control.connect(socket, "keeper")
    yield connected
    await connected.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "session"
    made.mkdir(mode=0o700)
    return made
