"""Gemini CLI's tools."""

from __future__ import annotations

import json
import re
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return "contents" in body


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            given = {"command": use["command"], "description": use.get("why", "Run it")}
            return "run_shell_command", given | ({"is_background": True} if use.get("background") else {})
        case "write":
            return "write_file", {"file_path": _path(use["path"], body), "content": use["content"]}
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "type": "choice",
                "multiSelect": bool(use.get("multiple")),
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
            }
            return "ask_user", {"questions": [question]}
        case "plan":
            return "exit_plan_mode", {"plan_filename": "plan.md"}
        case other:
            return str(other), dict(use.get("input", {}))


def _path(path: str, body: dict[str, Any]) -> str:
    """PLAN is where Gemini CLI lets a plan be written while it is in plan mode; its tool's description names it."""
    if path != "PLAN":
        return path
    found = re.search(r"in the plans directory: (/[^\"\\]+/)", json.dumps(body.get("tools") or ""))
    return f"{found[1] if found else ''}plan.md"
