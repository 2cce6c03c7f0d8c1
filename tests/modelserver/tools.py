"""Neutral tools as each agent names them. Pure."""

from __future__ import annotations

from typing import Any


def for_claude(use: dict[str, Any], folder: str) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            return "Bash", {"command": use["command"], "description": use.get("why", "Run it")}
        case "write":
            return "Write", {"file_path": f"{folder}/{use['path']}", "content": use["content"]}
        case "ask":
            question = {
                "question": use["question"],
                "header": use.get("header", "Choice"),
                "multiSelect": False,
                "options": [{"label": label, "description": f"take {label}"} for label in use["options"]],
            }
            return "AskUserQuestion", {"questions": [question]}
        case "plan":
            return "ExitPlanMode", {"plan": use["plan"]}
        case other:
            raise ValueError(f"no tool {other}")


def for_codex(use: dict[str, Any]) -> tuple[str, dict[str, Any] | str]:
    match use["tool"]:
        case "run":
            given: dict[str, Any] = {"cmd": use["command"]}
            if use.get("why"):
                given |= {"sandbox_permissions": "require_escalated", "justification": use["why"]}
            return "exec_command", given
        case "write":
            lines = "".join(f"+{line}\n" for line in use["content"].splitlines())
            return "apply_patch", f"*** Begin Patch\n*** Add File: {use['path']}\n{lines}*** End Patch\n"
        case other:
            raise ValueError(f"no tool {other}")


def for_coder(use: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {key: value for key, value in use.items() if key != "tool"}
    if use["tool"] == "ask":
        given["options"] = [{"label": label} for label in use["options"]]
    return str(use["tool"]), given
