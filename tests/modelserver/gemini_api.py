"""Gemini's generateContent: requests to messages, a step to its chunks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.modelserver import tools
from tests.modelserver.script import Message, pieces

_METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def method(path: str) -> tuple[str, str] | None:
    """Model and method of a path like ``/v1beta/models/MODEL:generateContent``; None when it is another API's."""
    model, _, name = path.rpartition("/")[2].partition(":")
    return (model, name) if name in _METHODS else None


def auxiliary(body: dict[str, Any]) -> bool:
    """A call beside the conversation: routing, loop checks, summaries."""
    return not body.get("tools") or "responseJsonSchema" in (body.get("generationConfig") or {})


def messages(body: dict[str, Any]) -> Iterator[Message]:
    """A part is a message of its own: Gemini CLI files what it said in turns without an answer as one content."""
    for content in body.get("contents", ()):
        role = "model" if content.get("role") == "model" else "user"
        for part in content.get("parts") or ():
            yield Message(role, str(part.get("text", "")), "functionResponse" in part)


def failure(fail: dict[str, Any]) -> dict[str, Any]:
    """Google's body of a failure."""
    return {"error": {"code": fail.get("status"), "message": "scripted"}}


def answer(body: dict[str, Any], step: dict[str, Any], usage: dict[str, int], model: str, name: str) -> dict[str, Any]:
    """The whole response."""
    parts: list[dict[str, Any]] = [{"text": step["say"]}] if step.get("say") else []
    parts += [{"functionCall": call} for call in _calls(body, step, name)]
    return _chunk(parts, usage, model, name, last=True)


def stream(
    body: dict[str, Any], step: dict[str, Any], usage: dict[str, int], model: str, name: str
) -> Iterator[dict[str, Any]]:
    """The response in chunks. The figures of each chunk but the last are those so far, as Gemini sends them."""
    if step.get("think"):
        yield _chunk([{"text": step["think"], "thought": True}], usage, model, name)
    for piece in pieces(step.get("say", "")):
        yield _chunk([{"text": piece}], usage, model, name)
    yield _chunk([{"functionCall": call} for call in _calls(body, step, name)], usage, model, name, last=True)


def _calls(body: dict[str, Any], step: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    offered = [
        str(function.get("name", ""))
        for tool in body.get("tools", ())
        for function in tool.get("functionDeclarations", ())
    ]
    for number, use in enumerate(step.get("use", ())):
        tool, given = tools.call(use, offered, body)
        yield {"id": f"{name}-{number}", "name": tool, "args": given}


def _chunk(
    parts: list[dict[str, Any]], usage: dict[str, int], model: str, name: str, *, last: bool = False
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts or [{"text": ""}]}, "index": 0}
    thought = usage.get("reasoning", 0)
    said = usage["output"] - thought if last else 1
    prompt = usage["input"] + usage["cache_read"]
    if last:
        candidate["finishReason"] = "STOP"
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": usage["cache_read"],
            "candidatesTokenCount": said,
            "thoughtsTokenCount": thought,
            "totalTokenCount": prompt + said + thought,
        },
        "modelVersion": model,
        "responseId": name,
    }
