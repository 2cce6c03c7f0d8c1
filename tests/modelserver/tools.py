"""Neutral tools as each agent names them. Pure."""

from __future__ import annotations

import shlex
from typing import Any


def for_claude(use: dict[str, Any], folder: str, plan_file: str) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            return "Bash", {"command": use["command"], "description": use.get("why", "Run it")}
        case "write":
            path = plan_file if use["path"] == "PLAN" else f"{folder}/{use['path']}"
            return "Write", {"file_path": path, "content": use["content"]}
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "multiSelect": False,
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
            }
            return "AskUserQuestion", {"questions": [question]}
        case "plan":
            return "ExitPlanMode", {}
        case other:
            raise ValueError(f"no tool {other}")


def for_codex(use: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            given: dict[str, Any] = {"cmd": use["command"]}
            if use.get("why"):
                given |= {"sandbox_permissions": "require_escalated", "justification": use["why"]}
            return "exec_command", given
        case "write":
            # A model that Codex does not know gets no apply_patch.
            return "exec_command", {"cmd": f"printf %s {shlex.quote(use['content'])} > {shlex.quote(use['path'])}"}
        case other:
            raise ValueError(f"no tool {other}")


def for_coder(use: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {key: value for key, value in use.items() if key != "tool"}
    if use["tool"] == "ask":
        given["options"] = [{"label": label} for label in use["options"]]
    return str(use["tool"]), given
