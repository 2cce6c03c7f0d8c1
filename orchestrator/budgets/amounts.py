"""Dollars, output tokens and hours: read from words and told in words. Pure.

Tokens are output tokens, reasoning included: what a model wrote. Input is mostly read again from a cache, at a tenth of
its price and a hundred times its number, so a cap on all tokens would say little about work or money.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from sessions.models import Model

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
WORDS = "for example $5, 200k (output tokens), 90m or 2h (busy time), or several: '$5 2h'"
_PART = re.compile(r"(\$)?(\d+(?:\.\d+)?)\s?([A-Za-z]+|\$)?(?:\s(tokens?))?")
_UNITS = {
    **dict.fromkeys(("", "$", "usd", "dollar", "dollars"), ("dollars", 1.0)),
    **dict.fromkeys(("k", "ktok"), ("tokens", 1e3)),
    **dict.fromkeys(("M", "Mtok"), ("tokens", 1e6)),
    **dict.fromkeys(("tokens", "token", "tok"), ("tokens", 1.0)),
    **dict.fromkeys(("h", "hour", "hours"), ("hours", 1.0)),
    **dict.fromkeys(("m", "min", "minute", "minutes"), ("hours", 1 / 60)),
    **dict.fromkeys(("s", "sec", "seconds"), ("hours", 1 / 3600)),
}
FIELDS = ("dollars", "tokens", "hours")


class Amount(Model):
    """A cap, or what is added to one. None: not capped in this measure."""

    dollars: Positive | None = None  # US
    tokens: Annotated[int, Field(gt=0)] | None = None  # output
    hours: Positive | None = None  # busy: working, or shells and subagents run

    def __bool__(self) -> bool:
        return any(getattr(self, field) is not None for field in FIELDS)

    def over(self, other: Amount) -> Amount:
        """Its own measures, and those of ``other`` where it has none."""
        return Amount(**{f: mine if (mine := getattr(self, f)) is not None else getattr(other, f) for f in FIELDS})

    def tighter(self, other: Amount) -> Amount:
        """The smaller of each measure."""
        pairs = {f: [v for one in (self, other) if (v := getattr(one, f)) is not None] for f in FIELDS}
        return Amount(**{field: min(values, default=None) for field, values in pairs.items()})

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(**{f: ((getattr(self, f) or 0) + (getattr(other, f) or 0)) or None for f in FIELDS})


def amount(words: str) -> Amount:
    """``$5``, ``200k``, ``2M``, ``90m``, ``2h``, or several of them. Raises ValueError that says what may stand there.

    Without a unit it is dollars; a small m is minutes, a large M a million tokens.
    """
    found: dict[str, float] = {}
    rest = words.replace(",", " ").strip().removeprefix("+")
    at, smallest = 0, 0.0
    while at < len(rest):
        part = _PART.match(rest, at)
        unit = (part[1] or part[3] or "") if part is not None else "?"
        known = _UNITS.get(unit) or _UNITS.get(unit.lower())
        if part is None or known is None or (part[1] and part[3]) or (part[4] and known[0] != "tokens"):
            break
        field, factor = known
        if field in found and (field != "hours" or factor >= smallest):
            break
        smallest = factor
        found[field] = found.get(field, 0.0) + float(part[2]) * factor
        at = part.end()
        at += len(rest[at:]) - len(rest[at:].lstrip())
    if at < len(rest) or not found or not all(0 < value < 1e12 for value in found.values()):
        raise ValueError(f"{words!r} is no amount: {WORDS}")
    tokens = found.pop("tokens", None)
    return Amount(**found, tokens=max(1, round(tokens)) if tokens is not None else None)


def told(field: str, value: float) -> str:
    """One measure for people: ``$5.20``, ``200k tokens``, ``2h``, ``12m``."""
    if field == "dollars":
        return f"${value:.0f}" if value == int(value) and value >= 1 else f"${value:.2f}"
    if field == "tokens":
        return f"{_count(value)} tokens"
    if value >= 1:
        hours, minutes = divmod(round(value * 60), 60)
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    return f"{value * 60:.0f}m" if value * 60 >= 1 or value == 0 else f"{value * 3600:.0f}s"


def words(amount: Amount) -> str:
    """All its measures: ``$5, 2h``; empty when there are none."""
    return ", ".join(told(f, value) for f in FIELDS if (value := getattr(amount, f)) is not None)


def _count(value: float) -> str:
    if value < 1000:
        return f"{value:.0f}"
    return f"{value / 1e3:.0f}k" if value < 1e6 else f"{value / 1e6:.3g}M"
