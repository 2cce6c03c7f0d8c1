"""Anthropic Messages: requests to messages, a step to an answer or its stream. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from tests.modelserver import tools
from tests.modelserver.script import Message, pieces

Event = tuple[str, dict[str, Any]]


def auxiliary(body: dict[str, Any]) -> bool:
    """A call beside the conversation: a title, a topic, a check of the quota."""
    format_ = (body.get("output_config") or {}).get("format") or {}
    return not body.get("tools") or format_.get("type") == "json_schema"


_FAILURES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def failure(fail: dict[str, Any]) -> dict[str, Any]:
    """The body of a scripted failure, in Anthropic's words."""
    kind = _FAILURES.get(int(fail.get("status", 500)), "api_error")
    return {"type": "error", "error": {"type": kind, "message": "scripted"}}


def messages(body: dict[str, Any]) -> Iterator[Message]:
    for message in body.get("messages", ()):
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
        text = "\n".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
        results = any(block.get("type") == "tool_result" for block in blocks)
        if message.get("role") in ("user", "assistant"):
            yield Message("user" if message["role"] == "user" else "model", text, results)


def answer(body: dict[str, Any], step: dict[str, Any], usage: dict[str, int]) -> dict[str, Any]:
    """The whole message."""
    blocks: list[dict[str, Any]] = []
    if step.get("say"):
        blocks.append({"type": "text", "text": step["say"]})
    for use in step.get("use", ()):
        name, given = tools.call(use, (tool.get("name", "") for tool in body.get("tools", ())), body)
        blocks.append({"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:22]}", "name": name, "input": given})
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "mock-model"),
        "content": blocks,
        "stop_reason": "tool_use" if step.get("use") else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["input"],
            "output_tokens": usage["output"],
            "cache_read_input_tokens": usage["cache_read"],
            "cache_creation_input_tokens": usage["cache_write"],
        },
    }


def stream(message: dict[str, Any]) -> Iterator[Event]:
    """The message as server-sent events."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": start}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        else:
            empty = {**block, "input": {}}
            given = json.dumps(block["input"])
            parts = [given[at : at + 40] for at in range(0, len(given), 40)]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": delta, "usage": message["usage"]}
    yield "message_stop", {"type": "message_stop"}
