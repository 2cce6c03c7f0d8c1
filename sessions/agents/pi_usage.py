"""Tokens of pi's conversations from its own files, by the ids that its extension tells live (pi_extension.ts).

A message's ``usage`` excludes the cache from ``input``; ``output`` includes reasoning. Records of another kind that
carry ``usage`` (summaries of compaction, cache warming) count by their own id.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sessions.agents.findings import time
from sessions.agents.hooks import parse
from sessions.models import Response, Usage


def responses(lines: Iterable[bytes]) -> tuple[Response, ...]:
    """Every response of a session file; the last record of an id counts."""
    found: dict[str, Response] = {}
    model = ""
    for line in lines:
        record = parse(line)
        if record.get("type") == "model_change":
            model = str(record.get("modelId") or model)
        if b'"usage"' not in line:
            continue
        message = record.get("message")
        said = message if isinstance(message, dict) else record
        tokens = said.get("usage")
        if not isinstance(tokens, dict):
            continue
        one = _response(record, said, tokens, model, held=said is message)
        if one is not None:
            found[one.id] = one
    return tuple(found.values())


def _response(
    record: dict[str, Any], said: dict[str, Any], tokens: dict[str, Any], model: str, *, held: bool
) -> Response | None:
    stop = said.get("stopReason")
    if stop == "error" and not tokens.get("totalTokens"):
        return None
    name = said.get("responseId") or said.get("toolCallId") or said.get("timestamp") if held else record.get("id")
    ended = time(record.get("timestamp"))
    if not name or ended is None:
        return None
    began = said.get("timestamp")
    cost = tokens.get("cost")
    total = cost.get("total") if isinstance(cost, dict) else None
    return Response(
        id=str(name),
        model=str(said.get("model") or model),
        usage=Usage(
            input=_count(tokens.get("input")),
            output=_count(tokens.get("output")),
            cache_read=_count(tokens.get("cacheRead")),
            cache_write=_count(tokens.get("cacheWrite")),
            reasoning=_count(tokens.get("reasoning")),
            lower_bound=stop in ("aborted", "error"),
        ),
        started_at=datetime.fromtimestamp(began / 1000, UTC) if isinstance(began, (int, float)) else None,
        ended_at=ended,
        cost_usd=float(total) if isinstance(total, (int, float)) and total > 0 else None,
    )


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
