"""Everybody who listens gets every envelope once and in order, whenever they came."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.broadcast import Broadcast
from orchestrator.store import Store
from sessions.events import Said
from sessions.models import SessionId

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def test_what_was_there_and_what_comes_without_a_gap(tmp_path: Path) -> None:
    store = Store(tmp_path / "l.sqlite3")
    broadcast = Broadcast(store)

    def say(text: str) -> None:
        broadcast.publish(store.append(NOW, SessionId("a"), Said(text=text)))

    async def listen(after: int, until: int) -> list[int]:
        found = []
        async with aclosing(broadcast.since(after)) as envelopes:
            async for envelope in envelopes:
                found.append(envelope.seq)
                if envelope.seq == until:
                    break
                await asyncio.sleep(0)  # slow: more comes meanwhile
        return found

    for number in range(1100):
        say(str(number))
    early = asyncio.ensure_future(listen(0, 1200))
    late = asyncio.ensure_future(listen(1150, 1200))
    for number in range(100):
        await asyncio.sleep(0)
        say(str(number))
    async with asyncio.timeout(10):
        assert await early == list(range(1, 1201))
        assert await late == list(range(1151, 1201))
