"""Codex's tools, as a model that it does not know gets them."""

from __future__ import annotations

import shlex
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return "exec_command" in names


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            given: dict[str, Any] = {"cmd": use["command"]}
            if use.get("why"):
                given |= {"sandbox_permissions": "require_escalated", "justification": use["why"]}
            return "exec_command", given | ({"yield_time_ms": 500} if use.get("background") else {})
        case "write":
            # Such a model gets no apply_patch.
            return "exec_command", {"cmd": f"printf %s {shlex.quote(use['content'])} > {shlex.quote(use['path'])}"}
        case "ask":
            options = [{"label": label, "description": f"take {label}"} for label in use["options"]]
            question = {"id": "q1", "header": "Choice", "question": use["question"], "options": options}
            return "request_user_input", {"questions": [question]}
        case other:
            return str(other), dict(use.get("input", {}))
