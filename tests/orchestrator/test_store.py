"""The ledger keeps what it acknowledged, and the fleet is the same fold from everywhere."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.events import Envelope, Merging, Noticed, Paused, Removed, Seen
from orchestrator.fleet import Fleet, apply
from orchestrator.store import LedgerError, Store
from sessions.events import Active, Launched, Said, StatusChanged
from sessions.models import SessionId, State, Status
from tests.orchestrator.ledgers import created

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _fill(store: Store) -> Fleet:
    fleet = Fleet()
    for name in ("a", "b", "c"):
        session = SessionId(name)
        for event in (
            created(name),
            Launched(pane="%1", pid=7, argv=("x",)),
            StatusChanged(status=Status(state=State.DONE, since=NOW)),
            Active(active=True),
            Said(text="hello"),
        ):
            fleet = apply(fleet, store.append(NOW, session, event))
    fleet = apply(fleet, store.append(NOW, SessionId("a"), Seen()))
    fleet = apply(fleet, store.append(NOW, SessionId("b"), Paused(paused=True)))
    fleet = apply(fleet, store.append(NOW, SessionId("c"), Removed(attic="refs/x")))
    return apply(fleet, store.append(NOW, None, Noticed(level="info", title="t", message="m")))


def test_a_ledger_that_is_opened_again_gives_the_same_fleet(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    fleet = _fill(store)
    store.close()
    assert Store(tmp_path / "l.sqlite3").fleet() == fleet
    assert [row.state for row in fleet] == [State.IDLE, State.PAUSED]


def test_the_fold_from_a_snapshot_is_the_fold_from_the_beginning(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    fleet = _fill(store)
    store.keep(fleet)
    later = apply(fleet, store.append(NOW, SessionId("a"), Merging(step="look")))
    again = Store(tmp_path / "l.sqlite3")
    assert again.fleet() == later
    by_hand = Fleet()
    for envelope in again.since(0):
        by_hand = apply(by_hand, envelope)
    assert by_hand == later


def test_an_event_touches_one_row_and_no_other() -> None:
    fleet = Fleet()
    for number, name in enumerate(("a", "b"), 1):
        fleet = apply(fleet, Envelope(seq=number, at=NOW, session=SessionId(name), event=created(name)))
    after = apply(fleet, Envelope(seq=3, at=NOW, session=SessionId("a"), event=Said(text="x")))
    assert after.rows[SessionId("b")] is fleet.rows[SessionId("b")]
    assert after.rows[SessionId("a")] is not fleet.rows[SessionId("a")]
    assert apply(after, Envelope(seq=3, at=NOW, session=SessionId("a"), event=Said(text="y"))) is after


def test_an_event_of_a_newer_version_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    store = Store(path)
    store.append(NOW, SessionId("a"), created("a"))
    store.close()
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO events VALUES (2, ?, 'a', '{\"event\": \"from the future\"}')", (NOW.isoformat(),)
        )
    again = Store(path)
    assert again.append(NOW, SessionId("a"), Said(text="x")).seq == 3
    assert [envelope.seq for envelope in again.since(0)] == [1, 3]


def test_a_newer_ledger_and_a_damaged_one_are_refused_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer version") as newer:
        Store(path)
    assert "install the newer orchestrator" in newer.value.hint
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(LedgerError, match="cannot be read"):
        Store(broken)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    program = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from orchestrator.store import Store
from sessions.events import Said
from sessions.models import SessionId
store = Store(Path({str(path)!r}))
while True:
    print(store.append(datetime.now(UTC), SessionId("a"), Said(text="x")).seq, flush=True)
"""
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    found = {envelope.seq for envelope in Store(path).since(0)}
    assert found.issuperset(acknowledged)
    assert found == set(range(1, max(found) + 1))


def test_many_events_of_a_newer_version_do_not_stop_who_reads_in_portions(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as database:
        row = (NOW.isoformat(), '{"event": "from the future"}')
        database.executemany("INSERT INTO events VALUES (?, ?, NULL, ?)", [(seq, *row) for seq in range(1, 10)])
    store = Store(path)
    for text in ("x", "y", "z"):
        store.append(NOW, SessionId("a"), Said(text=text))
    assert [envelope.seq for envelope in store.since(0, limit=2)] == [10, 11]
    assert [envelope.seq for envelope in store.since(11, session="a", limit=2)] == [12]


def test_a_full_disk_refuses_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    program = f"""
import resource, signal
from datetime import UTC, datetime
from pathlib import Path
from orchestrator.store import LedgerError, Store
from orchestrator.fleet import Fleet
from sessions.events import Said
from sessions.models import SessionId
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path({str(path)!r}))
say = lambda: store.append(datetime.now(UTC), SessionId("a"), Said(text="x" * 5000)).seq
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    while True:
        last = say()
except LedgerError as error:
    print(last, error.message, error.hint, sep="|")
store.keep(Fleet(seq=last))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(say())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    refusal, after = done.stdout.splitlines()
    last, message, hint = refusal.split("|")
    assert "cannot be written" in message
    assert "make room" in hint
    assert int(after) == int(last) + 1
    assert [envelope.seq for envelope in Store(path).since(0)] == list(range(1, int(after) + 1))
