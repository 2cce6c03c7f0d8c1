"""The daemon's HTTP routes, one per verb of the link, for a unix socket that only its owner may reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from orchestrator.client import PROTOCOL, PROTOCOL_HEADER
from orchestrator.commands import Command, Refused
from orchestrator.listing import listing
from orchestrator.supervisor import Supervisor
from sessions.models import Model

_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


LARGEST = 16 << 20
"""Bytes of a command: a task with its environment is a few hundred KiB at most."""


def application(supervisor: Supervisor) -> Starlette:
    """The routes over ``supervisor``."""

    async def fleet(request: Request) -> Response:
        if request.query_params.get("json") == "ls":
            now = datetime.now(UTC)
            rows, fleet = listing(supervisor.fleet, now), supervisor.fleet
            return JSONResponse({"sessions": rows, "seq": fleet.seq, "read_only": fleet.read_only})
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
            body = await _body(request)
        except ClientDisconnect:
            return _Nothing()  # half a command is none
        if body is None:
            return JSONResponse({"error": f"a command has at most {LARGEST >> 20} MiB", "hint": ""}, 413)
        try:
            command = _COMMAND.validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return JSONResponse({"error": f"not a command: {where}: {first['msg']}", "hint": ""}, 422)
        try:
            reply = await supervisor.call(command)
        except Refused as refused:
            said: dict[str, Any] = {"error": refused.message, "hint": refused.hint}
            if refused.trust is not None:
                said["trust"] = refused.trust.model_dump()
            return JSONResponse(said, 409)
        return Response(reply.model_dump_json(), media_type="application/json")

    async def about(_request: Request) -> Response:
        fleet, held = supervisor.fleet, supervisor.store.held
        said = {"protocol": PROTOCOL, "pid": supervisor.pid, "seq": fleet.seq}
        return JSONResponse({**said, "read_only": fleet.read_only, "unwritten": held})

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
            if (page := _of_a_page(headers)) is not None:
                await page(scope, receive, send)
                return
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


def _of_a_page(headers: dict[bytes, bytes]) -> Response | None:
    """A refusal of what a browser would send. None can reach this socket, unless somebody forwards a port to it."""
    host = headers.get(b"host", b"localhost").rsplit(b":", 1)[0]
    if b"origin" not in headers and b"sec-fetch-site" not in headers and host == b"localhost":
        return None
    return JSONResponse({"error": "web pages are not served", "hint": "ask for http://localhost without Origin"}, 403)


async def _body(request: Request) -> bytes | None:
    """The whole body; None as soon as it is too large, without taking the rest in."""
    parts: list[bytes] = []
    left = LARGEST
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            return None
        parts.append(part)
    return b"".join(parts)


class _Nothing(Response):
    """No answer: who asked is gone, and the connection takes none any more."""

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        return


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0


async def _lines(items: AsyncIterator[Model]) -> AsyncIterator[bytes]:
    async for item in items:
        yield item.model_dump_json().encode() + b"\n"
