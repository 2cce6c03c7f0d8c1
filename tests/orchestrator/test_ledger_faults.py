"""A ledger that is torn, damaged, of another time or on a full disk: nothing of it is lost that was safe before."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.fleet import Fleet
from orchestrator.rebuild import open_ledger, rebuild
from orchestrator.store import LedgerError, Store, salvage
from sessions.events import Launched, Said, StatusChanged
from sessions.models import SessionId, State, Status
from tests.orchestrator.ledgers import created

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COUNT = 300


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger as a power cut finds it: a part in the file, a part in the -wal, nobody closed it."""
    folder = tmp_path_factory.mktemp("torn")
    store = Store(folder / "live.sqlite3")
    for number in range(1, COUNT + 1):
        if number == COUNT // 3:
            store.keep(Fleet(seq=number - 1))
            with sqlite3.connect(store.path) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.append(NOW + timedelta(seconds=number), SessionId("s1"), Said(text=f"{number} " + "x" * (number % 700)))
    for part in ("", "-wal"):
        shutil.copyfile(f"{store.path}{part}", folder / f"ledger.sqlite3{part}")
    store.close()
    assert (folder / "ledger.sqlite3-wal").stat().st_size > 100_000
    return folder


@settings(max_examples=150)
@given(data=st.data())
def test_a_power_cut_leaves_a_prefix_and_the_ledger_goes_on(torn: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        shutil.copyfile(torn / "ledger.sqlite3", path)
        wal = bytearray((torn / "ledger.sqlite3-wal").read_bytes())
        at = data.draw(st.integers(0, len(wal) - 1), "where it tore")
        how = data.draw(st.sampled_from(("cut", "zeros", "garbage", "one bit")))
        if how == "cut":
            del wal[at:]
        elif how == "zeros":
            wal[at:] = bytes(len(wal) - at)
        elif how == "garbage":
            noise = data.draw(st.binary(min_size=1, max_size=600))
            wal[at : at + len(noise)] = noise[: len(wal) - at]
        else:
            wal[at] ^= 1 << data.draw(st.integers(0, 7))
        Path(f"{path}-wal").write_bytes(wal)
        store = Store(path)
        found = [envelope.seq for envelope in store.since(0)]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= COUNT // 3 - 1  # what was in the file itself is safe
        assert store.fleet().seq == len(found)
        assert store.append(NOW, SessionId("s1"), Said(text="after")).seq == len(found) + 1
        store.close()
        assert len(list(Store(path).since(0))) == len(found) + 1


def _fill(path: Path, count: int = 400) -> None:
    store = Store(path)
    for name in ("first", "last"):
        session = SessionId("s" + name)
        store.append(NOW, session, created(name))
        store.append(NOW, session, Launched(pane="%1", pid=7, argv=("x",)))
        store.append(NOW, session, StatusChanged(status=Status(state=State.DONE, since=NOW)))
        for number in range(count if name == "first" else 3):
            store.append(NOW, session, Said(text=f"{number} " + "y" * 500))
    store.close()


def test_a_damaged_ledger_is_shown_from_what_can_be_read_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _fill(path)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(whole)
    store = open_ledger(path)
    fleet = store.fleet()
    assert {row.name for row in fleet} == {"first", "last"}
    assert fleet.read_only is not None
    assert "cannot be read" in fleet.read_only
    assert "doctor --rebuild-ledger" in fleet.read_only
    store.append(NOW, SessionId("sfirst"), Said(text="what happens now is seen"))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + bytes(50)])
def test_a_file_that_is_no_ledger_is_put_aside_and_never_deleted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(content)
    if not content:
        assert open_ledger(path).fleet().read_only is None  # sqlite takes an empty file for a new database
        return
    assert open_ledger(path).fleet().read_only is not None
    fleet, aside = rebuild(path)
    assert not fleet.rows
    assert aside.read_bytes() == content
    assert open_ledger(path).fleet().read_only is None


def test_a_ledger_of_a_newer_version_is_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _fill(path, 3)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    fleet = open_ledger(path).fleet()
    assert {row.name for row in fleet} == {"first", "last"}
    assert fleet.read_only is not None
    assert "newer version" in fleet.read_only
    assert path.read_bytes() == before


def test_a_new_ledger_holds_what_was_found_and_numbers_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _fill(path)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(whole)
    left = salvage(path)
    fleet, aside = rebuild(path)
    assert {row.name for row in fleet} == {"first", "last"}
    assert aside.read_bytes() == whole
    again = Store(path)
    assert again.fleet() == fleet
    assert [envelope.seq for envelope in again.since(0)] == list(range(1, len(left) + 1))
    with pytest.raises(LedgerError, match="can be read"):
        rebuild(path)


def test_while_the_disk_is_full_what_happens_is_held_and_written_in_order_later(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    say = Said(text="x" * 5000)
    store.append(NOW, SessionId("a"), say)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    seen = [store.observe(NOW, SessionId("a"), say).seq for _ in range(20)]
    assert seen == list(range(2, 22))
    assert store.held > 0
    assert "make room" in store.trouble
    with pytest.raises(LedgerError, match="full"):
        store.append(NOW, SessionId("a"), created("new"))
    assert [envelope.seq for envelope in store.since(0)] == list(range(1, 22))
    assert [envelope.seq for envelope in store.since(15, "a", limit=3)] == [16, 17, 18]
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.append(NOW, SessionId("a"), created("new")).seq == 22
    assert store.held == 0
    store.close()
    assert [envelope.seq for envelope in Store(tmp_path / "l.sqlite3").since(0)] == list(range(1, 23))


def test_a_clock_that_jumps_changes_no_order_and_no_age_below_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    for hours in (0, -48, 48, -1):
        store.append(
            NOW + timedelta(hours=hours), SessionId("a"), created("a") if hours == 0 else Said(text=str(hours))
        )
    store.close()
    fleet = Store(tmp_path / "l.sqlite3").fleet()
    row = fleet.rows[SessionId("a")]
    assert row.said == "-1"
    assert row.idle_s(NOW - timedelta(days=5)) == 0.0
