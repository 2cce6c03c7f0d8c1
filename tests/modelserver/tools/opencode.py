"""opencode's tools."""

from __future__ import annotations

import json
import re
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return {"bash", "glob", "webfetch"} <= names and "messages" in body


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            return "bash", {"command": use["command"], "description": use.get("why", "Run it")}
        case "write":
            found = re.search(r"Working directory: ([^\\\n\"]+)", json.dumps(body.get("messages") or ""))
            folder = found[1].strip() if found else "."
            return "write", {"filePath": f"{folder}/{use['path']}", "content": use["content"]}
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
                "multiple": bool(use.get("multiple")),
            }
            return "question", {"questions": [question]}
        case "plan":
            return "plan_exit", {}
        case "delegate":
            given = {"description": use.get("why", "Look around"), "prompt": use["prompt"]}
            return "task", {**given, "subagent_type": "general"}
        case other:
            return str(other), dict(use.get("input", {}))
