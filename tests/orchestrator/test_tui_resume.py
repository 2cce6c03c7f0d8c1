"""All were lost at once: the dashboard says so in one line, and one key brings them back."""

from __future__ import annotations

from orchestrator.commands import ResumeAll, Resumed
from orchestrator.events import Intended, ReadOnly
from sessions.models import State
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, dashboard


async def test_one_key_brings_back_all_that_were_lost() -> None:
    link = SampleLink()
    async with dashboard(link, NARROW) as shown:
        assert "were lost" not in shown.text()
        for name in ("login-form", "api-retry", "csv-export"):
            link.status(name, State.LOST)
        link.emit("csv-export", Intended(action="stop"))
        link.status("csv-export", State.LOST)
        await shown.sees("2 sessions were lost: R brings them back")
        link.answers["resume_all"] = Resumed(
            names=("login-form",), failed={"api-retry": "its worktree is gone → drop it"}
        )
        await shown.press("R")
        await shown.until(lambda: len(shown.said()) == 2)
        assert shown.said() == ["login-form goes on", "api-retry did not start: its worktree is gone\n→ drop it"]
        call = link.calls[-1]
        assert isinstance(call, ResumeAll)
        assert call.env.get("PATH")
        link.status("login-form", State.WORKING)
        await shown.until(lambda: "were lost" not in shown.text())


async def test_the_key_says_why_it_does_nothing() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("R")
        await shown.until(shown.said)
        assert shown.said() == ["No session was lost\n→ r resumes the selected one after its program ended"]
        assert shown.link.calls == []


async def test_a_lost_session_shows_its_last_picture_and_says_that_it_is_one() -> None:
    link = SampleLink()
    async with dashboard(link) as shown:
        link.status("login-form", State.LOST)
        await shown.sees("login-form — its last picture")
        assert "Do you want to proceed?" in shown.text()


async def test_a_ledger_that_cannot_be_used_is_said_as_long_as_it_is_so() -> None:
    link = SampleLink()
    link.emit(None, ReadOnly(reason="the ledger is damaged", hint="orchestrator doctor --rebuild-ledger"))
    async with dashboard(link) as shown:
        await shown.sees("Read-only: the ledger is damaged; orchestrator doctor --rebuild-ledger")
