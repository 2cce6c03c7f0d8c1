"""The file of one recorded flow: JSON lines, gzipped without a time, so that the same tape is the same file.

The first line is the head; each other line is one thing that the detector was told, or a label, with its time ``at`` in
seconds since the beginning of the tape.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sessions.agents.contract import Reading, Screen
from sessions.models import Kind, Spec, State

LONGEST = 600
"""Characters of a text in a recorded line that are kept."""


class Label(BaseModel):
    """What the agent truly is at. ``latency_ms``: from the mark on the screen to the ledger, None when it never came.

    A negative latency says that the agent told before it drew. ``channel`` is what the ledger's verdict came from.
    """

    model_config = ConfigDict(frozen=True)

    mark: str
    state: State
    kind: Kind | None = None
    latency_ms: float | None = None
    channel: str = ""


class Tape(BaseModel):
    """A whole recording."""

    agent: str
    version: str
    flow: str
    began: datetime
    folder: str
    worktree: str
    env: dict[str, str]
    entries: list[dict[str, Any]] = []

    def at(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=seconds)

    def add(self, moment: datetime, what: str, **fields: Any) -> None:
        self.entries.append({"at": round((moment - self.began).total_seconds(), 4), "what": what, **fields})

    def labels(self) -> list[Label]:
        return [Label.model_validate(entry["label"]) for entry in self.entries if entry["what"] == "label"]


def reading_fields(reading: Reading) -> dict[str, Any]:
    """Long texts inside of lines are cut: nothing of a status hangs on their ends."""
    return {
        "feed": reading.feed,
        "path": str(reading.path),
        "lines": [_cut_line(line.decode("utf-8", "replace")) for line in reading.lines],
        "data": reading.data.decode("latin-1") if reading.data is not None else None,
        "replay": reading.replay,
    }


def _cut_line(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    try:
        return json.dumps(_cut(json.loads(line)))
    except ValueError:
        return line


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + "…"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return {key: _cut(item) for key, item in value.items()} if isinstance(value, dict) else value


def reading(tape: Tape, entry: dict[str, Any]) -> Reading:
    return Reading(
        feed=entry["feed"],
        path=Path(entry["path"]),
        at=tape.at(entry["at"]),
        lines=tuple(line.encode() for line in entry["lines"]),
        data=entry["data"].encode("latin-1") if entry["data"] is not None else None,
        replay=entry["replay"],
    )


def screen_fields(screen: Screen) -> dict[str, Any]:
    return {
        "lines": list(screen.lines),
        "title": screen.title,
        "size": [screen.width, screen.height],
        "row": screen.cursor_row,
        "in_mode": screen.in_mode,
    }


def screen(tape: Tape, entry: dict[str, Any]) -> Screen:
    width, height = entry["size"]
    return Screen(
        lines=tuple(entry["lines"]),
        title=entry["title"],
        at=tape.at(entry["at"]),
        width=width,
        height=height,
        cursor_row=entry["row"],
        in_mode=entry["in_mode"],
    )


def spec(entry: dict[str, Any]) -> Spec:
    return Spec.model_validate(entry["spec"])


def write(tape: Tape, path: Path, hide: Iterable[tuple[str, str]] = ()) -> None:
    """``hide``: texts of this machine and what stands for them."""
    lines = [tape.model_dump_json(exclude={"entries"}), *(json.dumps(entry) for entry in tape.entries)]
    text = "\n".join(lines) + "\n"
    for found, instead in hide:
        text = text.replace(found, instead)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as file:
        file.write(text.encode())


def load(path: Path) -> Tape:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        tape = Tape.model_validate_json(file.readline())
        tape.entries.extend(json.loads(line) for line in file)
    return tape
