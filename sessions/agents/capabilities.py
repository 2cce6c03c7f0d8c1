"""What an adapter can do, as data: ``docs/agents.md`` is made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """Class attribute ``capabilities`` of an adapter; that of a plug-in need not have it.

    ``task``: how it gets its task. ``modes``: what ``--permission-mode`` takes. ``endpoint``: what gives it the
    ``base_url`` of the settings; "" when nothing does. ``sources``: what its state is read from, the strongest first.
    """

    task: str
    modes: tuple[str, ...]
    endpoint: str
    sources: tuple[str, ...]
    answers: str
    usage: str
    resume: str
