"""When a limit ends, from the words that agents say it in: "1:42am", "3pm (Europe/Berlin)", "Nov 28 at 3:45pm"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(
    r"(?:(?P<month>[A-Za-z]{3})[a-z]* (?P<day>\d{1,2})(?:st|nd|rd|th)?(?:, (?P<year>\d{4}))?,?(?: at)? )?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s?(?P<half>[AaPp][Mm])(?: \((?P<zone>[A-Za-z0-9_/+-]+)\))?"
)
PASSED = timedelta(minutes=5)


def time(words: str, now: datetime) -> datetime | None:
    """The next such time after ``now``; None when the words hold none. Without a zone it is local time.

    One that has just passed is meant as it is: agents leave the seconds out, and show it until the limit has lifted.
    """
    found = _TIME.search(words)
    if found is None:
        return None
    zone = _zone(found["zone"])
    today = now.astimezone(zone)
    hour = int(found["hour"]) % 12 + (12 if found["half"].lower() == "pm" else 0)
    try:
        at = today.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
        if found["month"] is None:
            return (at if at > today - PASSED else at + timedelta(days=1)).astimezone(UTC)
        year = int(found["year"] or today.year)
        at = at.replace(year=year, month=_MONTHS.index(found["month"].lower()) + 1, day=int(found["day"]))
        if found["year"] is None and at < today - timedelta(days=1):
            at = at.replace(year=year + 1)
    except ValueError:
        return None
    return at.astimezone(UTC)


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
