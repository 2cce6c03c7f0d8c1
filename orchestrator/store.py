"""The ledger: an append-only, numbered table of envelopes in SQLite. The only import of sqlite3.

WAL with ``synchronous=NORMAL``: an append costs about 20 µs and survives a kill of the process; a power cut may
take the last moments but never tears the file (https://sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from orchestrator.derived import Derived, Stay, facts, outputs, pace, states
from orchestrator.events import Envelope, Event, Removed
from orchestrator.fleet import Fleet, apply
from orchestrator.metrics.facts import Facts
from sessions import prices
from sessions.models import SessionId
from worktrees.faultpoints import point

SCHEMA = 1
SNAPSHOT_EVERY = 2000
HELD = 20_000
"""Envelopes that are held in memory while the disk is full: hours of a busy fleet, some 20 MB."""

AT_ONCE = 2000
"""Events that opening takes over into the derived tables; more are taken over in portions while the daemon serves."""

REBUILD = "no work is touched; write a new ledger from what is found with: orchestrator doctor --rebuild-ledger"

Answer = TypeVar("Answer")
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class LedgerError(Exception):
    """The ledger cannot be used. ``hint`` names the next step."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Store:
    """One writer. Opening a ledger that a newer version wrote, or that is damaged, raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""  # why envelopes are held, and what to do
        self._held: deque[Envelope] = deque()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA:
                self._db.close()
                raise LedgerError(
                    f"the ledger {path} was written by a newer version (schema {version}, this one knows {SCHEMA})",
                    "install the newer orchestrator; or begin a new ledger: orchestrator doctor --rebuild-ledger",
                )
            self._db.executescript(
                f"""
                BEGIN;
                CREATE TABLE IF NOT EXISTS events (
                    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, session TEXT, event TEXT NOT NULL);
                CREATE INDEX IF NOT EXISTS events_session ON events (session, seq);
                CREATE TABLE IF NOT EXISTS fleet (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL);
                PRAGMA user_version = {SCHEMA};
                COMMIT;
                """
            )
            self.seq: int = self._db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
            self.derived = Derived(self._db, prices.priced)
            self.catch_up(AT_ONCE)
        except sqlite3.DatabaseError as error:
            raise unreadable(path, error) from error

    def append(self, at: datetime, session: SessionId | None, event: Event) -> Envelope:
        """Number ``event`` and write it; it is on disk (not yet synced) when this returns.

        Raises LedgerError when it cannot be written (a full disk); what is there is unharmed, and the next may succeed.
        """
        self.write_held()
        envelope = Envelope(seq=self.seq + 1, at=at, session=session, event=event)
        point("ledger.append")
        self._insert(envelope)
        point("ledger.appended")
        self.seq = envelope.seq
        return envelope

    def observe(self, at: datetime, session: SessionId | None, event: Event) -> Envelope:
        """Like :meth:`append`, for what happened whether it can be written or not: meanwhile it is held in memory.

        Held envelopes are read like written ones, and are written, in order, by the next append that succeeds.
        Raises LedgerError when :data:`HELD` are held already.
        """
        try:
            return self.append(at, session, event)
        except LedgerError as error:
            if len(self._held) >= HELD:
                raise
            self.trouble = f"{error.message}; {error.hint}"
        envelope = Envelope(seq=self.seq + 1, at=at, session=session, event=event)
        self._held.append(envelope)
        self.seq = envelope.seq
        return envelope

    @property
    def held(self) -> int:
        """Envelopes that could not be written so far."""
        return len(self._held)

    def write_held(self) -> None:
        """Write what is held in memory. Raises LedgerError when there is still no room."""
        while self._held:
            self._insert(self._held[0])
            self._held.popleft()

    def _insert(self, envelope: Envelope) -> None:
        event = envelope.event.model_dump_json(exclude_defaults=False)
        row = (envelope.seq, envelope.at.isoformat(), envelope.session, event)
        try:
            self.derived.insert(envelope, lambda: self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", row))
        except sqlite3.Error as error:
            damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
            raise LedgerError(
                f"the ledger {self.path} cannot be written: {error}",
                REBUILD if damaged else "make room on its disk; nothing that it holds is harmed",
            ) from error

    def catch_up(self, count: int = 250) -> bool:
        """Take at most ``count`` older events over into the derived tables; whether all of them are there."""
        return self.derived.catch_up(_envelope, self.seq - len(self._held), count)

    def facts(self, since: int, until: int) -> Facts:
        """What the derived tables hold of a stretch of time (microseconds). May be called from a thread.

        It reads by a connection of its own, so the writer is never kept waiting.
        """
        return self._asked(lambda db: facts(db, since, until))

    def pace(self, since: int) -> dict[str, tuple[int, int]]:
        """Interactions that ended after ``since`` (microseconds): how many of each kind, and how long in all."""
        return self._asked(lambda db: pace(db, since))

    def outputs(self, since: int, until: int) -> list[tuple[int, int, float]]:
        """Output tokens of the fleet as (began, ended, tokens)."""
        return self._asked(lambda db: outputs(db, since, until))

    def states(self, sessions: Iterable[str], since: int, until: int, width: int) -> dict[str, list[Stay]]:
        """What each session was in, for a picture with parts of ``width``."""
        return self._asked(lambda db: states(db, sessions, since, until, width))

    def _asked(self, ask: Callable[[sqlite3.Connection], Answer]) -> Answer:
        if str(self.path) == ":memory:":
            return ask(self._db)
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True, timeout=5)) as db:
                db.execute("BEGIN")  # one moment for all that is asked
                return ask(db)
        except sqlite3.Error as error:
            raise unreadable(self.path, error) from error

    def began(self) -> int:
        """When what is known began (microseconds): the first session, or a response before it; 0: nothing is known."""
        query = "SELECT min(began) FROM known UNION ALL SELECT min(ended) - 1 FROM answers"
        found = self._asked(lambda db: [row[0] for row in db.execute(query) if row[0] is not None])
        return min(found, default=0)

    def watch(self, at: datetime) -> None:
        """Somebody watches at ``at``. On a full disk it is not written: the last event tells it then."""
        if not self._held:
            with suppress(sqlite3.OperationalError):
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('watched', ?)", (at.isoformat(),))

    def watched(self) -> datetime | None:
        """When somebody last watched, as far as is written down; None: never."""
        query = "SELECT value FROM meta WHERE key = 'watched' UNION ALL SELECT at FROM events WHERE seq = ?"
        times = [datetime.fromisoformat(row[0]) for row in self._rows(query, (self.seq,))]
        return max(times, default=None)

    @property
    def behind(self) -> float:
        """The part of the ledger that is not in the derived tables yet."""
        newest = self.seq - len(self._held)
        return 1 - self.derived.seq / newest if newest > self.derived.seq else 0.0

    def removed(self, session: str) -> bool:
        """The ledger says that ``session`` was removed."""
        return any(isinstance(envelope.event, Removed) for envelope in self.since(0, session))

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise unreadable(self.path, error) from error

    def since(self, seq: int, session: str | None = None, limit: int | None = None) -> Iterator[Envelope]:
        """Envelopes above ``seq`` in order, at most ``limit``. A line that this version does not know is left out."""
        of = "" if session is None else "AND session = ?"
        rows = self._rows(
            f"SELECT seq, at, session, event FROM events WHERE seq > ? {of} ORDER BY seq",
            (seq,) if session is None else (seq, session),
        )
        envelopes = (envelope for row in rows if (envelope := _envelope(*row)) is not None)
        held = (item for item in tuple(self._held) if item.seq > seq and session in (None, item.session))
        yield from islice(chain(envelopes, held), limit)

    def of(self, session: str, kinds: tuple[str, ...]) -> Iterator[Envelope]:
        """The session's envelopes of these kinds of events, in order."""
        for kind in kinds:
            assert kind.replace("_", "").isalpha(), kind
        like = " OR ".join(f'event LIKE \'{{"event":"{kind}",%\'' for kind in kinds)
        rows = self._rows(
            f"SELECT seq, at, session, event FROM events WHERE session = ? AND ({like}) ORDER BY seq", (session,)
        )
        envelopes = (envelope for row in rows if (envelope := _envelope(*row)) is not None)
        held = (item for item in tuple(self._held) if item.session == session and item.event.event in kinds)
        yield from chain(envelopes, held)

    def fleet(self) -> Fleet:
        """The fold of the whole ledger, from the newest stored fold on."""
        fleet = Fleet()
        stored = next(self._rows("SELECT state FROM fleet WHERE id = 1"), None)
        if stored is not None:
            try:
                fleet = Fleet.model_validate_json(stored[0])
            except ValidationError:
                fleet = Fleet()
            if fleet.seq > self.seq:
                fleet = Fleet()
        for envelope in self.since(fleet.seq):
            fleet = apply(fleet, envelope)
        return fleet

    def keep(self, fleet: Fleet) -> None:
        """Store the fold, so that the next start replays only what came after it. On a full disk it replays more."""
        if self._held:
            return  # it would be ahead of what a restart finds
        with suppress(sqlite3.OperationalError):
            self._db.execute("INSERT OR REPLACE INTO fleet VALUES (1, ?)", (fleet.model_dump_json(),))

    def close(self) -> None:
        with suppress(LedgerError):
            self.write_held()
        self._db.close()


def unreadable(path: Path, error: Exception) -> LedgerError:
    return LedgerError(f"the ledger {path} cannot be read: {error}", REBUILD)


def in_memory() -> Store:
    """A ledger that is written nowhere."""
    return Store(Path(":memory:"))


def salvage(path: Path) -> list[Envelope]:
    """Every envelope that can be read of a ledger that is damaged or of a newer version, in order.

    A copy is read: reading a ledger after a crash would write to it. From a damaged one it is read from both ends.
    """
    found: dict[int, Envelope] = {}
    with tempfile.TemporaryDirectory(prefix="orchestrator-ledger-") as folder:
        copy = Path(folder) / path.name
        for part in ("", "-wal"):
            with suppress(OSError):
                shutil.copyfile(f"{path}{part}", f"{copy}{part}")
        database = sqlite3.connect(copy)
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.DatabaseError):
                rows = "SELECT seq, at, session, event FROM events NOT INDEXED ORDER BY seq "
                for row in database.execute(rows + order):
                    if row[0] in found:
                        break
                    with suppress(ValueError, TypeError):
                        if (envelope := _envelope(*row)) is not None:
                            found[envelope.seq] = envelope
                else:
                    break
        database.close()
    return [found[seq] for seq in sorted(found)]


def _envelope(seq: int, at: str, session: SessionId | None, text: str) -> Envelope | None:
    try:
        return Envelope(seq=seq, at=datetime.fromisoformat(at), session=session, event=_EVENT.validate_json(text))
    except ValidationError:
        return None
