"""Responses of opencode's model: tokens from ``step-finish`` parts, times from the parts of the same message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sessions.agents.findings import text
from sessions.agents.opencode_words import ABORTED, milliseconds, table, usage
from sessions.models import Response, Usage


class Responses:
    """What is known of the agent's messages. A part of a message of the human's own is none of a response."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}  # by id, as last told
        self._streamed: dict[str, datetime] = {}  # message -> end of what the model sent, tools and waits left out
        self._stepped: set[str] = set()  # messages whose tokens were told

    def know(self, info: dict[str, Any]) -> None:
        """A message of the agent, before its parts."""
        self._messages[str(info.get("id"))] = info

    def message(self, info: dict[str, Any], launched: datetime | None) -> Response | None:
        """A message of the agent; a response when it was interrupted before its tokens were told.

        One of an earlier launch that never ended was cut off with its program.
        """
        name, time = str(info.get("id")), table(info.get("time"))
        begun, ended = milliseconds(time.get("created")), milliseconds(time.get("completed"))
        self.know(info)
        aborted = ended is not None and table(info.get("error")).get("name") == ABORTED
        cut_off = ended is None and begun is not None and launched is not None and begun < launched
        at = ended or begun
        if name in self._stepped or at is None or not (aborted or cut_off):
            return None
        return self._response(name, name, Usage(lower_bound=True), at, None)

    def said(self, part: dict[str, Any]) -> str | None:
        """A finished text of the agent."""
        if part.get("type") != "text" or str(part.get("messageID")) not in self._messages:
            return None
        return text(part.get("text")) if milliseconds(table(part.get("time")).get("end")) else None

    def part(self, part: dict[str, Any], at: datetime) -> Response | None:
        message = str(part.get("messageID"))
        if message not in self._messages:
            return None
        match part.get("type"):
            case "text" | "reasoning":
                ended = milliseconds(table(part.get("time")).get("end"))
                self._streamed[message] = ended or self._streamed.get(message, at)
            case "tool":
                started = milliseconds(table(table(part.get("state")).get("time")).get("start"))
                self._streamed[message] = started or self._streamed.get(message, at)
            case "step-finish":
                self._stepped.add(message)
                return self._response(str(part.get("id")), message, usage(table(part.get("tokens"))), at, part)
        return None

    def _response(self, name: str, message: str, counted: Usage, at: datetime, part: dict[str, Any] | None) -> Response:
        info = self._messages[message]
        cost = table(part).get("cost")
        return Response(
            id=name,
            model=str(info.get("modelID", "")),
            usage=counted,
            started_at=milliseconds(table(info.get("time")).get("created")),
            ended_at=self._streamed.get(message, at),
            cost_usd=float(cost) if isinstance(cost, (int, float)) and 0 < cost < 1e9 else None,
        )
