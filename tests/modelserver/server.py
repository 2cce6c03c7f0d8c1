"""The HTTP server: one thread a request, one line of log an answer."""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.modelserver import anthropic_api, gemini_api, openai_api
from tests.modelserver.script import Place, place, usage

AUXILIARY = {"say": '{"title": "A title"}', "usage": {"input": 77, "output": 5, "cache_read": 0, "cache_write": 0}}


class ModelServer:
    """``with ModelServer() as server``: listens on 127.0.0.1, ``port`` 0 takes a free one."""

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        self._records: list[dict[str, Any]] = []
        self._failures: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._log = log
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads = True
        self._http.owner = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def serve(self) -> None:
        """Until interrupted."""
        self._http.serve_forever()

    def records(self, *, auxiliary: bool = False) -> list[dict[str, Any]]:
        """What was answered, oldest first."""
        with self._lock:
            return [dict(record) for record in self._records if auxiliary or not record["auxiliary"]]

    def tokens(self, conversation: str | None = None) -> dict[str, int]:
        """Sums of the answers to conversations (auxiliary calls left out)."""
        total = {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0}
        for record in self.records():
            if conversation in (None, record["conversation"]):
                for key in total:
                    total[key] += record["usage"][key]
        return total

    def record(self, **fields: Any) -> None:
        fields["at"] = time.time()
        with self._lock:
            self._records.append(fields)
            if self._log is not None:
                with self._log.open("a") as file:
                    file.write(json.dumps(fields) + "\n")

    def must_fail(self, where: Place) -> dict[str, Any] | None:
        """The failure of this step, as often as it wants to be one."""
        failure = where.step.get("fail")
        if not failure:
            return None
        with self._lock:
            self._failures[f"{where.conversation}/{where.number}"] += 1
            count = self._failures[f"{where.conversation}/{where.number}"]
        return failure if count <= failure.get("times", 1 << 30) else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's word
        return

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self._json(426, {"error": {"message": "no websockets here"}})
        elif "/models" in self.path:
            model = {"id": "mock-model", "object": "model", "type": "model", "display_name": "mock-model"}
            self._json(200, {"object": "list", "data": [{**model, "created_at": "2026-01-01T00:00:00Z"}]})
        else:
            self._json(404, {"error": {"type": "not_found_error", "message": self.path}})

    def do_POST(self) -> None:
        path = self.path.split("?")[0]
        body = json.loads(self._body() or b"{}")
        try:
            if path.endswith("/messages"):
                self._anthropic(body)
            elif path.endswith("/count_tokens"):
                self._json(200, {"input_tokens": 1234})
            elif path.endswith("/responses"):
                self._responses(body)
            elif path.endswith("/chat/completions"):
                self._chat(body)
            elif (called := gemini_api.method(path)) is not None:
                self._gemini(body, *called)
            else:
                self._json(404, {"error": {"type": "not_found_error", "message": path}})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _anthropic(self, body: dict[str, Any]) -> None:
        auxiliary = anthropic_api.auxiliary(body)
        where = Place(AUXILIARY, 0, "") if auxiliary else place(anthropic_api.messages(body))
        if self._failed(where, anthropic_api.failure(where.step.get("fail") or {})):
            return
        message = anthropic_api.answer(body, where.step, usage(where))
        if body.get("stream"):
            self._stream((name, json.dumps(data)) for name, data in self._paced(anthropic_api.stream(message), where))
        else:
            self._json(200, message)
        self._keep("anthropic", body, where, auxiliary, message["id"])

    def _responses(self, body: dict[str, Any]) -> None:
        auxiliary = openai_api.auxiliary(body)
        where = Place(AUXILIARY, 0, "") if auxiliary else place(openai_api.response_messages(body))
        if self._failed(where, {"error": {"type": "server_error", "message": "scripted"}}):
            return
        name = f"resp_{uuid.uuid4().hex[:24]}"
        events = openai_api.response_stream(body, where.step, usage(where), name)
        self._stream(
            (kind, json.dumps({"type": kind, "sequence_number": number, **data}))
            for number, (kind, data) in enumerate(self._paced(events, where))
        )
        self._keep("responses", body, where, auxiliary, name)

    def _chat(self, body: dict[str, Any]) -> None:
        auxiliary = openai_api.chat_auxiliary(body)
        where = Place(AUXILIARY, 0, "") if auxiliary else place(openai_api.chat_messages(body))
        if self._failed(where, openai_api.failure(where.step.get("fail") or {})):
            return
        name = f"chatcmpl-{uuid.uuid4().hex[:20]}"
        chunks = self._paced(openai_api.chat_stream(body, where.step, usage(where), name), where)
        if body.get("stream"):
            self._stream(chain((("", json.dumps(chunk)) for chunk in chunks), [("", "[DONE]")]))
        else:
            self._json(200, openai_api.chat_answer(chunks))
        self._keep("chat", body, where, auxiliary, name)

    def _gemini(self, body: dict[str, Any], model: str, method: str) -> None:
        if method == "countTokens":
            self._json(200, {"totalTokens": 1234})
            return
        auxiliary = gemini_api.auxiliary(body)
        where = Place(AUXILIARY, 0, "") if auxiliary else place(gemini_api.messages(body))
        if self._failed(where, gemini_api.failure(where.step.get("fail") or {})):
            return
        name = uuid.uuid4().hex[:22]
        tokens = usage(where)
        if method == "generateContent":
            self._json(200, gemini_api.answer(body, where.step, tokens, model, name))
        else:
            chunks = gemini_api.stream(body, where.step, tokens, model, name)
            self._stream(("", json.dumps(chunk)) for chunk in self._paced(chunks, where))
        self._keep("gemini", {"model": model}, where, auxiliary, name)

    def _failed(self, where: Place, body: dict[str, Any]) -> bool:
        failure = self.server.owner.must_fail(where)
        if failure is None:
            return False
        headers = {"retry-after": str(failure["retry_after"])} if "retry_after" in failure else {}
        self._json(failure["status"], failure.get("body", body), {**headers, **failure.get("headers", {})})
        return True

    def _paced(self, events: Iterable[Any], where: Place) -> Iterable[Any]:
        time.sleep(float(where.step.get("wait", 0)))
        slow = float(where.step.get("slow", 0))
        for event in events:
            yield event
            if slow:
                time.sleep(slow)

    def _keep(self, api: str, body: dict[str, Any], where: Place, auxiliary: bool, name: str) -> None:
        """Write down what was answered with; only Anthropic's API has a word for what was written to a cache."""
        told = usage(where) if api == "anthropic" else {**usage(where), "cache_write": 0}
        self.server.owner.record(
            api=api,
            id=name,
            model=body.get("model"),
            conversation=where.conversation,
            step=where.number,
            auxiliary=auxiliary,
            usage=told,
        )

    def _stream(self, events: Iterable[tuple[str, str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for name, data in events:
            head = f"event: {name}\n" if name else ""
            self.wfile.write(f"{head}data: {data}\n\n".encode())
            self.wfile.flush()

    def _json(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data
