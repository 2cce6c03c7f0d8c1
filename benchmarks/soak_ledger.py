"""What the soak's agents recorded, held against the ledger and the repository."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak_stage import Stage
from orchestrator import home
from orchestrator.events import Created, Envelope, Removed
from orchestrator.store import Store
from sessions.events import Counted, Launched, StatusChanged

UNREAD_S = 3.0
"""What an agent told in the last moments before its removal may be read by nobody any more."""


@dataclass
class Found:
    """``twice``: sessions that ran twice at once."""

    starts: int = 0
    twice: list[str] = field(default_factory=list)
    told: int = 0
    events_lost: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    work_lost: list[str] = field(default_factory=list)
    events: int = 0

    @property
    def whole(self) -> bool:
        return not (self.twice or self.events_lost or self.work_lost)

    def lines(self) -> list[str]:
        return [
            f"sessions launched twice {len(self.twice)} (of {self.starts} starts) {' '.join(self.twice[:5])}",
            f"events lost {len(self.events_lost)} (of {self.told} told, {self.events} in the ledger) "
            + " ".join(self.events_lost[:5]),
            f"work lost {len(self.work_lost)} (of {self.files} files, {self.bytes} bytes) "
            + " ".join(self.work_lost[:5]),
        ]


def judge(stage: Stage) -> Found:
    """Reads everything back. The daemon must have ended."""
    found = Found()
    store = Store(home.ledger_path())
    envelopes = list(store.since(0))
    store.close()
    found.events = len(envelopes)
    if [envelope.seq for envelope in envelopes] != list(range(1, len(envelopes) + 1)):
        found.events_lost.append("the numbers of the ledger have gaps")
    reached = _reached(stage.repository)
    created = {envelope.event.name: envelope for envelope in envelopes if isinstance(envelope.event, Created)}
    for record in sorted(stage.records.glob("*.jsonl")):
        notes = [json.loads(line) for line in record.open()]
        envelope = created.get(record.stem)
        if envelope is None or not isinstance(envelope.event, Created):
            found.events_lost.append(f"{record.stem}: it ran and is not in the ledger")
            continue
        of = [item for item in envelopes if item.session == envelope.session]
        _judge_events(found, record.stem, notes, of)
        _judge_work(found, Path(envelope.event.worktree), notes, reached)
    return found


def _judge_events(found: Found, name: str, notes: list[dict[str, Any]], envelopes: list[Envelope]) -> None:
    starts = [note for note in notes if note["what"] == "start"]
    found.starts += len(starts)
    found.twice += [f"{name}: {note['pid']} beside {note['beside']}" for note in starts if note["beside"]]
    launched = sum(isinstance(item.event, Launched) for item in envelopes)
    if launched != len(starts):
        found.events_lost.append(f"{name}: {len(starts)} starts, {launched} in the ledger")
    removals = [item.at.timestamp() for item in envelopes if isinstance(item.event, Removed)]
    usage = [note["at"] for note in notes if note["what"] == "usage"]
    unread = sum(any(0 <= gone - at < UNREAD_S for gone in removals) for at in usage)
    counted = max((item.event.total.input for item in envelopes if isinstance(item.event, Counted)), default=0)
    if not len(usage) - unread <= counted <= len(usage):
        found.events_lost.append(f"{name}: {len(usage)} answers told, {counted} counted")
    seen = {
        item.event.status.question.id
        for item in envelopes
        if isinstance(item.event, StatusChanged) and item.event.status.question is not None
    }
    asked = [note for note in notes if note["what"] == "asked"]
    for note in asked:
        if note["id"] not in seen and not any(0 <= gone - note["at"] < UNREAD_S for gone in removals):
            found.events_lost.append(f"{name}: {note['id']} was asked and never seen")
    found.told += len(usage) + len(asked) + len(starts)


def _judge_work(found: Found, worktree: Path, notes: list[dict[str, Any]], reached: set[str]) -> None:
    for note in notes:
        if note["what"] != "wrote":
            continue
        found.files += 1
        content = note["content"].encode()
        found.bytes += len(content)
        path = worktree / note["path"]
        there = path.is_file() and path.read_bytes() == content
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if not there and blob not in reached:
            found.work_lost.append(note["path"])


def _reached(repository: Path) -> set[str]:
    """Names of all objects that a ref reaches; each is read and compared with its name."""
    git = ["git", "-C", str(repository)]
    listed = subprocess.run([*git, "rev-list", "--objects", "--all"], capture_output=True, check=True).stdout
    names = {line.split(b" ")[0].decode() for line in listed.splitlines()}
    subprocess.run([*git, "fsck", "--no-dangling", "--no-progress"], capture_output=True, check=True)
    return names
