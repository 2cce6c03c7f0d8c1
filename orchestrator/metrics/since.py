"""When a human says that something began. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(words: str, now: datetime) -> datetime | None:
    """``30m``, ``8h``, ``7d``, ``2w`` before ``now``; ``today``; a date or date and time, local unless it has a zone.

    ``all`` is None: the beginning. Raises ValueError for anything else.
    """
    words = words.strip().lower()
    if words == "all":
        return None
    if words == "today":
        return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if found := re.fullmatch(r"(\d{1,6})\s*([mhdw])", words):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    at = datetime.fromisoformat(words)
    return at if at.tzinfo is not None else at.astimezone()
