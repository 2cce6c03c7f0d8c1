"""Anthropic Messages and compatible endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sessions.coder.conversation import Call, Conversation, Tokens, Turn
from sessions.coder.providers import ProviderFailed, TryAgain, refusal
from sessions.coder.tools import TOOLS

DEFAULT_MODEL = "claude-sonnet-5-5"
MAX_TOKENS = 16_000


class Anthropic:
    def __init__(self, model: str | None, base_url: str | None, key: str, patience_s: float | None = None) -> None:
        self.model = model or DEFAULT_MODEL
        self._base_url = base_url
        self._key = key
        self._patience: dict[str, Any] = {"timeout": patience_s} if patience_s else {}
        self._client: Any = None

    def prepare(self) -> None:
        import anthropic  # noqa: F401

    def answer(
        self,
        conversation: Conversation,
        system: str,
        tools: Mapping[str, Mapping[str, Any]] = TOOLS,
        must: str | None = None,
    ) -> Iterator[str | Turn]:
        import anthropic
        import httpx2

        if self._client is None:
            self._client = anthropic.Anthropic(
                api_key=self._key, base_url=self._base_url, max_retries=0, **self._patience
            )
        offered: Any = [
            {"name": name, "description": tool["description"], "input_schema": tool["schema"]}
            for name, tool in tools.items()
        ]
        forced: Any = {"tool_choice": {"type": "tool", "name": must}} if must else {}
        try:
            with self._client.messages.stream(
                model=self.model,
                max_tokens=MAX_TOKENS,
                system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                messages=_cached(messages(conversation)),
                tools=offered,
                **forced,
            ) as stream:
                for event in stream:
                    if event.type == "text":
                        yield event.text
                    elif must and event.type == "input_json":
                        yield event.partial_json
                message = stream.get_final_message()
            if message.stop_reason is None:  # the SDK takes an early end of the stream for the end of the answer
                raise TryAgain("the stream broke: the answer is not whole")
            yield _turn(message)
        except anthropic.APIStatusError as error:
            raise refusal(error.status_code, error.message, error.response.headers) from error
        except anthropic.APIConnectionError as error:
            raise TryAgain(f"the connection to {self._client.base_url} failed: {error.__cause__ or error}") from error
        except anthropic.APIError as error:
            raise TryAgain(f"the stream broke: {error.message}") from error
        except httpx2.HTTPError as error:  # the SDK lets it through once the stream has begun
            raise TryAgain(f"the stream broke: {error or type(error).__name__}") from error
        except anthropic.AnthropicError as error:
            raise ProviderFailed(str(error)) from error


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as the API wants it: results of tools lead the next user message."""
    found: list[dict[str, Any]] = []

    def add(role: str, block: dict[str, Any]) -> None:
        if not found or found[-1]["role"] != role:
            found.append({"role": role, "content": []})
        found[-1]["content"].append(block)

    for record in conversation.records:
        match record["role"]:
            case "user":
                add("user", {"type": "text", "text": record["text"]})
            case "assistant":
                if record["text"].strip():
                    add("assistant", {"type": "text", "text": record["text"]})
                for call in record["calls"]:
                    add(
                        "assistant",
                        {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["input"]},
                    )
            case "tool":
                result = {"type": "tool_result", "tool_use_id": record["id"], "content": record["output"]}
                add("user", {**result, "is_error": True} if record["failed"] else result)
    return found


def _cached(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark the end of the conversation, so that the next request reads all before it from the cache."""
    if found:
        found[-1]["content"][-1] = {**found[-1]["content"][-1], "cache_control": {"type": "ephemeral"}}
    return found


def _turn(message: Any) -> Turn:
    usage = message.usage
    return Turn(
        refused=message.stop_reason == "refusal",
        cut=message.stop_reason in ("max_tokens", "model_context_window_exceeded"),
        id=message.id,
        model=message.model,
        text="".join(block.text for block in message.content if block.type == "text"),
        calls=tuple(
            Call(block.id, block.name, dict(block.input)) for block in message.content if block.type == "tool_use"
        ),
        usage=Tokens(
            input=usage.input_tokens or 0,
            output=usage.output_tokens or 0,
            cache_read=usage.cache_read_input_tokens or 0,
            cache_write=usage.cache_creation_input_tokens or 0,
        ),
    )
