"""Usage of conversations that were held without us, taken into the ledger on request. Incremental, never twice.

Which files were taken over at which size is remembered beside the ledger; forgotten, they are read again, and what is
known by its id still counts once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress

from orchestrator import home
from orchestrator.events import Event, Imported
from orchestrator.metrics.asking import ImportReply
from sessions import past
from sessions.models import SessionId
from worktrees import durable

AT_ONCE = 200
"""Responses of one event."""


def import_usage(env: Mapping[str, str], emit: Callable[[SessionId | None, Event], None]) -> ImportReply:
    """Read what is new in the agents' own files. Runs in a thread."""
    memory = home.home() / "imported.json"
    known: dict[str, list[int]] = {}
    with suppress(OSError, ValueError):
        known = json.loads(memory.read_text())
    read = unchanged = responses = 0
    failed: list[str] = []
    for one in past.files(env):
        try:
            name = f"{one.path}#{one.part}" if one.part else str(one.path)
            stat = one.path.stat()
            size = list(one.stamp or (stat.st_size, stat.st_mtime_ns))
            if known.get(name) == size:
                unchanged += 1
                continue
            folder, found = past.read(one, env)
        except OSError as error:
            failed.append(f"{one.path}: {error.strerror}" if error.strerror else str(error))
            continue
        session = SessionId(f"past-{one.agent}-{one.conversation}")
        for start in range(0, len(found), AT_ONCE):
            part = found[start : start + AT_ONCE]
            emit(session, Imported(agent=one.agent, conversation=one.conversation, folder=folder, responses=part))
        known[name] = size
        read, responses = read + 1, responses + len(found)
    durable.write(memory, json.dumps(known).encode())
    return ImportReply(files=read, unchanged=unchanged, responses=responses, failed=tuple(failed))
