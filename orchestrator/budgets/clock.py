"""Times to come, as people read them. Pure, and cheap to import."""

from __future__ import annotations

from datetime import datetime


def clock(at: datetime, now: datetime) -> str:
    """A time to come, as a clock here shows it: ``14:05``, ``Fri 14:05``, ``12 Dec 14:05``."""
    local = at.astimezone()
    if local.date() == now.astimezone().date():
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if (at - now).days < 6 else f"{local.day} {local:%b %H:%M}"
