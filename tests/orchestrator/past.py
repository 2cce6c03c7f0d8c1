"""A history to look at: what the sample's daemon answers of snapshots."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from orchestrator.commands import Command, Compare, DiffReply, Restore, Snapshots
from tests.orchestrator.sample import CHANGES
from worktrees.models import Change, ChangeKind, History, Moment, Restoration, Snapshot

HEADS = ("5f2d0c9a" * 5, "c0ffee12" * 5, "9b1deb4d" * 5)
_MOMENTS = (
    # reason, minutes ago, files, added, removed, which HEAD, left out
    ("begins", 190, 0, 0, 0, 0, ()),
    ("turn over", 171, 2, 41, 3, 0, ("node_modules/",)),
    ("turn begins", 64, 1, 1, 1, 0, ("node_modules/",)),
    ("HEAD moved", 58, 3, 120, 8, 1, ("node_modules/",)),
    ("turn over", 55, 5, 214, 30, 1, ("node_modules/",)),
    ("by hand: before the [b]big[/b] rename of everything that is named after the old client", 54, 0, 0, 0, 1, ()),
    ("turn over", 22, 4, 46, 44, 2, ("node_modules/", "dump.sql")),
)


def moments(now: datetime) -> tuple[Moment, ...]:
    """Newest first."""
    found = [
        Moment(
            number=number,
            snapshot=Snapshot(
                ref=f"refs/orchestrator/snap/s04/{number:06}",
                commit=f"{number}" * 40,
                tree=f"{number}a" * 20,
                parent=HEADS[head],
                at=now - timedelta(minutes=minutes),
                reason=reason,
                left_out=left_out,
            ),
            files=files,
            added=added,
            removed=removed,
        )
        for number, (reason, minutes, files, added, removed, head, left_out) in enumerate(_MOMENTS, start=1)
    ]
    return tuple(reversed(found))


def answer(command: Command, now: datetime) -> Any:
    """What the time machine says of the sample; None: another command."""
    known = {str(moment.number): moment for moment in moments(now)}
    match command:
        case Snapshots():
            return History(moments=moments(now))
        case Compare():
            old = command.old or str(int(command.new or "8") - 1)
            reason = known[old].snapshot.reason if old in known else ""
            base = f"snapshot {old} ({reason})" if old in known else "main"
            return DiffReply(base=base, changes=CHANGES, patch="")
        case Restore():
            to = known[command.snapshot or "6"].snapshot
            before = None if command.dry_run else to.model_copy(update={"ref": to.ref[:-6] + "000008"})
            gone = Change(kind=ChangeKind.DELETED, path="src/new_client.py", added=0, removed=88)
            changes = tuple(one for one in (*CHANGES, gone) if command.path in (None, one.path))
            return Restoration(
                to=to,
                path=command.path,
                changes=changes,
                left_alone=("debug.log",),
                branch="orchestrator/api-retry",
                head_now=HEADS[2],
                head_moves=command.head,
                before=before,
            )
        case _:
            return None
