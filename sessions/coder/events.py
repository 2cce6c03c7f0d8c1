"""Tells a supervisor what the coder does: JSON lines in the file named by ``$ORCHESTRATOR_EVENTS`` (docs/events.md)."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any


class Events:
    """Appends events. Without the variable, or when the file cannot be written, it does nothing."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path if path is not None else os.environ.get("ORCHESTRATOR_EVENTS")

    def tell(self, type_: str, **fields: Any) -> None:
        if not self._path:
            return
        event = {"type": type_, "at": datetime.now(UTC).isoformat(), **fields}
        line = json.dumps(event, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
        with suppress(OSError, ValueError):
            # O_NONBLOCK: a pipe that nobody reads must not stop the coder.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def state(self, state: str, text: str = "", until: datetime | None = None) -> None:
        self.tell("state", state=state, text=text, until=until.isoformat() if until else None)
