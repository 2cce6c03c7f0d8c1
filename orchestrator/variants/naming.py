"""Variants as the human writes them, and the names of their sessions. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.variants.ask import MOST, Variant


def parse(text: str) -> tuple[Variant, ...]:
    """``claude:opus,codex``: agents with commas, each with a model behind a colon or without.

    Raises ValueError that says what is wrong.
    """
    found = []
    for part in _parts(text):
        agent, _, model = part.partition(":")
        if not agent or (":" in part and not model):
            raise ValueError(f"{part!r} is no variant")
        found.append(Variant(agent=agent, model=model or None))
    return _enough(found)


def models(text: str, agent: str | None) -> tuple[Variant, ...]:
    """``opus,sonnet``: models of one agent. Raises ValueError."""
    return _enough([Variant(agent=agent, model=part) for part in _parts(text)])


def names(group: str, variants: Sequence[Variant]) -> tuple[str, ...]:
    """A name for each session: the group's with what tells the variant from the others; numbers where nothing does."""
    agents = {variant.agent for variant in variants}
    found: list[str] = []
    for variant in variants:
        told = [variant.agent or ""] if len(agents) > 1 or not variant.model else []
        told += [variant.model] if variant.model else []
        stem = "-".join([group, *(word for word in map(_slug, told) if word)])[:58].rstrip("-.")
        name, number = stem, 1
        while name in found or name == group:
            number += 1
            name = f"{stem}-{number}"
        found.append(name)
    return tuple(found)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _enough(found: list[Variant]) -> tuple[Variant, ...]:
    if not 2 <= len(found) <= MOST:
        raise ValueError(f"{len(found)} given, between 2 and {MOST} can be compared")
    return tuple(found)


def _slug(words: str) -> str:
    """Of a model's name what a branch may hold: the part behind its provider's."""
    kept = re.sub(r"[^a-z0-9.]+", "-", words.rpartition("/")[2].lower())
    return re.sub(r"[.-]{2,}|\.lock", "-", kept)[:24].strip("-.")
