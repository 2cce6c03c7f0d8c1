"""The real SDKs against servers on this machine: what is streamed, counted, tried again and given up."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sessions.coder.conversation import Conversation, Turn
from sessions.coder.providers import Provider, ProviderFailed, TryAgain, retry_after
from sessions.coder.providers.anthropic import Anthropic
from sessions.coder.providers.openai import OpenAI
from tests.modelserver import ModelServer
from tests.sessions.terminal_program import environment, lines

PROVIDERS = ["anthropic", "openai"]
Served = list[tuple[int, dict[str, str], bytes]]


def _provider(name: str, url: str) -> Provider:
    return Anthropic("mock-model", url, "dummy") if name == "anthropic" else OpenAI("mock-model", url + "/v1", "dummy")


def _asked(*steps: dict[str, Any]) -> Conversation:
    conversation = Conversation(None)
    conversation.ask(f"Please. [[steps:{json.dumps(steps)}]]")
    return conversation


def _whole(provider: Provider, conversation: Conversation) -> tuple[list[str], Turn]:
    *pieces, turn = provider.answer(conversation, "system")
    assert isinstance(turn, Turn)
    return [piece for piece in pieces if isinstance(piece, str)], turn


@contextmanager
def _serving(*answers: tuple[int, dict[str, str], bytes], asked: list[Any] | None = None) -> Iterator[str]:
    """A server that gives these answers in order, closes the connection after each, and keeps what was ``asked``."""
    left, kept = list(answers), [] if asked is None else asked

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's word
            return

        def do_POST(self) -> None:
            kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers, body = left.pop(0)
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def _stream(*events: dict[str, Any]) -> bytes:
    """Server-sent events of both APIs: Anthropic's carry a name, OpenAI's do not."""
    names = [f"event: {event['type']}\n" if "type" in event else "" for event in events]
    return "".join(f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(names, events, strict=True)).encode()


SSE = {"Content-Type": "text/event-stream"}
START = {
    "type": "message_start",
    "message": {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
}
CHUNK = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m"}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@pytest.mark.parametrize("name", PROVIDERS)
def test_text_comes_in_pieces_calls_whole_and_tokens_as_the_server_counted(name: str) -> None:
    use = [{"tool": "write", "path": "a", "content": 'long "text" é\n' * 20}, {"tool": "run", "command": "x"}]
    usage = {"input": 901, "output": 41, "cache_read": 301, "cache_write": 21}
    with ModelServer() as server:
        provider = _provider(name, server.url)
        pieces, turn = _whole(provider, _asked({"say": "First this, then that.", "use": use, "usage": usage}))
        record = server.records()[0]
    assert len(pieces) > 2
    assert "".join(pieces) == turn.text == "First this, then that."
    assert [(call.name, call.input.get("path"), call.input.get("command")) for call in turn.calls] == [
        ("write", "a", None),
        ("run", None, "x"),
    ]
    assert turn.calls[0].input["content"] == use[0]["content"]
    assert turn.calls[0].id != turn.calls[1].id
    assert (turn.id, turn.model) == (record["id"], "mock-model")
    told = record["usage"]
    assert {key: getattr(turn.usage, key) for key in told} == told


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "limited", "again"), [(429, True, True), (529, False, True), (408, False, True), (400, False, False)]
)
def test_what_may_succeed_later_is_told_from_what_will_not(name: str, status: int, limited: bool, again: bool) -> None:
    step = {"fail": {"status": status, "retry_after": 7}}
    with ModelServer() as server, pytest.raises(TryAgain if again else ProviderFailed, match=str(status)) as caught:
        _whole(_provider(name, server.url), _asked(step))
    if isinstance(caught.value, TryAgain):
        assert (caught.value.wait_s, caught.value.limited) == (7.0, limited)


@pytest.mark.parametrize("name", PROVIDERS)
def test_without_a_server_it_may_be_tried_again(name: str) -> None:
    with pytest.raises(TryAgain, match=r"connection to http://127\.0\.0\.1:9.* failed"):
        _whole(_provider(name, "http://127.0.0.1:9"), _asked({"say": "never"}))


BROKEN: dict[str, tuple[str, bytes]] = {
    "an error in Anthropic's stream": (
        "anthropic",
        _stream(START, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ),
    "an end in the middle of Anthropic's stream": ("anthropic", _stream(START)),
    "an error in OpenAI's stream": ("openai", _stream(_chunk({"content": "Hel"}), {"error": {"message": "no GPU"}})),
    "an end in the middle of OpenAI's stream": ("openai", _stream(_chunk({"content": "Hel"}))),
    "nothing at all from OpenAI": ("openai", b""),
}


@pytest.mark.parametrize(("name", "body"), BROKEN.values(), ids=BROKEN)
def test_a_stream_that_breaks_is_tried_again(name: str, body: bytes) -> None:
    with _serving((200, SSE, body)) as url, pytest.raises(TryAgain):
        _whole(_provider(name, url), _asked({}))


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_connection_that_is_cut_in_the_stream_is_tried_again(name: str) -> None:
    body = _stream(START) if name == "anthropic" else _stream(_chunk({"content": "Hel"}))
    cut = (200, {**SSE, "Content-Length": str(len(body) + 1000)}, body)
    with _serving(cut) as url, pytest.raises(TryAgain, match=r"broke|failed"):
        _whole(_provider(name, url), _asked({}))


def _cut_write(name: str) -> bytes:
    """An answer that ends at its length limit, in the middle of the content of a write."""
    if name == "anthropic":
        block = {"type": "tool_use", "id": "t1", "name": "write", "input": {}}
        return _stream(
            START,
            {"type": "content_block_start", "index": 0, "content_block": block},
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": '{"path": "a.txt", "content": "half'},
            },
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        )
    function = {"name": "write", "arguments": '{"path": "a.txt", "content": "whole"}'}
    return _stream(_chunk({"tool_calls": [{"index": 0, "id": "t1", "function": function}]}), _chunk({}, "length"))


def _end(name: str) -> bytes:
    if name == "anthropic":
        text = {"type": "text", "text": ""}
        return _stream(
            START,
            {"type": "content_block_start", "index": 0, "content_block": text},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "The end."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        )
    return _stream(_chunk({"content": "The end."}), _chunk({}, "stop"))


Once = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def once(tmp_path: Path) -> Once:
    """``coder --print`` in a process of its own; its events are in events.jsonl."""

    def run(name: str, url: str, task: str, *options: str) -> subprocess.CompletedProcess[str]:
        address = url if name == "anthropic" else url + "/v1"
        argv = [sys.executable, "-m", "sessions.coder", "--print", "--provider", name, "--base-url", address, *options]
        return subprocess.run(
            [*argv, "--transcript", str(tmp_path / "t.jsonl")],
            cwd=tmp_path,
            env=environment(tmp_path) | {"ORCHESTRATOR_EVENTS": str(tmp_path / "events.jsonl")},
            input=task,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_last_call_of_a_cut_answer_is_not_carried_out(once: Once, tmp_path: Path, name: str) -> None:
    with _serving((200, SSE, _cut_write(name)), (200, SSE, _end(name))) as url:
        done = once(name, url, "write it")
    assert (done.returncode, done.stdout) == (0, "The end.\n"), done.stderr
    assert not (tmp_path / "a.txt").exists()
    (result,) = [record for record in lines(tmp_path / "t.jsonl") if record["role"] == "tool"]
    assert result["failed"]
    assert "length limit" in result["output"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_refused_request_waits_says_so_and_goes_on_until_done(once: Once, tmp_path: Path, name: str) -> None:
    steps = [
        {"say": "Writing.", "use": [{"tool": "write", "path": "a.txt", "content": "a\n"}]},
        {"say": "Done.", "fail": {"status": 429, "times": 2, "retry_after": 0.05}},
    ]
    with ModelServer() as server:
        done = once(name, server.url, f"do it [[steps:{json.dumps(steps)}]]", "--model", "mock-model")
        tokens, records = server.tokens(), server.records()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Writing.\nDone.\n"
    assert (tmp_path / "a.txt").read_text() == "a\n"
    events = lines(tmp_path / "events.jsonl")
    states = [event for event in events if event["type"] == "state"]
    assert [event["state"] for event in states][-6:] == [
        *("working", "rate_limited", "working", "rate_limited", "working", "done")
    ]
    waited = next(event for event in states if event["state"] == "rate_limited")
    assert datetime.fromisoformat(waited["until"]) > datetime.fromisoformat(waited["at"])
    assert "429" in waited["text"]
    usage = [event for event in events if event["type"] == "usage"]
    assert [event["id"] for event in usage] == [record["id"] for record in records]
    assert {key: sum(event[key] for event in usage) for key in tokens} == tokens
    assert all(event["started_at"] < event["ended_at"] for event in usage)


def test_a_request_that_cannot_succeed_fails_at_once_in_the_servers_words(once: Once, tmp_path: Path) -> None:
    refusal = json.dumps({"error": {"type": "invalid_request_error", "message": "no such model"}}).encode()
    with _serving((404, {"Content-Type": "application/json"}, refusal)) as url:
        done = once("openai", url, "do it")
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "no such model" in done.stderr
    assert done.stdout == ""
    assert lines(tmp_path / "events.jsonl")[-1]["state"] == "failed"


def test_a_server_that_asks_for_hours_is_not_waited_for(once: Once, tmp_path: Path) -> None:
    with _serving((429, {"Retry-After": "7200"}, b"{}")) as url:
        done = once("openai", url, "do it")
    assert done.returncode == 1
    assert "come back in 120 minutes" in done.stderr
    assert lines(tmp_path / "events.jsonl")[-1]["state"] == "failed"


def test_anthropics_cache_is_told_where_the_conversation_ends(once: Once) -> None:
    asked: list[Any] = []
    with _serving((200, SSE, _cut_write("anthropic")), (200, SSE, _end("anthropic")), asked=asked) as url:
        once("anthropic", url, "write it")
    marked = [[[("cache_control" in block) for block in m["content"]] for m in body["messages"]] for body in asked]
    assert marked == [[[True]], [[False], [False], [True]]]
    assert ["cache_control" in block for block in asked[0]["system"]] == [True]


def test_retry_after_is_seconds_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after": "-3"}) == 0.0
    assert 80 < (retry_after({"retry-after": later}) or 0) <= 90
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_the_default_model_is_one_that_the_sdk_does_not_warn_of() -> None:
    from anthropic.resources.messages.messages import DEPRECATED_MODELS

    from sessions.coder.providers.anthropic import DEFAULT_MODEL

    assert DEFAULT_MODEL not in DEPRECATED_MODELS
