"""Gemini CLI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

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
        "trust": r"(?s)Do you trust the files in this folder\?.*1\. Trust folder",
    },
    without={"overloaded": _SILENT, "limited": _SILENT, "refused": _SILENT},
)
