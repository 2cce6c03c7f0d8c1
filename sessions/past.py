"""Usage of conversations that are over, from the agents' own files. Only read.

Of Claude Code, Codex, Gemini CLI, Qwen Code, pi and opencode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions import agents
from sessions.agents import opencode_kept, pi_usage
from sessions.agents.claude_reader import config_folder
from sessions.agents.contract import Place, Reading
from sessions.agents.gemini_chat import folder as gemini
from sessions.agents.qwen_reader import home as qwen
from sessions.models import Response, Spec

_LARGEST = 512 << 20
"""Bytes of one file; a larger one is no conversation."""


@dataclass(frozen=True)
class Past:
    """One file. ``feed`` is the adapter's name for what is in it; ``conversation`` what it belongs to.

    Of a file that holds several: ``part`` names the one, ``stamp`` changes when it holds more, ``folder`` is its own.
    """

    agent: str
    path: Path
    feed: str
    conversation: str
    part: str = ""
    stamp: tuple[int, int] | None = None
    folder: str = ""


def files(env: Mapping[str, str]) -> Iterator[Past]:
    """Every conversation on this disk, of a user with this environment. Folders that are not there hold none."""
    projects = config_folder(env) / "projects"
    for path in sorted(projects.glob("*/*.jsonl")):
        yield Past("claude", path, "transcript", path.stem)
    for path in sorted(projects.glob("*/*/subagents/*.jsonl")):
        yield Past("claude", path, "subagents", path.parent.parent.name)
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    codex = Path(env["CODEX_HOME"]) if env.get("CODEX_HOME") else home / ".codex"
    for folder in ("sessions", "archived_sessions"):
        for path in sorted((codex / folder).rglob("rollout-*.jsonl")):
            yield Past("codex", path, "rollout", path.stem)
    for path in sorted((gemini(env) / "tmp").glob("*/chats/session-*.jsonl")):
        yield Past("gemini", path, "chat", path.stem)
    for path in sorted((gemini(env) / "tmp").glob("*/chats/*/*.jsonl")):
        yield Past("gemini", path, "subagents", path.parent.name)
    for path in sorted((qwen(env) / "projects").glob("*/chats/*.jsonl")):
        yield Past("qwen", path, "chat", path.stem)
    pi = Path(env["PI_CODING_AGENT_DIR"]) if env.get("PI_CODING_AGENT_DIR") else home / ".pi" / "agent"
    for path in sorted((pi / "sessions").glob("*/*.jsonl")):
        yield Past("pi", path, "session", path.stem)
    for path in opencode_kept.databases(env, home):
        try:
            held = opencode_kept.sessions(path)
        except OSError:
            yield Past("opencode", path, "database", path.stem)  # to be told of when it is read
            continue
        for one in held:
            yield Past("opencode", path, "database", one.parent or one.id, one.id, one.stamp, one.folder)


def read(past: Past, env: Mapping[str, str]) -> tuple[str, tuple[Response, ...]]:
    """Where it was held (a folder, empty when it does not tell), and its responses. Raises OSError."""
    if past.agent == "opencode":
        return past.folder, opencode_kept.responses(past.path, past.part)
    if past.path.stat().st_size > _LARGEST:
        raise OSError(f"{past.path} is too large for a conversation")
    lines = tuple(past.path.read_bytes().splitlines())
    if past.agent == "pi":
        return _folder(lines), pi_usage.responses(lines)
    place = Place(folder=past.path.parent, worktree=past.path.parent, env=env)
    reader = agents.get(past.agent).reader(Spec(agent=past.agent, name="past"), place)
    at = datetime.fromtimestamp(past.path.stat().st_mtime, UTC)
    found = reader.read(Reading(feed=past.feed, path=past.path, at=at, lines=lines, replay=True))
    latest = {response.id: response for response in found.responses}
    return _folder(lines), tuple(latest.values())


def _folder(lines: tuple[bytes, ...]) -> str:
    for line in lines[:50]:
        if b'"cwd"' not in line:
            continue
        try:
            record: Any = json.loads(line)
        except ValueError:
            continue
        payload = record.get("payload") if isinstance(record, dict) else None
        for holder in (record, payload):
            if isinstance(holder, dict) and isinstance(holder.get("cwd"), str):
                return str(holder["cwd"])
    return ""
