"""The two implementations of :class:`orchestrator.link.Link`: in process, and over the daemon's unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import door
from orchestrator.client import PROTOCOL, PROTOCOL_HEADER
from orchestrator.commands import Command, Refused, Trust
from orchestrator.events import Envelope
from orchestrator.fleet import Fleet
from orchestrator.link import Frame, LinkDown

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


class LocalLink:
    """Speaks to a supervisor of the same event loop."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def snapshot(self) -> Fleet:
        return self._supervisor.fleet

    def events(self, after: int) -> AsyncIterator[Envelope]:
        return self._supervisor.envelopes(after)

    def frames(self, session: str) -> AsyncIterator[Frame]:
        return self._supervisor.frames(session)

    async def call(self, command: Command) -> Any:
        return await self._supervisor.call(command)

    async def close(self) -> None:
        return None


class RemoteLink:
    """Speaks HTTP over the daemon's socket."""

    def __init__(self, path: Path) -> None:
        import httpx2 as httpx

        self._http = httpx
        self._path = path
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(path)),
            base_url="http://localhost",
            headers={PROTOCOL_HEADER: PROTOCOL},
            timeout=httpx.Timeout(10, read=None),
        )

    async def snapshot(self) -> Fleet:
        try:
            door.check(self._path.parent)  # at each new beginning: snapshot is what every client asks first
        except OSError as error:
            raise LinkDown(str(error)) from error
        try:
            response = await self._client.get("/v1/fleet")
            response.raise_for_status()
            return Fleet.model_validate_json(response.content)
        except self._http.HTTPError as error:
            raise LinkDown(str(error)) from error

    async def events(self, after: int) -> AsyncIterator[Envelope]:
        async for line in self._lines(f"/v1/events?after={after}"):
            yield Envelope.model_validate_json(line)

    async def frames(self, session: str) -> AsyncIterator[Frame]:
        async for line in self._lines(f"/v1/frames/{session}"):
            yield Frame.model_validate_json(line)

    async def call(self, command: Command) -> Any:
        try:
            response = await self._client.post("/v1/call", content=command.model_dump_json())
        except self._http.HTTPError as error:
            raise LinkDown(str(error)) from error
        if response.status_code == 200:
            return command.Reply.model_validate_json(response.content)
        try:
            said = response.json()
        except ValueError:
            said = {}
        trust = said.get("trust")
        raise Refused(
            said.get("error", f"the daemon answered {response.status_code}"),
            said.get("hint", ""),
            Trust.model_validate(trust) if trust else None,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def _lines(self, path: str) -> AsyncIterator[str]:
        try:
            async with self._client.stream("GET", path) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise LinkDown(f"the daemon answered {response.status_code}: {response.text[:200]}")
                async for line in response.aiter_lines():
                    if line:
                        yield line
        except self._http.HTTPError as error:
            raise LinkDown(str(error)) from error
        raise LinkDown("the daemon closed the stream")
