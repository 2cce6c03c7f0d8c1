"""What is done when the ledger cannot be used: shown without it, and begun anew when the human says so."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import found
from orchestrator.events import ReadOnly
from orchestrator.fleet import Fleet
from orchestrator.store import LedgerError, Store, in_memory, salvage

log = logging.getLogger("orchestrator")
PARTS = ("", "-wal", "-shm")


def open_ledger(path: Path) -> Store:
    """The ledger at ``path``; when it is damaged or of a newer version, what was found instead, in memory.

    The file is left as it is. The fleet of such a store says why in ``read_only``.
    """
    try:
        store = Store(path)
        store.fleet()
    except LedgerError as error:
        log.error("%s; %s", error.message, error.hint)
        store = in_memory()
        found.fill(store, salvage(path))
        store.append(datetime.now(UTC), None, ReadOnly(reason=error.message, hint=error.hint))
    return store


def rebuild(path: Path) -> tuple[Fleet, Path]:
    """Put the damaged ledger aside and write a new one from what was found; returns the fleet and where the old one is.

    Nobody else may have the ledger open. Raises LedgerError when it is whole: there is nothing to rebuild.
    """
    try:
        whole = Store(path)
        whole.fleet()
        whole.close()
    except LedgerError:
        pass
    else:
        raise LedgerError(f"the ledger {path} can be read", "there is nothing to rebuild")
    left = salvage(path)
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    fresh = path.with_name(path.name + ".new")
    for part in PARTS:
        Path(f"{fresh}{part}").unlink(missing_ok=True)  # of a rebuild that was cut off
    store = Store(fresh)
    fleet = found.fill(store, left)
    store.close()  # the last to close it writes all of it into the one file
    for part in PARTS:
        old = Path(f"{path}{part}")
        if old.exists():
            old.rename(f"{aside}{part}")
    fresh.rename(path)
    return fleet, aside
