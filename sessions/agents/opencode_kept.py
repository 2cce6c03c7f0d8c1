"""Tokens of opencode's conversations from the database that it keeps them in. Opened read-only.

Of a message and its parts ``data`` is read, which is what its server tells live: the ids are the same. A fork holds
copies under new ids; they are known by the times, to the millisecond, and the tokens that they share with what was
copied.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sessions.agents.opencode_responses import Responses
from sessions.agents.opencode_words import milliseconds, table
from sessions.models import Response

_SESSIONS = """
SELECT s.id, s.parent_id, s.directory, count(m.id), coalesce(max(m.time_updated), 0)
FROM session s LEFT JOIN message m ON m.session_id = s.id GROUP BY s.id ORDER BY s.time_created, s.id
"""
_ALL = """
SELECT m.id, json_extract(m.data, '$.time'), json_extract(m.data, '$.modelID'), json_extract(m.data, '$.tokens')
FROM message m JOIN session s ON s.id = m.session_id WHERE json_extract(m.data, '$.role') = 'assistant'
ORDER BY s.time_created, s.id, m.time_created, m.id
"""
_MESSAGES = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
_PARTS = "SELECT id, message_id, time_updated, data FROM part WHERE session_id = ? ORDER BY message_id, id"


@dataclass(frozen=True)
class Kept:
    """One session. ``stamp`` changes whenever it holds more: how many messages, and when the last one changed."""

    id: str
    parent: str
    folder: str
    stamp: tuple[int, int]


def databases(env: Mapping[str, str], home: Path) -> list[Path]:
    """Where opencode keeps its conversations, of every release channel."""
    data = Path(env["XDG_DATA_HOME"]) if env.get("XDG_DATA_HOME") else home / ".local" / "share"
    return sorted((data / "opencode").glob("opencode*.db"))


def sessions(path: Path) -> list[Kept]:
    """Every session, oldest first. Raises OSError."""
    return [
        Kept(str(id_), str(parent or ""), str(folder), (int(count), int(changed)))
        for id_, parent, folder, count, changed in _rows(path, _SESSIONS)
    ]


def responses(path: Path, session: str) -> tuple[Response, ...]:
    """The responses of a session, those left out that it copied from an older one. Raises OSError."""
    copies = _copies(path, tuple(_size(path.with_name(path.name + end)) for end in ("", "-wal")))
    messages = {str(id_): {**_object(data), "id": id_} for id_, data in _rows(path, _MESSAGES, session)}
    found: list[Response] = []
    kept = Responses()
    own = {id_: info for id_, info in messages.items() if info.get("role") == "assistant" and id_ not in copies}
    for info in own.values():
        kept.know(info)
    for id_, message, changed, data in _rows(path, _PARTS, session):
        if message not in own:
            continue
        at = milliseconds(table(own[message].get("time")).get("completed")) or milliseconds(changed)
        one = kept.part({**_object(data), "id": id_, "messageID": message}, at) if at is not None else None
        found += [one] if one is not None else []
    aborted = (kept.message(info, None) for info in own.values())
    return (*found, *(one for one in aborted if one is not None))


@lru_cache(maxsize=1)
def _copies(path: Path, sizes: tuple[tuple[int, int], ...]) -> frozenset[str]:
    """Messages that an older session held first."""
    del sizes  # a database that changed is asked again
    seen: set[tuple[Any, ...]] = set()
    copies: set[str] = set()
    for id_, *told in _rows(path, _ALL):
        if tuple(told) in seen:
            copies.add(str(id_))
        seen.add(tuple(told))
    return frozenset(copies)


def _size(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_size, stat.st_mtime_ns)


def _object(data: object) -> dict[str, Any]:
    try:
        return table(json.loads(str(data)))
    except ValueError:
        return {}


def _rows(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise OSError(f"{path} cannot be read as opencode's database: {error}") from error
