"""The agents that can be launched. Names are readable without importing any adapter."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from sessions.agents.contract import Agent
from sessions.errors import AgentUnknown

GROUP = "orchestrator.agents"
_BUILT_IN = {
    "aider": "sessions.agents.aider:Aider",
    "claude": "sessions.agents.claude:Claude",
    "codex": "sessions.agents.codex:Codex",
    "copilot": "sessions.agents.copilot:Copilot",
    "gemini": "sessions.agents.gemini:Gemini",
    "opencode": "sessions.agents.opencode:Opencode",
    "pi": "sessions.agents.pi:Pi",
    "qwen": "sessions.agents.qwen:Qwen",
    "coder": "sessions.agents.coder:Coder",
    "command": "sessions.agents.command:Command",
}


def names() -> tuple[str, ...]:
    """Every agent's name: the built-in ones and those of plug-ins."""
    return tuple(_targets())


@cache
def get(name: str) -> Agent:
    """The adapter of that name. Raises AgentUnknown, which names those that exist."""
    target = _targets().get(name)
    if target is None:
        raise AgentUnknown(f"there is no agent {name!r}", "there are: " + ", ".join(sorted(names())))
    module, _, attribute = target.partition(":")
    try:
        return cast(Agent, getattr(import_module(module), attribute)())
    except Exception as error:
        raise AgentUnknown(
            f"the agent {name!r} cannot be loaded: {error}", f"mend or remove its plug-in ({target})"
        ) from error


def _targets() -> dict[str, str]:
    found = dict(_BUILT_IN)
    for point in entry_points(group=GROUP):
        if point.name in _BUILT_IN:
            continue
        if not point.name.isidentifier():
            warnings.warn(f"the agent plug-in {point.name!r} has no usable name and is skipped", stacklevel=2)
            continue
        found[point.name] = point.value
    return found
