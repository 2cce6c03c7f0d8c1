"""Tables that are derived from the ledger's events, in the same file and by the same transaction: what ``stats`` asks.

They can be thrown away: another ``VERSION`` makes them anew from the events, in portions (``Derived.catch_up``).
Only ``store.py`` opens the database; the SQL of these tables stands here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from orchestrator.events import Envelope
from orchestrator.metrics.facts import Facts, Tokens
from orchestrator.metrics.folding import KINDS, Book, Open, Price, step
from orchestrator.metrics.records import (
    Answer,
    Interaction,
    Known,
    Landed,
    Record,
    Removal,
    Span,
    Stretch,
    Wait,
)
from orchestrator.metrics.series import spread
from orchestrator.metrics.states import SECOND, Spent

log = logging.getLogger("orchestrator")
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
LONG = 2 * HOUR
"""Windows beyond it are drawn from sums by the minute."""
VERSION = 2
TABLES = (
    "meta",
    "book",
    "known",
    "spans",
    "stretches",
    "waits",
    "interactions",
    "answers",
    "landed",
    "hours",
    "minutes",
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS book (session TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS known (session TEXT PRIMARY KEY, name TEXT, agent TEXT, model TEXT, repository TEXT,
    task TEXT, began INTEGER, removed INTEGER);
CREATE TABLE IF NOT EXISTS spans (session TEXT, began INTEGER, ended INTEGER, state TEXT);
CREATE INDEX IF NOT EXISTS spans_ended ON spans (ended, began, session, state);
CREATE INDEX IF NOT EXISTS spans_session ON spans (session, ended, began, state);
CREATE TABLE IF NOT EXISTS stretches (session TEXT, began INTEGER, ended INTEGER);
CREATE INDEX IF NOT EXISTS stretches_ended ON stretches (ended, began, session);
CREATE TABLE IF NOT EXISTS waits (session TEXT, began INTEGER, ended INTEGER, kind TEXT,
    unnoticed INTEGER, queued INTEGER, handled INTEGER);
CREATE INDEX IF NOT EXISTS waits_ended ON waits (ended);
CREATE TABLE IF NOT EXISTS interactions (session TEXT, began INTEGER, ended INTEGER, kind TEXT);
CREATE INDEX IF NOT EXISTS interactions_ended ON interactions (ended);
CREATE TABLE IF NOT EXISTS answers (session TEXT, id TEXT, model TEXT, began INTEGER, ended INTEGER, input INTEGER,
    output INTEGER, cache_read INTEGER, cache_write INTEGER, reasoning INTEGER, least INTEGER, cost REAL, source TEXT,
    PRIMARY KEY (session, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_id ON answers (id, ended);
CREATE INDEX IF NOT EXISTS answers_ended ON answers (ended, session, model, began, input, output, cache_read,
    cache_write, reasoning, least, cost, source);
CREATE TABLE IF NOT EXISTS hours (hour INTEGER, session TEXT, model TEXT, source TEXT, responses INTEGER,
    input INTEGER, output INTEGER, cache_read INTEGER, cache_write INTEGER, reasoning INTEGER, least INTEGER, cost REAL,
    unpriced INTEGER, PRIMARY KEY (hour, session, model, source)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS minutes (minute INTEGER PRIMARY KEY, output REAL);
CREATE TABLE IF NOT EXISTS landed (session TEXT, at INTEGER, by INTEGER);
CREATE INDEX IF NOT EXISTS landed_at ON landed (at);
"""
_EVENTS = f"""
SELECT seq, at, session, event FROM events
WHERE seq > ? AND seq <= ? AND json_extract(event, '$.event') IN ({", ".join("?" * len(KINDS))}) ORDER BY seq
"""


Stay = tuple[int, int, Spent]
"""From, to, and in which state."""


class Derived:
    """The derived tables of one open ledger. ``db`` is its connection, in autocommit."""

    def __init__(self, db: Any, price: Price) -> None:
        self._db = db
        self._price = price
        if self._meta("version") != str(VERSION):
            db.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                db.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('version', ?)", (str(VERSION),))
            db.execute("COMMIT")
        self.seq = int(self._meta("seq") or 0)
        """The newest event that is in the tables."""
        self.book = self._read()

    def _meta(self, key: str) -> str | None:
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return None
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _read(self) -> Book:
        open_ = dict(self._db.execute("SELECT session, state FROM book"))
        rest = Book.model_validate_json(open_.pop("", "{}"))
        return rest.model_copy(update={"open": {key: Open.model_validate_json(row) for key, row in open_.items()}})

    def insert(self, envelope: Envelope, insert: Callable[[], object]) -> None:
        """Write an event by ``insert`` and what follows from it, or neither. A ledger that is behind waits."""
        if self.seq != envelope.seq - 1:
            insert()
        elif envelope.event.event not in KINDS:
            insert()
            self.seq = envelope.seq
        else:
            self._transaction((envelope,), envelope.seq, insert)

    def catch_up(self, parse: Callable[..., Envelope | None], newest: int, count: int) -> bool:
        """Take at most ``count`` events over that are not in the tables; whether all are now."""
        if self.seq >= newest:
            return True
        until = min(newest, self.seq + count)
        rows = self._db.execute(_EVENTS, (self.seq, until, *KINDS)).fetchall()
        self._transaction([envelope for row in rows if (envelope := parse(*row)) is not None], until)
        return self.seq >= newest

    def _transaction(self, envelopes: Iterable[Envelope], seq: int, insert: Callable[[], object] | None = None) -> None:
        book, records = self.book, []
        for envelope in envelopes:
            try:
                book, found = step(book, envelope, self._price)
            except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError):
                log.exception("event %s is left out of the statistics", envelope.seq)  # the ledger itself must go on
                continue
            records += found
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if insert is not None:
                insert()
            for record in records:
                self._write(record)
            self._keep(book)
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('seq', ?)", (str(seq),))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self.book, self.seq = book, seq

    def _keep(self, book: Book) -> None:
        before = self.book
        for session in before.open.keys() - book.open.keys():
            self._db.execute("DELETE FROM book WHERE session = ?", (session,))
        changed = [(key, now.model_dump_json()) for key, now in book.open.items() if before.open.get(key) is not now]
        if (before.focus, before.focused_at) != (book.focus, book.focused_at):
            changed.append(("", book.model_dump_json(exclude={"open"})))
        self._db.executemany("INSERT OR REPLACE INTO book VALUES (?, ?)", changed)

    def _write(self, record: Record) -> None:
        run = self._db.execute
        match record:
            case Known():
                run(
                    "INSERT INTO known VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (session) DO UPDATE "
                    "SET removed = NULL",
                    (
                        *(record.session, record.name, record.agent, record.model, record.repository, record.task),
                        record.began,
                    ),
                )
            case Removal():
                run("UPDATE known SET removed = ? WHERE session = ?", (record.at, record.session))
            case Span():
                run(
                    "INSERT INTO spans VALUES (?, ?, ?, ?)",
                    (record.session, record.began, record.ended, record.state.value),
                )
            case Stretch():
                run("INSERT INTO stretches VALUES (?, ?, ?)", (record.session, record.began, record.ended))
            case Wait():
                times = (record.unnoticed, record.queued, record.handled)
                run(
                    "INSERT INTO waits VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (record.session, record.began, record.ended, record.kind, *times),
                )
            case Interaction():
                run(
                    "INSERT INTO interactions VALUES (?, ?, ?, ?)",
                    (record.session, record.began, record.ended, record.kind),
                )
            case Answer():
                self._count(record)
            case Landed():
                run("INSERT INTO landed VALUES (?, ?, ?)", (record.session, record.at, record.by))

    def _count(self, answer: Answer) -> None:
        """The same response of the same session replaces; one that another session has is a copy made by a fork."""
        copy = "SELECT 1 FROM answers WHERE id = ? AND ended = ? AND session <> ?"
        if self._db.execute(copy, (answer.id, answer.ended, answer.session)).fetchone():
            return
        key, used = (answer.session, answer.id), answer.usage
        self._sum(key, -1)
        self._db.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(*key, answer.model, answer.began, answer.ended, used.input, used.output),
                *(used.cache_read, used.cache_write, used.reasoning, int(used.lower_bound)),
                *(answer.cost_usd, answer.source),
            ),
        )
        self._sum(key, 1)

    def _sum(self, key: tuple[str, str], sign: int) -> None:
        """Put a response into the sums of its hour and minutes, or take it out."""
        for began, ended, output in self._db.execute(_ONE, key).fetchall():
            self._db.execute(_ADD, (*([sign] * 9), *key))
            shares = [(minute, sign * tokens) for minute, tokens in spread(began, ended, output, MINUTE)]
            self._db.executemany(
                "INSERT INTO minutes VALUES (?, ?) "
                "ON CONFLICT (minute) DO UPDATE SET output = output + excluded.output",
                shares,
            )


_SUMS = "sum(responses), sum(input), sum(output), sum(cache_read), sum(cache_write), sum(reasoning), max(least > 0)"
_PARTS = """
1 AS responses, input, output, cache_read, cache_write, reasoning, least, cost,
(cost IS NULL AND input + output + cache_read > 0) AS unpriced
"""
_TOKENS = f"""
SELECT session, model, {_SUMS}, sum(cost), sum(unpriced), group_concat(DISTINCT source) FROM (
    SELECT session, model, source, responses, input, output, cache_read, cache_write, reasoning, least, cost, unpriced
        FROM hours WHERE hour >= :first AND hour < :last AND responses > 0
    UNION ALL SELECT session, model, source, {_PARTS} FROM answers WHERE ended > :since AND ended <= :head
    UNION ALL SELECT session, model, source, {_PARTS} FROM answers WHERE ended > :tail AND ended <= :until
) GROUP BY session, model
"""
"""Whole hours are summed up already; the rest is at both ends of the window."""
_ONE = "SELECT began, ended, output FROM answers WHERE session = ? AND id = ?"
_ADD = f"""
INSERT INTO hours SELECT (ended - 1) / {HOUR}, session, model, source, ?, ? * input, ? * output, ? * cache_read,
    ? * cache_write, ? * reasoning, ? * least, ? * cost, ? * (cost IS NULL AND input + output + cache_read > 0)
    FROM answers WHERE session = ? AND id = ?
ON CONFLICT (hour, session, model, source) DO UPDATE SET responses = responses + excluded.responses,
    input = input + excluded.input, output = output + excluded.output, cache_read = cache_read + excluded.cache_read,
    cache_write = cache_write + excluded.cache_write, reasoning = reasoning + excluded.reasoning,
    least = least + excluded.least, cost = coalesce(cost + excluded.cost, excluded.cost, cost),
    unpriced = unpriced + excluded.unpriced
"""


def facts(db: Any, since: int, until: int) -> Facts:
    """What happened from ``since`` to ``until`` (microseconds); what goes on is counted up to ``until``."""
    window = {"since": since, "until": until}
    accounts: dict[str, dict[Spent, int]] = {}

    def spend(session: str, state: Spent, amount: int) -> None:
        if amount > 0:
            account = accounts.setdefault(session, {})
            account[state] = account.get(state, 0) + amount

    for session, state, amount in db.execute(
        "SELECT session, state, sum(min(ended, :until) - max(began, :since)) FROM spans "
        "WHERE ended > :since AND began < :until GROUP BY session, state",
        window,
    ):
        spend(session, Spent(state), amount)
    waits = [
        Wait(*row)
        for row in db.execute(
            "SELECT session, began, ended, kind, unnoticed, queued, handled FROM waits "
            "WHERE ended > :since AND began < :until",
            window,
        )
    ]
    for session, text in db.execute("SELECT session, state FROM book WHERE session <> ''"):
        now = Open.model_validate_json(text)
        spend(session, now.state, until - max(now.began, since))
        if now.asked is not None and now.began < until:
            asked = now.asked.until(max(until, now.asked.mark))
            waits.append(Wait(session, asked.began, until, asked.kind, asked.unnoticed, asked.queued, asked.handled))
    return Facts(
        since=since,
        until=until,
        known={
            row[0]: Known(*row)
            for row in db.execute("SELECT session, name, agent, model, repository, task, began FROM known")
        },
        accounts=accounts,
        tokens=tuple(Tokens(*row) for row in db.execute(_TOKENS, _hours(since, until))),
        waits=tuple(waits),
        stretches=tuple(
            Stretch(*row)
            for row in db.execute(
                "SELECT session, began, ended FROM stretches WHERE ended > :since AND began < :until", window
            )
        ),
        interactions=tuple(
            Interaction(*row)
            for row in db.execute(
                "SELECT session, began, ended, kind FROM interactions WHERE ended > :since AND ended <= :until", window
            )
        ),
        landed=dict(
            db.execute(
                "SELECT session, max(0, sum(by)) FROM landed WHERE at > :since AND at <= :until GROUP BY session",
                window,
            )
        ),
    )


def _hours(since: int, until: int) -> dict[str, int]:
    """The whole hours of a window, and what is left of it before and after them."""
    first, last = -(-since // HOUR), until // HOUR
    if first >= last:
        return {"first": 0, "last": 0, "since": since, "head": until, "tail": until, "until": until}
    return {
        "first": first,
        "last": last,
        "since": since,
        "head": first * HOUR,
        "tail": last * HOUR,
        "until": until,
    }


def pace(db: Any, since: int) -> dict[str, tuple[int, int]]:
    """Interactions that ended after ``since``: how many of each kind, and their time in all."""
    query = "SELECT kind, count(*), sum(ended - began) FROM interactions WHERE ended > ? GROUP BY kind"
    return {kind: (count, total) for kind, count, total in db.execute(query, (since,))}


def outputs(db: Any, since: int, until: int) -> list[tuple[int, int, float]]:
    """Output tokens of the fleet as (began, ended, tokens), those of long windows by the minute."""
    if until - since > LONG:
        rows = db.execute(
            "SELECT minute, output FROM minutes WHERE minute >= ? AND minute <= ?", (since // MINUTE, until // MINUTE)
        )
        return [(minute * MINUTE, (minute + 1) * MINUTE, output) for minute, output in rows]
    query = "SELECT began, ended, output FROM answers WHERE ended > ? AND began < ?"
    return list(db.execute(query, (since, until)))


_STAYS = """
SELECT CASE WHEN ended - began >= :width THEN began ELSE -1 - max(0, began - :since) / :width END, state,
    sum(ended - began) FROM spans WHERE session = :session AND ended > :since AND began < :until GROUP BY 1, 2
"""
"""A long stretch by its beginning, short ones together by the number of their part, as -1 - number."""


def states(db: Any, sessions: Iterable[str], since: int, until: int, width: int) -> dict[str, list[Stay]]:
    """What each session was in, as (began, ended, state). Stretches shorter than ``width`` are put together by parts.

    A part of the picture that is drawn: what crosses from one part to the next counts where it began.
    """
    found: dict[str, list[Stay]] = {}
    for session in sessions:
        window = {"session": session, "since": since, "until": until, "width": width}
        of = found.setdefault(session, [])
        for key, state, amount in db.execute(_STAYS, window):
            at, most = (key, amount) if key >= 0 else (since - (key + 1) * width, min(width, amount))
            of.append((at, at + most, Spent(state)))
        row = db.execute("SELECT state FROM book WHERE session = ?", (session,)).fetchone()
        if row is not None:
            now = Open.model_validate_json(row[0])
            of.append((now.began, until, now.state))
    return found
