"""Amounts as people read them. Pure, and cheap to import."""

from __future__ import annotations


def count(number: float) -> str:
    """A number of tokens: 812, 14.2k, 3.1M."""
    if number < 1000:
        return f"{number:.0f}"
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def number(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
