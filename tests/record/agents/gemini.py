"""Gemini CLI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessions.models import Kind, State
from tests.record.driver import Driver, Flow
from tests.record.flows import ASK, LAST, background, leaving
from tests.record.setup import Scene, Setup

_SILENT = "Gemini CLI shows nothing while it tries again: not on the screen, not in its title, not in its files"


def prepare(scene: Scene) -> Mapping[str, str]:
    config = scene.home / ".gemini"
    config.mkdir()
    (config / "settings.json").write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    if scene.trusted:
        (config / "trustedFolders.json").write_text(json.dumps({str(scene.worktree.parent): "TRUST_FOLDER"}))
    return {"GEMINI_API_KEY": "dummy"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": scene.url, "model": "gemini-2.5-pro"}


_REST = r"(?s)>   Type your message(?!.*esc to cancel)"

SETUP = Setup(
    program="gemini",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": _REST,
        "working": r"esc to cancel, \d",
        "permission": r"(?s)Allow execution of \[Shell\]\?.*No, suggest changes \(esc\)",
        "edit": r"(?s)WriteFile  Writing to new\.txt.*Apply this change\?",
        "question": r"(?s)Which colour do you prefer\??.*Enter to select",
        "plan": r"(?s)Ready to start implementation\?.*Yes, automatically accept edits",
        "answered": r"(?s)✦ All of it is done now\..*Type your message(?!.*esc to cancel)",
        "interrupted": r"ℹ Request cancelled\.",
        "denied": r"ℹ Request cancelled\.",
        "failed": r'(?s)API Error: \{"error":\{"code":400.*Type your message',
        "unauthorized": r'(?s)API Error: \{"error":\{"code":401.*Type your message',
        "limit": r"(?s)Usage limit reached.*1\. Keep trying",
        "gave up": r"(?s)exhausted your daily quota.*Type your message",
        "several": r"(?s)Which colours do you like\?.*Select all that apply.*Enter to select",
        "trust": r"(?s)Do you trust the files in this folder\?.*1\. Trust folder",
    },
    without={"overloaded": _SILENT, "limited": _SILENT, "refused": _SILENT},
)


_PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
_EXHAUSTED = {"code": 429, "message": "You exceeded your current quota.", "details": [_PER_DAY]}


async def limit(d: Driver) -> None:
    """The day's quota is used up: it asks what to do, under a title that says that it works."""
    await d.start({**LAST, "fail": {"status": 429, "body": {"error": _EXHAUSTED}}})
    await d.moment("limit", State.BLOCKED, Kind.DIALOG)
    await d.answer("n")
    await d.moment("gave up", State.FAILED)


async def several(d: Driver) -> None:
    """A question that takes several options, then one that is answered in words."""
    many = {**ASK, "question": "Which colours do you like?", "multiple": True}
    await d.start({"use": [many]}, {"use": [ASK]}, LAST)
    await d.moment("several", State.BLOCKED, Kind.QUESTION)
    await d.answer("1,3")
    await d.moment("question", State.BLOCKED, Kind.QUESTION)
    await d.answer("", "Pink")
    await d.moment("answered", State.DONE)


FLOWS: dict[str, Flow] = {
    "limit": limit,
    "several": several,
    "background": background,
    "leaving": leaving("/quit"),
}
