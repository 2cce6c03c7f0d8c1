"""Effects of what is asked for, and where paths lead by their letters. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum


class Risk(StrEnum):
    """From the most harmless to the worst."""

    READS = "reads"
    WRITES_INSIDE = "writes_inside"
    WRITES_OUTSIDE = "writes_outside"
    DELETES = "deletes"
    NETWORK = "network"
    UNKNOWN = "unknown"


HARMLESS = (Risk.READS, Risk.WRITES_INSIDE)

WORDS = {
    Risk.READS: "only reads",
    Risk.WRITES_INSIDE: "writes inside the worktree",
    Risk.WRITES_OUTSIDE: "writes outside of the worktree",
    Risk.DELETES: "deletes files",
    Risk.NETWORK: "uses the network",
    Risk.UNKNOWN: "not known",
}
"""For people."""

ORDER = tuple(Risk)


class Place(StrEnum):
    """Where a path leads, by its letters."""

    INSIDE = "inside the worktree"
    OUTSIDE = "outside of the worktree"
    UNKNOWN = "where it cannot be told"


@dataclass(frozen=True)
class Effect:
    """One thing that would happen. ``what`` names the program or the file, or says why it cannot be known."""

    risk: Risk
    what: str = ""
    place: Place | None = None


def place(worktree: str | None, path: str, folder: str | None = None) -> Place:
    """Where ``path`` leads from ``folder`` (the worktree when None). A git folder is never inside."""
    if path.startswith("~"):
        return Place.OUTSIDE
    base = folder or worktree
    if not worktree or not base or not path:
        return Place.UNKNOWN
    root, leads = _normal(worktree), _normal(posixpath.join(base, path))
    if any(part.casefold() == ".git" for part in leads.split("/")):
        return Place.OUTSIDE
    return Place.INSIDE if leads == root or leads.startswith(root.rstrip("/") + "/") else Place.OUTSIDE


def written(what: str, where: Place) -> Effect:
    """The effect of writing there; where that is cannot be told, it may be anywhere."""
    match where:
        case Place.INSIDE:
            return Effect(Risk.WRITES_INSIDE, what, where)
        case Place.OUTSIDE:
            return Effect(Risk.WRITES_OUTSIDE, what, where)
        case Place.UNKNOWN:
            return Effect(Risk.UNKNOWN, f"{what} writes {where}")


def _normal(path: str) -> str:
    """Without ``.``, ``..`` and doubled slashes."""
    return "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else posixpath.normpath(path)
