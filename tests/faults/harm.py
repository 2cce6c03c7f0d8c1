"""The word for what must never happen."""

from __future__ import annotations


class Harm(AssertionError):
    """Somebody lost something, or was misled."""
