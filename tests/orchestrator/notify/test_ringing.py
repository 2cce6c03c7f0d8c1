"""The dashboard asks before it makes itself heard, and its terminal gets what the answer says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.notify.ask import Rung
from orchestrator.notify.terminal import BELL
from orchestrator.tui import ringing
from orchestrator.tui.attending import AWAY
from orchestrator.tui.ringing import heard
from sessions.models import QuestionId, State
from sessions.tmux import Server
from tests.orchestrator.sample import REMOVE, SampleLink
from tests.orchestrator.screens import Shown, dashboard


def asks(shown: Shown, number: int) -> None:
    question = REMOVE.model_copy(update={"id": QuestionId(f"q-new-{number}")})
    shown.link.status("api-retry", State.BLOCKED, question)


async def test_what_is_new_is_asked_for_once_and_told_as_the_answer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "STY", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ringing, "GATHER_S", 0.01)
    link = SampleLink()
    link.answers["ring"] = Rung(title="api-retry asks", body="permission: rm", how="osc9")
    async with dashboard(link) as shown:
        wrote: list[str] = []
        shown.app.speak = wrote.append  # type: ignore[method-assign]
        assert link.rung == []  # what stood when it opened is in the inbox
        asks(shown, 1)
        await shown.until(lambda: wrote)
        assert [list(ring.marks.values()) for ring in link.rung] == [["asks/q-new-1"]]
        assert wrote == ["\x1b]9;orchestrator: api-retry asks · permission: rm\x1b\\"]
        link.status("api-retry", State.WORKING)
        await shown.until(lambda: "asks/q-new-1" not in str(ringing.marks(shown.app.fleet)))
        link.answers["ring"] = Rung()  # another dashboard told it
        asks(shown, 2)
        await shown.until(lambda: len(link.rung) == 2)
        assert len(wrote) == 1


async def test_a_dashboard_without_its_human_lets_another_one_ask_first() -> None:
    async with dashboard(SampleLink()) as shown:
        assert shown.app.attended
        shown.link.now += AWAY + timedelta(seconds=1)
        assert not shown.app.attended
        await shown.press("j")
        assert shown.app.attended


def test_tmux_passes_on_only_what_its_user_allows(tmp_path: Path) -> None:
    rung = Rung(title="one asks", body="plan: go", how="osc777")
    server = Server(f"ring-{tmp_path.name[-20:]}")
    try:
        server.start("one", ("cat",), str(tmp_path), {})
        env = {"TMUX": f"{server.socket_path()},1,0", "PATH": "/usr/bin:/bin"}
        assert heard(rung, env) == BELL  # tmux's default
        server._run("set-option", "-g", "allow-passthrough", "on")
        assert heard(rung, env) == (
            "\x1bPtmux;\x1b\x1b]777;notify;orchestrator: one asks;plan: go\x1b\x1b\\\x1b\\" + BELL
        )
        assert heard(rung.model_copy(update={"how": "bell"}), env) == BELL
        assert heard(rung.model_copy(update={"how": "auto"}), env) == BELL  # no client: nothing is known of a terminal
        assert heard(rung.model_copy(update={"how": "off"}), env) == ""
    finally:
        server.kill()
