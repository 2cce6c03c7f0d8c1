"""Claude Code's tools."""

from __future__ import annotations

import json
import re
from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return "Bash" in names


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    told = json.dumps(body.get("system") or "") + json.dumps(body.get("messages") or "")
    match use["tool"]:
        case "run":
            return "Bash", {"command": use["command"], "description": use.get("why", "Run it")}
        case "write":
            found = re.search(r"[Ww]orking directory: ([^\\\n\"]+)", told)
            path = f"{found[1].strip() if found else '.'}/{use['path']}"
            if use["path"] == "PLAN":
                plan = re.search(r"(/[^\\\s\"]+/\.claude/plans/[^\\\s\"]+\.md)", told)
                path = plan[1] if plan else "plan.md"
            return "Write", {"file_path": path, "content": use["content"]}
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "multiSelect": bool(use.get("multiple")),
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
            }
            return "AskUserQuestion", {"questions": [question]}
        case "plan":
            return "ExitPlanMode", {}
        case other:
            return str(other), dict(use.get("input", {}))
