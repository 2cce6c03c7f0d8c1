"""Follows the event stream of an agent's own server on this machine: push, as files are, without a file.

A stream has no past: after each connection what is asked for beside it is fetched once, and then what the stream
brought meanwhile is handed on, so that nothing falls between the two. Quiet, it costs nothing but the server's own
heartbeats; cut, it is connected again ever more rarely until it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sessions import channels
from sessions.agents.contract import Ask, Reading, Stream

if TYPE_CHECKING:
    import httpx2 as httpx

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0
"""Between two tries, doubled each time."""
PATIENCE_S = 4.0
"""A server that is not reached for so long is told of once as a stream that was cut."""
PROBE_S = 2.0
FIRST_EVENT_S = 10.0
"""A server greets a new listener; one that came too early may never be served and must come again."""
SILENCE_S = 45.0
"""No server is quiet for longer: opencode sends a heartbeat every ten seconds."""
LONGEST_EVENT = 8 << 20

OnReading = Callable[[Reading], None]


class Listener:
    """One stream, followed from now until :meth:`close`."""

    def __init__(self, stream: Stream, on_reading: OnReading) -> None:
        self._stream = stream
        self._on_reading = on_reading
        self._client: httpx.AsyncClient | None = None  # while the stream is heard
        self._heard = False
        self._asked: set[Ask] = set()  # of this connection
        self._more: asyncio.Task[None] | None = None
        self._task = asyncio.get_running_loop().create_task(self._listen())

    def update(self, stream: Stream) -> None:
        """The same stream, with other things asked for beside it."""
        self._stream = stream
        if self._asked and self._more is None and not self._asked.issuperset(stream.asks):
            self._more = asyncio.get_running_loop().create_task(self._ask_more())

    def close(self) -> None:
        """Twice is once."""
        self._task.cancel()
        if self._more is not None:
            self._more.cancel()

    async def _listen(self) -> None:
        await asyncio.to_thread(import_module, "httpx2")  # 0.2 s, which the loop does not have
        import httpx2 as httpx

        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it writes a line for every request
        loop = asyncio.get_running_loop()
        pause, patient_until = FIRST_PAUSE_S, loop.time() + PATIENCE_S
        while True:
            self._heard = False
            with suppress(httpx.HTTPError, OSError, ValueError, TimeoutError):
                where = await asyncio.to_thread(channels.server, self._stream.server)
                auth = httpx.BasicAuth(where.user, where.password) if where.password else None
                timeout = httpx.Timeout(SILENCE_S, connect=PROBE_S)
                async with httpx.AsyncClient(base_url=where.url, auth=auth, timeout=timeout, trust_env=False) as client:
                    await self._follow(client)
            self._client = None
            self._asked.clear()
            if self._heard or loop.time() >= patient_until:
                self._tell(self._stream.feed, self._stream.path)
                patient_until = float("inf")
            pause = FIRST_PAUSE_S if self._heard else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _follow(self, client: httpx.AsyncClient) -> None:
        """Until the server ends it, or says nothing for too long."""
        for ask in self._stream.asks[-1:]:
            # opencode 1.18 never serves a stream that is opened before it is ready, and warns on its own screen of
            # listeners that are left behind: so it is opened only to a server that has answered.
            (await client.get(ask.path, timeout=PROBE_S)).raise_for_status()
        async with asyncio.timeout(FIRST_EVENT_S) as greeting, client.stream("GET", self._stream.path) as answer:
            answer.raise_for_status()
            async for lines in _events(answer.aiter_bytes()):
                if not self._heard:
                    greeting.reschedule(None)
                    self._heard, self._client = True, client
                    await self._ask()
                self._tell(self._stream.feed, self._stream.path, lines=lines)

    async def _ask(self) -> None:
        """Fetch what this connection has not asked for yet, in order; what is refused was not there to be had."""
        client = self._client
        while client is not None and (ask := next((one for one in self._stream.asks if one not in self._asked), None)):
            self._asked.add(ask)
            answer = await client.get(ask.path)
            if answer.is_success:
                self._tell(ask.feed, ask.path, data=answer.content, replay=True)

    async def _ask_more(self) -> None:
        import httpx2 as httpx

        try:
            with suppress(httpx.HTTPError, RuntimeError):  # the connection ended meanwhile: the next one asks anew
                await self._ask()
        finally:
            self._more = None

    def _tell(
        self, feed: str, path: str, lines: tuple[bytes, ...] = (), data: bytes | None = None, replay: bool = False
    ) -> None:
        self._on_reading(Reading(feed, Path(path), datetime.now(UTC), lines=lines, data=data, replay=replay))


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, ...]]:
    """The ``data`` of server-sent events. One event is one line here: a server that breaks JSON over lines is none."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_EVENT:
            raise ValueError("an event without an end")
        lines = tuple(line[5:].strip() for line in whole if line.startswith(b"data:"))
        if lines:
            yield lines
