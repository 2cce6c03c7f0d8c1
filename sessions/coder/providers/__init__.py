"""Where answers come from. Each provider streams one answer to a conversation; retries are not theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from sessions.coder.conversation import Conversation, Turn
from sessions.coder.tools import TOOLS


class ProviderFailed(Exception):
    """The request failed for good; the message is for the human. ``status`` is the server's, when one answered."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TryAgain(Exception):
    """The request may succeed later. ``wait_s`` is what the server asked for; ``limited``: too many requests."""

    def __init__(self, message: str, wait_s: float | None = None, *, limited: bool = False) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.limited = limited


class Provider(Protocol):
    model: str

    def prepare(self) -> None:
        """Import what the first answer needs: a second or two, which may pass while the human types."""
        ...

    def answer(
        self,
        conversation: Conversation,
        system: str,
        tools: Mapping[str, Mapping[str, Any]] = TOOLS,
        must: str | None = None,
    ) -> Iterator[str | Turn]:
        """Pieces of text as they come, the whole :class:`Turn` last. Raises TryAgain or ProviderFailed.

        ``must``: the tool that the model has to call; the pieces are then of its input too.
        """
        ...


def retry_after(headers: object) -> float | None:
    """Seconds of a Retry-After header, which may also hold a date (RFC 9110, 10.2.3); None without one."""
    get = getattr(headers, "get", None)
    value = get("retry-after") if get else None
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def refusal(status: int, message: str, headers: object) -> TryAgain | ProviderFailed:
    """What an answer other than 200 means. A status below 400 is that of a stream that broke with an error in it."""
    if status in (408, 409, 429) or status >= 500:
        return TryAgain(f"{status} {message}", retry_after(headers), limited=status == 429)
    if status < 400:
        return TryAgain(f"the stream broke: {message}")
    return ProviderFailed(f"{status} {message}", status)
