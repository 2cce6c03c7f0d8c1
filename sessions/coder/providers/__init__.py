"""Where answers come from. Each provider streams one answer to a conversation; retries are not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sessions.coder.conversation import Conversation, Turn


class ProviderFailed(Exception):
    """The request failed for good; the message is for the human."""


class TryAgain(Exception):
    """The request may succeed later. ``wait_s`` is what the server asked for; ``limited``: too many requests."""

    def __init__(self, message: str, wait_s: float | None = None, *, limited: bool = False) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.limited = limited


class Provider(Protocol):
    model: str

    def answer(self, conversation: Conversation, system: str) -> Iterator[str | Turn]:
        """Pieces of text as they come, the whole :class:`Turn` last. Raises TryAgain or ProviderFailed."""
        ...


def retry_after(headers: object) -> float | None:
    """Seconds of a Retry-After header; None without one."""
    get = getattr(headers, "get", None)
    value = get("retry-after") if get else None
    try:
        return max(0.0, float(value)) if value is not None else None
    except ValueError:
        return None
