"""The built-in coder's tools, which are the neutral ones."""

from __future__ import annotations

from typing import Any


def offered(names: frozenset[str], body: dict[str, Any]) -> bool:
    return True


def call(use: dict[str, Any], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {key: value for key, value in use.items() if key != "tool"}
    if use["tool"] == "ask":
        given["options"] = [{"label": label} for label in use["options"]]
    return str(use["tool"]), given
