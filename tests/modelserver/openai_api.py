"""OpenAI Responses (Codex) and Chat Completions: requests to messages, a step to its stream. Pure."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from tests.modelserver import tools
from tests.modelserver.script import Message, pieces

Event = tuple[str, dict[str, Any]]
_MODEL_ITEMS = ("function_call", "custom_tool_call", "reasoning", "local_shell_call")


def auxiliary(body: dict[str, Any]) -> bool:
    """A call beside the conversation: Codex names its thread by one."""
    format_ = (body.get("text") or {}).get("format") or {}
    return format_.get("type") == "json_schema"


def chat_auxiliary(body: dict[str, Any]) -> bool:
    """A call beside the conversation, counted nowhere: opencode names its session by one, aider a commit."""
    first = _text(next(iter(body.get("messages") or [{}])).get("content"))
    return not body.get("tools") and ("title generator" in first or "one-line Git commit messages" in first)


def response_messages(body: dict[str, Any]) -> Iterator[Message]:
    items = body.get("input")
    for item in items if isinstance(items, list) else [{"role": "user", "content": items}]:
        kind = item.get("type", "message")
        if kind in _MODEL_ITEMS or item.get("role") == "assistant":
            yield Message("model", "")
        elif kind == "message" and item.get("role") == "user":
            yield Message("user", _text(item.get("content")))
        elif kind.endswith("_output"):
            yield Message("user", "", results=True)


def chat_messages(body: dict[str, Any]) -> Iterator[Message]:
    for message in body.get("messages", ()):
        match message.get("role"):
            case "assistant":
                yield Message("model", "")
            case "user":
                yield Message("user", _text(message.get("content")))
            case "tool":
                yield Message("user", "", results=True)


def response_stream(body: dict[str, Any], step: dict[str, Any], usage: dict[str, int], name: str) -> Iterator[Event]:
    """A response as Codex reads it. OpenAI's input includes what came from the cache."""
    base = {
        "id": name,
        "object": "response",
        "created_at": int(time.time()),
        "model": body.get("model"),
        "status": "in_progress",
        "output": [],
    }
    yield "response.created", {"response": base}
    done: list[dict[str, Any]] = []
    if step.get("say"):
        yield from _message_item(step["say"], len(done), done)
    for use in step.get("use", ()):
        yield from _call_item(*tools.call(use, ("exec_command",), body), len(done), done)
    figures = {
        "input_tokens": usage["input"] + usage["cache_read"],
        "input_tokens_details": {"cached_tokens": usage["cache_read"]},
        "output_tokens": usage["output"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage["input"] + usage["cache_read"] + usage["output"],
    }
    yield "response.completed", {"response": {**base, "status": "completed", "output": done, "usage": figures}}


def failure(scripted: dict[str, Any]) -> dict[str, Any]:
    """A failure in OpenAI's words: agents retry by the words, not by the status alone."""
    status = int(scripted.get("status", 500))
    message, kind, code = {
        401: ("Incorrect API key provided: scripted.", "invalid_request_error", "invalid_api_key"),
        429: ("Rate limit reached for requests (scripted).", "requests", "rate_limit_exceeded"),
    }.get(status, ("scripted", "server_error" if status >= 500 else "invalid_request_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def chat_stream(
    body: dict[str, Any], step: dict[str, Any], usage: dict[str, int], name: str
) -> Iterator[dict[str, Any]]:
    """Chunks of a chat completion."""

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {
            "id": name,
            "object": "chat.completion.chunk",
            "created": 0,
            "model": body.get("model"),
            "choices": [choice],
            **more,
        }

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(step.get("say", "")):
        yield chunk({"content": piece})
    for index, use in enumerate(step.get("use", ())):
        offered = ((tool.get("function") or {}).get("name", "") for tool in body.get("tools", ()))
        tool, given = tools.call(use, offered, body)
        call = {"index": index, "id": f"call_{uuid.uuid4().hex[:12]}", "type": "function"}
        yield chunk({"tool_calls": [{**call, "function": {"name": tool, "arguments": ""}}]})
        text = json.dumps(given)
        for at in range(0, len(text), 30):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": text[at : at + 30]}}]})
    yield chunk({}, "tool_calls" if step.get("use") else "stop")
    figures = {
        "prompt_tokens": usage["input"] + usage["cache_read"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["cache_read"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cache_read"]},
    }
    yield {**chunk({}), "choices": [], "usage": figures}


def chat_answer(chunks: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What the chunks of a text say, as the one answer to a request that wants no stream."""
    seen = list(chunks)
    said = "".join(part["choices"][0]["delta"].get("content", "") for part in seen[:-1])
    message = {"role": "assistant", "content": said}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**seen[-1], "object": "chat.completion", "choices": [choice]}


def _message_item(text: str, index: int, done: list[dict[str, Any]]) -> Iterator[Event]:
    item: dict[str, Any] = {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "content": []}
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    yield "response.output_item.added", {"output_index": index, "item": {**item, "status": "in_progress"}}
    part = {"type": "output_text", "text": "", "annotations": []}
    yield "response.content_part.added", {**where, "part": part}
    for piece in pieces(text):
        yield "response.output_text.delta", {**where, "delta": piece}
    yield "response.output_text.done", {**where, "text": text}
    whole = {**item, "status": "completed", "content": [{**part, "text": text}]}
    done.append(whole)
    yield "response.output_item.done", {"output_index": index, "item": whole}


def _call_item(name: str, given: dict[str, Any], index: int, done: list[dict[str, Any]]) -> Iterator[Event]:
    text = json.dumps(given)
    item: dict[str, Any] = {
        "id": f"fc_{uuid.uuid4().hex[:20]}",
        "type": "function_call",
        "call_id": f"call_{uuid.uuid4().hex[:20]}",
        "name": name,
        "arguments": "",
    }
    where = {"item_id": item["id"], "output_index": index}
    yield "response.output_item.added", {"output_index": index, "item": {**item, "status": "in_progress"}}
    yield "response.function_call_arguments.delta", {**where, "delta": text}
    yield "response.function_call_arguments.done", {**where, "arguments": text}
    whole = {**item, "arguments": text, "status": "completed"}
    done.append(whole)
    yield "response.output_item.done", {"output_index": index, "item": whole}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))
