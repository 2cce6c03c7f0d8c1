"""A small HTTP server with an event stream, as agents have one: real sockets, scripted answers."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GREETING = '{"type": "server.connected"}'


@dataclass
class EventServer:
    """``answers``: path -> status and body. ``greets`` False: a stream is accepted and never served."""

    folder: Path
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    greets: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, body
    user: str = "me"
    password: str = "secret"

    def __post_init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._streams: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._news = asyncio.Event()
        self.refused = 0

    @property
    def file(self) -> Path:
        return self.folder / "server.json"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        about = {"url": f"http://127.0.0.1:{port}", "user": self.user, "password": self.password}
        self.file.write_text(json.dumps(about))

    async def push(self, *events: str) -> None:
        for stream in self._streams:
            with suppress(ConnectionError):  # of a listener that is gone
                stream.write("".join(f"data: {event}\n\n" for event in events).encode())
                await stream.drain()

    async def cut(self) -> None:
        """Close every stream that is open."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()

    async def stop(self) -> None:
        await self.cut()
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    async def until_asked(self, path: str, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.paths().count(path) < times:
                self._news.clear()
                await self._news.wait()

    async def until_refused(self, times: int) -> None:
        async with asyncio.timeout(10):
            while self.refused < times:
                self._news.clear()
                await self._news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        wanted = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            method, path, _ = head.split(" ", 2)
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            length = int({key.lower(): value for key, value in headers.items()}.get("content-length", 0))
            body = (await reader.readexactly(length)).decode()
            if wanted not in headers.values():
                self.refused += 1
                self._news.set()
                _answer(writer, 401, {})
                continue
            self.asked.append((method, path, body))
            self._news.set()
            if path == "/event":
                if self.greets:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                    self._streams.append(writer)
                    await self.push(GREETING)
                await reader.read()
                break
            _answer(writer, *self.answers.get(path, (404, {"error": path})))
        writer.close()


def _answer(writer: asyncio.StreamWriter, status: int, value: object) -> None:
    body = json.dumps(value).encode()
    writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
