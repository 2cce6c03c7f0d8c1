"""pi's tools, and the one that our extension adds."""

from __future__ import annotations

from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return {"read", "bash", "edit", "write"} <= names and not names & {"todowrite", "webfetch", "task", "glob"}


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match use["tool"]:
        case "run":
            return "bash", {"command": use["command"]}
        case "write":
            return "write", {"path": use["path"], "content": use["content"]}
        case "ask":
            options = [{"label": label, "description": f"take {label}"} for label in use["options"]]
            return "ask_user", {"question": use["question"], "options": options, "multiple": bool(use.get("multiple"))}
        case other:
            return str(other), dict(use.get("input", {}))
