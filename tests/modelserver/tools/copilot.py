"""Copilot CLI's tools."""

from __future__ import annotations

import json
import re
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return {"bash", "view", "create"} <= names


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            mode = {"mode": "async"} if use.get("background") else {}
            return "bash", {"command": use["command"], "description": use.get("why", "Run it"), **mode}
        case "write":
            found = re.search(r"Current working directory: ([^\\\n\"]+)", json.dumps(body.get("messages") or ""))
            folder = found[1].strip() if found else "."
            return "create", {"path": f"{folder}/{use['path']}", "file_text": use["content"]}
        case "ask":
            options = {"type": "string", "title": use.get("header", "Choice"), "enum": use["options"]}
            if use.get("multiple"):
                items = {"type": "string", "enum": use["options"]}
                options = {"type": "array", "title": use.get("header", "Choice"), "items": items}
            schema = {"type": "object", "properties": {"choice": options}, "required": ["choice"]}
            return "ask_user", {"message": use["question"], "requestedSchema": schema}
        case "plan":
            return "exit_plan_mode", {"summary": use.get("plan", "1. Look\n2. Change\n")}
        case other:
            return str(other), dict(use.get("input", {}))
