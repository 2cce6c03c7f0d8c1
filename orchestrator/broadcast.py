"""Envelopes to everybody who listens: what is in the ledger first, then what happens, without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orchestrator.events import Envelope
from orchestrator.store import Store


class Broadcast:
    """A slow listener costs nobody else anything: it re-reads the ledger from where it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[asyncio.Event] = set()

    def publish(self, _envelope: Envelope) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def since(self, after: int) -> AsyncIterator[Envelope]:
        """Every envelope above ``after``; never ends by itself."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while True:
                news.clear()
                batch = list(self._store.since(after, limit=500))
                for envelope in batch:
                    after = envelope.seq
                    yield envelope
                if not batch:
                    after = max(after, 0)
                    await news.wait()
        finally:
            self._waiting.discard(news)
