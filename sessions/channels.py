"""The agents' own channels: a file that one reads commands from, a server that one runs on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from sessions.agents.contract import Post
from sessions.errors import SubmitFailed

DEADLINE_S = 5.0


def append(path: Path, line: str) -> None:
    """Append ``line`` in one write; the file is made, for the owner alone, when it is not there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


async def post(request: Post) -> None:
    """Send ``request``. Raises SubmitFailed when the agent's server is gone or refuses it."""
    import httpx2 as httpx

    auth = httpx.BasicAuth(request.user, request.password) if request.password else None
    try:
        async with httpx.AsyncClient(timeout=DEADLINE_S, trust_env=False, auth=auth) as client:
            answer = await client.post(request.url, json=dict(request.body))
    except httpx.HTTPError as error:
        raise SubmitFailed(
            f"the agent's own server does not answer: {type(error).__name__}", "attach and answer it there"
        ) from error
    if answer.status_code >= 300:
        raise SubmitFailed(
            f"the agent's own server refused it with {answer.status_code}", "look again: it may have been answered"
        )
