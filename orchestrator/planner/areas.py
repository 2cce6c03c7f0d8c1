"""Areas: the files and folders of a repository that a task keeps to. Pure."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 300
"""Characters of a path."""
WHOLE = "."


def clean(area: str) -> str:
    """``area`` as a path seen from the repository's top, without ``./`` and a slash at its end.

    Raises ValueError that says what is wrong with it.
    """
    if len(area) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if not area.strip():
        raise ValueError("is empty")
    if not area.isprintable():
        raise ValueError("holds characters that cannot be shown")
    if area.strip().startswith(("/", "~")):
        raise ValueError("does not begin at the repository's top")
    parts = [part for part in area.strip().split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError("leaves the repository")
    if parts and parts[0].lower() == ".git":
        raise ValueError("is git's own")
    return "/".join(parts) or WHOLE


def fixed(area: str) -> tuple[str, ...]:
    """The parts of a clean area up to its first wildcard: all that it matches lies below them."""
    parts: list[str] = []
    for part in () if area == WHOLE else area.split("/"):
        if any(sign in part for sign in "*?["):
            break
        parts.append(part)
    return tuple(parts)


def meet(one: str, other: str) -> bool:
    """Whether both can hold the same file; wildcards count as all that could be there."""
    a, b = fixed(one), fixed(other)
    shorter = min(len(a), len(b))
    return a[:shorter] == b[:shorter]


def known(files: Iterable[str]) -> frozenset[str]:
    """Every file and every folder above one."""
    found: set[str] = set()
    for file in files:
        while file and file not in found:
            found.add(file)
            file = file.rpartition("/")[0]
    return frozenset(found)


def is_new(area: str, there: frozenset[str]) -> bool:
    """No file of :func:`known` is or lies below ``area``."""
    where = "/".join(fixed(area))
    return bool(where) and where not in there
