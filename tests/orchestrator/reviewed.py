"""A work to review, and what the sample's daemon answers of it: real git makes the diff, comments are kept."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator.commands import Blob, Command, Comment, Done, MarkReviewed, Review, SendComments
from orchestrator.review.ask import BlobReply, Remark, ReviewReply
from tests.worktrees.histories import Tree, Writer
from worktrees import git, partial

PLAIN, RUNS = "100644", "100755"
CLIENT = '''"""The client."""

from __future__ import annotations

import asyncio

from shop.errors import TransportError
from shop.pool import Pool


class Client:
    """Sends requests over a pool of connections."""

    def __init__(self, pool: Pool, timeout_s: float = 30.0) -> None:
        self._pool = pool
        self._timeout_s = timeout_s

    def close(self) -> None:
        self._pool.close()

    @property
    def open(self) -> bool:
        return self._pool.size > 0

    def describe(self) -> str:
        return f"{self._pool.size} connections"

    async def send(self, request):
        """One request, one answer."""
        return await self._pool.send(request)

    async def ping(self) -> bool:
        return await self.send("ping") == "pong"
'''
LATER = (
    CLIENT.replace(
        "        return await self._pool.send(request)\n",
        "        for attempt in backoff(self.retries):\n"
        "            try:\n"
        "                return await self._pool.send(request, timeout_s=self._timeout_s)\n"
        "            except TransportError as error:\n"
        "                attempt.fail(error)\n",
    )
    .replace("timeout_s: float = 30.0) -> None:", "timeout_s: float = 10.0, retries: int = 3) -> None:")
    .replace(
        "        self._timeout_s = timeout_s\n", "        self._timeout_s = timeout_s\n        self.retries = retries\n"
    )
)
BEFORE: Tree = {
    "docs/client.md": (PLAIN, b"# Client\n\nIt sends requests.\n"),
    "src/client.py": (PLAIN, CLIENT.encode()),
    "src/retry_old.py": (PLAIN, b"".join(b"RULE_%d = %d\n" % (n, n) for n in range(20))),
    "scripts/run.sh": (PLAIN, b"#!/bin/sh\nexec shop\n"),
    "logo.png": (PLAIN, bytes(range(256))),
    "legacy.txt": (PLAIN, b"old\nwords\n"),
}
AFTER: Tree = {
    "docs/client.md": (PLAIN, b"# Client\n\nIt sends requests, and tries again.\n"),
    "src/client.py": (PLAIN, LATER.encode()),
    "src/retry.py": (PLAIN, b"".join(b"RULE_%d = %d\n" % (n, n if n != 3 else 33) for n in range(20))),
    "scripts/run.sh": (RUNS, b"#!/bin/sh\nexec shop\n"),
    "logo.png": (PLAIN, bytes(reversed(range(256)))),
    "tests/test_client.py": (PLAIN, b"def test_it_tries_again() -> None:\n    assert True"),
}


def work(root: Path, before: Tree, after: Tree) -> partial.Work:
    """What differs between two trees, made in a repository of their own."""
    git.run(root, "init", "-q", "--bare")
    writer = Writer()
    writer.commit(after, writer.commit(before))
    git.run(root, "fast-import", "--quiet", stdin=b"".join(writer.stream))
    one, two = (git.run(root, "rev-parse", name).strip() for name in ("refs/made/1", "refs/made/2^{tree}"))
    return partial.between(root, one, two)


@lru_cache(maxsize=1)
def sample() -> tuple[Path, partial.Work]:
    root = Path(tempfile.mkdtemp(prefix="orchestrator-sample-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root, work(root, BEFORE, AFTER)


class Reviewing:
    """What a daemon would remember."""

    def __init__(self) -> None:
        self.marks: tuple[str, ...] = ()
        self.remarks: tuple[Remark, ...] = ()

    def reply(self) -> ReviewReply:
        made = sample()[1]
        return ReviewReply(
            base="main",
            origin=made.origin,
            tree=made.tree,
            files=made.shown,
            patch=made.patch,
            marks=self.marks,
            remarks=self.remarks,
        )

    def answer(self, command: Command) -> Any:
        """None: another command."""
        match command:
            case Review():
                return self.reply()
            case Blob():
                return BlobReply(text=git.run(sample()[0], "cat-file", "blob", command.blob))
            case MarkReviewed() | SendComments():
                return Done(message="done")
            case Comment(id=str()):
                old = next(one for one in self.remarks if one.id == command.id)
                made = old.model_copy(update={"text": command.text})
            case Comment():
                made = Remark(
                    id=str(len(self.remarks) + 1),
                    **command.model_dump(include={"path", "side", "first", "last", "text"}),
                    quote=self._quote(command),
                )
            case _:
                return None
        self.remarks = (*(one for one in self.remarks if one.id != made.id), *((made,) if made.text else ()))
        return made

    def _quote(self, command: Comment) -> tuple[str, ...]:
        tree = BEFORE if command.side == "old" else AFTER
        lines = tree[command.path][1].decode().split("\n")
        return tuple(lines[command.first - 1 : command.last])
