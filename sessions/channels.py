"""The agents' own channels: a file that one reads commands from, a server that one runs on this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sessions.agents.contract import Post, Server
from sessions.errors import QuestionGone, SubmitFailed

DEADLINE_S = 5.0


def append(path: Path, line: str) -> None:
    """Append ``line`` in one write; the file is made, for the owner alone, when it is not there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def server(path: Path) -> Server:
    """What the launch wrote down. Raises OSError when it is gone, ValueError when it is none."""
    told = json.loads(path.read_bytes())
    if not isinstance(told, dict) or not isinstance(told.get("url"), str):
        raise ValueError(f"{path.name} names no server")
    return Server(url=told["url"], user=str(told.get("user", "")), password=str(told.get("password", "")))


async def post(request: Post, folder: Path, conversation: str | None = None) -> None:
    """Send ``request``. Raises QuestionGone when the server knows it no more, SubmitFailed when it is not answered."""
    import httpx2 as httpx

    if conversation is None and "{session}" in request.path:
        raise SubmitFailed("the agent has not told of its conversation yet", "wait for its first answer, or attach")
    path = request.path.replace("{session}", conversation or "")
    try:
        where = server(folder / request.server)
        auth = httpx.BasicAuth(where.user, where.password) if where.password else None
        async with httpx.AsyncClient(timeout=DEADLINE_S, trust_env=False, auth=auth) as client:
            answer = await client.post(where.url + path, json=dict(request.body))
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise SubmitFailed(
            f"the agent's own server does not answer: {type(error).__name__}", "attach and answer it there"
        ) from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise QuestionGone("the agent does not ask that any more", "look again: it may have been answered in the pane")
    if answer.status_code >= 300:
        raise SubmitFailed(f"the agent's own server refused it with {answer.status_code}", "attach and answer it there")
