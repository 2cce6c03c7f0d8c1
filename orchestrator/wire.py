"""The daemon's HTTP routes, one per verb of the link, for a unix socket that only its owner may reach."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from os import getuid
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestrator.client import PROTOCOL, PROTOCOL_HEADER
from orchestrator.commands import Command, Refused
from orchestrator.listing import listing
from orchestrator.supervisor import Supervisor
from sessions.models import Model

_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


class OwnersSocket(socket.socket):
    """A listening unix socket that drops every connection of another user.

    The kernel's word for who connected is SO_PEERCRED on Linux; elsewhere the 0700 folder alone keeps others out.
    """

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
            if uid not in (getuid(), 0):
                connection.close()
                raise BlockingIOError("a connection of another user was dropped")
        return connection, address


def application(supervisor: Supervisor) -> Starlette:
    """The routes over ``supervisor``."""

    async def fleet(request: Request) -> Response:
        if request.query_params.get("json") == "ls":
            now = datetime.now(UTC)
            return JSONResponse({"sessions": listing(supervisor.fleet, now), "seq": supervisor.fleet.seq})
        return Response(supervisor.fleet.model_dump_json(), media_type="application/json")

    async def events(request: Request) -> Response:
        after = _number(request.query_params.get("after"))
        return StreamingResponse(_lines(supervisor.envelopes(after)), media_type="application/x-ndjson")

    async def frames(request: Request) -> Response:
        name = request.path_params["session"]
        if supervisor.fleet.named(name) is None:
            return JSONResponse({"error": f"no session {name}", "hint": "orchestrator ls"}, 404)
        return StreamingResponse(_lines(supervisor.frames(name)), media_type="application/x-ndjson")

    async def call(request: Request) -> Response:
        try:
            command = _COMMAND.validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return JSONResponse({"error": f"not a command: {where}: {first['msg']}", "hint": ""}, 422)
        try:
            reply = await supervisor.call(command)
        except Refused as refused:
            body: dict[str, Any] = {"error": refused.message, "hint": refused.hint}
            if refused.trust is not None:
                body["trust"] = refused.trust.model_dump()
            return JSONResponse(body, 409)
        return Response(reply.model_dump_json(), media_type="application/json")

    async def about(_request: Request) -> Response:
        return JSONResponse({"protocol": PROTOCOL, "pid": supervisor.pid, "seq": supervisor.fleet.seq})

    app = Starlette(
        routes=[
            Route("/v1/about", about),
            Route("/v1/fleet", fleet),
            Route("/v1/events", events),
            Route("/v1/frames/{session:path}", frames),
            Route("/v1/call", call, methods=["POST"]),
        ]
    )

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if supervisor.ending.is_set():
                ending = JSONResponse({"error": "the daemon is ending", "hint": "try again"}, 503)
                await ending(scope, receive, send)
                return
            headers = dict(scope["headers"])
            spoken = headers.get(PROTOCOL_HEADER.lower().encode(), b"").decode("ascii", "replace")
            if spoken and spoken != PROTOCOL:
                refusal = JSONResponse(
                    {
                        "error": f"the daemon speaks protocol {PROTOCOL}, this client {spoken}",
                        "hint": "restart the daemon with: orchestrator down, then any command",
                    },
                    409,
                )
                await refusal(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded  # type: ignore[return-value]


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0


async def _lines(items: AsyncIterator[Model]) -> AsyncIterator[bytes]:
    async for item in items:
        yield item.model_dump_json().encode() + b"\n"
