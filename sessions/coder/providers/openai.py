"""OpenAI Chat Completions, which nearly every compatible endpoint speaks (Ollama, vLLM, gateways)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from sessions.coder.conversation import Call, Conversation, Tokens, Turn
from sessions.coder.providers import ProviderFailed, TryAgain, refusal
from sessions.coder.tools import TOOLS

DEFAULT_MODEL = "gpt-5.1"


class OpenAI:
    def __init__(self, model: str | None, base_url: str | None, key: str, patience_s: float | None = None) -> None:
        self.model = model or DEFAULT_MODEL
        self._base_url = base_url
        self._key = key
        self._patience: dict[str, Any] = {"timeout": patience_s} if patience_s else {}
        self._client: Any = None

    def prepare(self) -> None:
        import openai  # noqa: F401

    def answer(
        self,
        conversation: Conversation,
        system: str,
        tools: Mapping[str, Mapping[str, Any]] = TOOLS,
        must: str | None = None,
    ) -> Iterator[str | Turn]:
        import httpx2
        import openai

        if self._client is None:
            self._client = openai.OpenAI(api_key=self._key, base_url=self._base_url, max_retries=0, **self._patience)
        forced: Any = {"tool_choice": {"type": "function", "function": {"name": must}}} if must else {}
        try:
            stream = self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": system}, *messages(conversation)],
                tools=[
                    {
                        "type": "function",
                        "function": {"name": name, "description": tool["description"], "parameters": tool["schema"]},
                    }
                    for name, tool in tools.items()
                ],
                **forced,
                stream=True,
                stream_options={"include_usage": True},
            )
            yield from _collect(stream, self.model, inputs=must is not None)
        except openai.APIStatusError as error:
            raise refusal(error.status_code, error.message, error.response.headers) from error
        except openai.APIConnectionError as error:
            raise TryAgain(f"the connection to {self._client.base_url} failed: {error.__cause__ or error}") from error
        except openai.APIError as error:
            raise TryAgain(f"the stream broke: {error.message}") from error
        except httpx2.HTTPError as error:  # the SDK lets it through once the stream has begun
            raise TryAgain(f"the stream broke: {error or type(error).__name__}") from error
        except openai.OpenAIError as error:
            raise ProviderFailed(str(error)) from error


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as the API wants it."""
    found: list[dict[str, Any]] = []
    for record in conversation.records:
        match record["role"]:
            case "user":
                found.append({"role": "user", "content": record["text"]})
            case "assistant":
                message: dict[str, Any] = {
                    "role": "assistant",
                    "content": record["text"] or (None if record["calls"] else ""),
                }
                if record["calls"]:
                    message["tool_calls"] = [
                        {
                            "id": call["id"],
                            "type": "function",
                            "function": {"name": call["name"], "arguments": json.dumps(call["input"])},
                        }
                        for call in record["calls"]
                    ]
                found.append(message)
            case "tool":
                found.append({"role": "tool", "tool_call_id": record["id"], "content": record["output"]})
    return found


def _collect(stream: Any, asked: str, *, inputs: bool) -> Iterator[str | Turn]:
    text: list[str] = []
    calls: dict[int, dict[str, str]] = {}
    usage: Any = None
    name, model, finish, refused = "", asked, "", False
    for chunk in stream:
        name, model = chunk.id or name, chunk.model or model
        usage = chunk.usage or usage
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            if choice.delta.content:
                text.append(choice.delta.content)
                yield choice.delta.content
            if declined := getattr(choice.delta, "refusal", None):
                refused = True
                text.append(declined)
                yield declined
            for part in choice.delta.tool_calls or ():
                call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = part.id or call["id"]
                if part.function is not None:
                    call["name"] += part.function.name or ""
                    call["arguments"] += part.function.arguments or ""
                    if inputs and part.function.arguments:
                        yield part.function.arguments
    if not finish and usage is None:
        raise TryAgain("the stream broke: the answer is not whole")
    name = name or f"unnamed-{secrets.token_hex(6)}"
    yield Turn(
        id=name,
        cut=finish == "length",
        refused=refused or finish == "content_filter",
        model=model,
        text="".join(text),
        calls=tuple(
            Call(call["id"] or f"{name}-{index}", call["name"], _arguments(call["arguments"]))
            for index, call in sorted(calls.items())
        ),
        usage=_tokens(usage),
    )


def _arguments(text: str) -> dict[str, Any]:
    """Arguments as the model wrote them; what is no JSON object lacks everything, which the tool then says."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _tokens(usage: Any) -> Tokens:
    if usage is None:
        return Tokens()
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", 0) or 0
    reasoning = getattr(usage.completion_tokens_details, "reasoning_tokens", 0) or 0
    return Tokens(
        input=max(0, (usage.prompt_tokens or 0) - cached),
        output=usage.completion_tokens or 0,
        cache_read=cached,
        reasoning=reasoning,
    )
