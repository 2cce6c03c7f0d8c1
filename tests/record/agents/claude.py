"""Claude Code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.record.setup import KEY, Scene, Setup

_REST = r"^❯(?: |\s*$)"


def prepare(scene: Scene) -> Mapping[str, str]:
    about: dict[str, Any] = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
    }
    if scene.trusted:
        about["projects"] = {str(scene.repository): {"hasTrustDialogAccepted": True}}
    (scene.home / ".claude.json").write_text(json.dumps(about))
    return {"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def spec(scene: Scene) -> Mapping[str, Any]:
    return {"base_url": scene.url}


SETUP = Setup(
    program="claude",
    prepare=prepare,
    spec=spec,
    marks={
        "idle": r"(?s)\? for shortcuts(?!.*esc to interrupt)",
        "working": r"esc to interrupt",
        "permission": r"(?s)Bash command.*Do you want to proceed\?",
        "edit": r"Do you want to create new\.txt\?",
        "question": r"(?s)Which colour do you prefer\?.*Enter to select",
        "plan": r"(?s)Would you like to proceed\?.*❯ 1\. ",
        "answered": r"(?s)● All of it is done now\.(?!.*esc to interrupt)",
        "interrupted": r"Interrupted · What should Claude do instead\?",
        "denied": r"Interrupted · What should Claude do instead\?",
        "retrying": r"retrying in \d+s",
        "refused": r"retrying in \d+s",
        "failed": r"API Error: 400",
        "unauthorized": r"API Error: 401|Invalid API key|Please run /login",
        "trust": r"(?s)Accessing workspace:.*Enter to confirm",
    },
)
