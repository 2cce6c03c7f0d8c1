"""Conversations that are over, from opencode's database, in the form that opencode 1.18 writes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sessions import past
from sessions.models import Usage

BEGAN = 1_795_604_660_000
SCHEMA = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, time_created integer NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
    time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
    time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
"""


def _session(database: sqlite3.Connection, name: str, at: int, parent: str | None = None) -> None:
    database.execute("INSERT INTO session VALUES (?, ?, '/work/shop', ?)", (name, parent, BEGAN + at))


def _message(database: sqlite3.Connection, session: str, name: str, at: int, output: int | None) -> None:
    """Of the agent; one without output was interrupted before its tokens were told."""
    info: dict[str, Any] = {"role": "assistant", "modelID": "m", "time": {"created": BEGAN + at}}
    info["time"]["completed"] = BEGAN + at + 500
    tokens = {"input": 900, "output": output, "reasoning": 2, "cache": {"read": 13, "write": 1}}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "x", "time": {"start": BEGAN + at, "end": BEGAN + at + 300}}
    ]
    if output is None:
        info["error"] = {"name": "MessageAbortedError"}
    else:
        info["tokens"] = tokens
        parts.append({"type": "step-finish", "tokens": tokens, "cost": 0.25})
    changed = BEGAN + at + 600
    row = (f"msg_{name}", session, BEGAN + at, changed, json.dumps(info))
    database.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", row)
    for number, part in enumerate(parts):
        held = (f"prt_{name}{number}", f"msg_{name}", session, BEGAN + at, changed, json.dumps(part))
        database.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", held)


def test_subagents_and_forks_count_once(tmp_path: Path) -> None:
    folder = tmp_path / "share" / "opencode"
    folder.mkdir(parents=True)
    env = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    with closing(sqlite3.connect(folder / "opencode.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(SCHEMA)
        _session(database, "ses_a", 0)
        _message(database, "ses_a", "1", 0, 10)
        _message(database, "ses_a", "2", 1000, None)
        _session(database, "ses_sub", 10, parent="ses_a")
        _message(database, "ses_sub", "3", 20, 30)
        _session(database, "ses_fork", 5000)
        _message(database, "ses_fork", "1copy", 0, 10)  # another id, the rest as it was
        _message(database, "ses_fork", "4", 6000, 10)
        first = list(past.files(env))
        assert [(one.part, one.conversation) for one in first] == [
            ("ses_a", "ses_a"),
            ("ses_sub", "ses_a"),
            ("ses_fork", "ses_fork"),
        ]
        read = {one.part: past.read(one, env) for one in first}  # while opencode holds it open
        assert {where for where, _ in read.values()} == {"/work/shop"}
        found = {response.id: response for _, responses in read.values() for response in responses}
        assert found.keys() == {"prt_11", "msg_2", "prt_31", "prt_41"}
        assert found["msg_2"].usage == Usage(lower_bound=True)
        one = found["prt_11"]
        assert one.usage == Usage(input=900, output=12, cache_read=13, cache_write=1, reasoning=2)
        assert (one.model, one.cost_usd) == ("m", 0.25)
        assert one.started_at is not None
        assert (one.ended_at - one.started_at).total_seconds() == 0.3

        _message(database, "ses_sub", "5", 9000, 1)
        changed = [new.part for old, new in zip(first, past.files(env), strict=True) if old.stamp != new.stamp]
        assert changed == ["ses_sub"]
        assert len(past.read(list(past.files(env))[1], env)[1]) == 2


def test_a_database_of_another_form_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "share" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.db").write_text("no database " * 100)
    env = {"HOME": str(tmp_path)}
    (one,) = past.files(env)
    with pytest.raises(OSError, match=r"opencode\.db cannot be read as opencode's database"):
        past.read(one, env)
