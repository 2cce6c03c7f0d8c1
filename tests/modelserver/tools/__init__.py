"""Neutral tools as each agent names them, one module an agent. Pure.

A neutral use is ``{"tool": "run", "command", "why"}``, ``{"tool": "write", "path", "content"}``, ``{"tool": "ask",
"question", "options"}`` or ``{"tool": "plan"}``. A module has ``offered(names, body)``: whether a request with tools of
these names comes from its agent, and ``call(use, body)``: the tool's name and input. ``coder`` takes what nobody else
does.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


def call(use: dict[str, Any], names: Iterable[str], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The tool call that stands for ``use`` in the words of whoever sent ``body`` with tools of these ``names``."""
    known = frozenset(names)
    for module in _modules():
        if module.offered(known, body):
            return module.call(use, body)  # type: ignore[no-any-return]
    raise ValueError(f"no agent has the tools {sorted(known)}")


@cache
def _modules() -> tuple[ModuleType, ...]:
    """The coder last."""
    found = sorted((info.name for info in pkgutil.iter_modules(__path__)), key=lambda name: (name == "coder", name))
    return tuple(import_module(f"{__name__}.{name}") for name in found)
