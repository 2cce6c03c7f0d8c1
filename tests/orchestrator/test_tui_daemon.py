"""The dashboard on a real daemon, over its socket, with a real program in a real pane."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator import client, home
from orchestrator.links import RemoteLink
from orchestrator.tui.app import Orchestrator
from orchestrator.tui.screens.inbox import SETTLE, InboxScreen
from orchestrator.tui.screens.main import MainScreen
from tests.orchestrator.conftest import Machine
from tests.orchestrator.screens import WIDE

ASKER = r"""
question='{"type":"question","id":"q1","kind":"question","title":"Tea or coffee?","text":"Tea or coffee?",'
question="$question"'"options":[{"key":"1","label":"Tea"},{"key":"2","label":"Coffee"}]}'
echo "$question" >> "$ORCHESTRATOR_EVENTS"
read choice
echo '{"type":"answered","id":"q1"}' >> "$ORCHESTRATOR_EVENTS"
echo '{"type":"state","state":"done"}' >> "$ORCHESTRATOR_EVENTS"
echo "it got $choice"
exec cat
"""


class Screen:
    """Reads the dashboard and waits for what should be on it."""

    def __init__(self, app: Orchestrator, pilot: Any) -> None:
        self.app = app
        self.pilot = pilot

    def text(self) -> str:
        return "\n".join("".join(s.text for s in strip) for strip in self.app.screen._compositor.render_strips())

    async def until(self, true: Callable[[], Any]) -> None:
        for _ in range(800):
            if true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never came:\n{self.text()}")

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text())


async def test_the_main_job_and_a_daemon_killed_in_between(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.ok("run", "--agent", "command", "--name", "asker", "--", "sh", "-c", ASKER)
    for name, value in machine.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TMUX", raising=False)
    app = Orchestrator(lambda: RemoteLink(home.socket_path()), machine.repository, client.ensure_daemon)
    async with app.run_test(size=WIDE) as pilot:
        screen = Screen(app, pilot)
        await screen.sees("Tea or coffee?")
        assert "▲ 1 need you" in screen.text()
        await pilot.press("w")
        await screen.until(lambda: isinstance(app.screen, InboxScreen))
        await pilot.pause(SETTLE.total_seconds())
        await pilot.press("2")
        await screen.until(lambda: isinstance(app.screen, MainScreen))
        await screen.sees("it got 2")

        killed = machine.daemon_pid()
        os.kill(killed, signal.SIGKILL)
        await screen.sees("daemon unreachable — retrying")
        assert "asker" in screen.text()
        await screen.until(lambda: app.lost == 0)
        assert machine.daemon_pid() != killed
        await pilot.press("i", *"hello", "enter")
        await screen.until(lambda: screen.text().count("hello") == 2)
