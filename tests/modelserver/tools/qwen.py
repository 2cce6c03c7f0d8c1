"""qwen-code's tools."""

from __future__ import annotations

import json
import re
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return "run_shell_command" in names and "messages" in body


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            given = {"command": use["command"], "description": use.get("why", "Run it")}
            return "run_shell_command", {**given, "is_background": bool(use.get("background"))}
        case "write":
            found = re.search(r"working in the directory: ([^\\\n\"]+)", json.dumps(body.get("messages") or ""))
            return "write_file", {
                "file_path": f"{found[1].strip() if found else '.'}/{use['path']}",
                "content": use["content"],
            }
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "multiSelect": bool(use.get("multiple")),
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
            }
            return "ask_user_question", {"questions": [question]}
        case "plan":
            return "exit_plan_mode", {"plan": use.get("plan", "# Plan\n\n1. Look\n2. Change\n")}
        case other:
            return str(other), dict(use.get("input", {}))
