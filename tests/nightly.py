"""What is too slow for every run: ``NIGHTLY=1`` makes all of it, otherwise some, the same ones each time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

NIGHTLY = bool(os.environ.get("NIGHTLY"))
Point = TypeVar("Point")


def some(points: Sequence[Point], *, each: int = 3) -> Sequence[Point]:
    """Every point at night, else one in ``each``, from the first on."""
    return points if NIGHTLY else points[::each]
