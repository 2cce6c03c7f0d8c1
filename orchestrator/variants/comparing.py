"""The sessions of a group side by side, as the fleet knows them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.fleet import Fleet, Row
from orchestrator.variants.ask import Compared, VariantsReply
from sessions.models import BUSY

_BAD = frozenset({"failed", "timeout", "void", "blocked"})


def group(fleet: Fleet, name: str) -> tuple[Row, ...]:
    """The sessions of the group of that name, or of the group that the session of that name is in."""
    if not any(row.group == name for row in fleet):
        row = fleet.named(name)
        if row is None or row.group is None:
            return ()
        name = row.group
    return tuple(row for row in fleet if row.group == name)


def compared(rows: Sequence[Row], now: datetime) -> VariantsReply:
    """``rows``: at least one, of one group."""
    first = rows[0]
    return VariantsReply(
        group=first.group or first.name,
        prompt=first.prompt,
        repository=first.repository,
        target=first.target,
        variants=tuple(_one(row, now) for row in rows),
    )


def _one(row: Row, now: datetime) -> Compared:
    until = now if row.status.state in BUSY else row.status.since
    return Compared(
        session=row.id,
        name=row.name,
        agent=row.agent,
        model=row.model or (row.responses[-1].model if row.responses else ""),
        state=row.state.value,
        files=row.totals.files,
        added=row.totals.added,
        removed=row.totals.removed,
        uncommitted=row.totals.uncommitted,
        checks=row.checks.mark if row.checks else "",
        failed=tuple(word.name for word in row.checks.words if word.state in _BAD) if row.checks else (),
        usage=row.usage,
        cost_usd=row.cost_usd,
        seconds=max(0.0, (until - row.created_at).total_seconds()),
        conflicts=row.conflicts,
        landed=row.landing is not None,
        said=row.said,
    )
