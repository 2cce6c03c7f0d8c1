"""A fleet to look at without any agent: real events folded by the real read model, behind a link that records.

``python -m tests.orchestrator.sample`` opens the dashboard on it; ``empty``, ``asks`` and ``busy`` are further fleets.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.commands import (
    Attach,
    AttachReply,
    Attend,
    Command,
    Diff,
    DiffReply,
    Done,
    Log,
    MergePreview,
    PreviewMerge,
    PreviewRemove,
    Ring,
    Run,
    Started,
    Transcript,
    TranscriptReply,
)
from orchestrator.events import Changed, Created, Envelope, Event, Merging, Paused
from orchestrator.fleet import Fleet, apply
from orchestrator.link import Frame, LinkDown
from orchestrator.metrics.asking import Noted
from orchestrator.notify.ask import Rung
from orchestrator.replies import LogReply, RemovePreview
from sessions.events import Active, Counted, Launched, StatusChanged
from sessions.models import Entry, Kind, Option, Question, QuestionId, Response, Role, SessionId, State, Status, Usage
from sessions.risk import Risk
from tests.orchestrator.reviewed import Reviewing
from worktrees.models import Change, ChangeKind, Drift, Hunk, Line, Method, Totals

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""The time of the sample; tests give the dashboard this clock."""

PANE = """\
\x1b[1m●\x1b[0m I'll add the retry policy to the client first.

  \x1b[1mRead\x1b[0m(src/client.py)
  \x1b[2m⎿ 212 lines\x1b[0m

  \x1b[1mEdit\x1b[0m(src/client.py)
  \x1b[2m⎿ Added 14 lines, removed 3\x1b[0m
      41      async def send(self, request):
      \x1b[41m42 -        return await self._pool.send(request)\x1b[0m
      \x1b[42m42 +        for attempt in backoff(self.retries):\x1b[0m
      \x1b[42m43 +            try:\x1b[0m
      \x1b[42m44 +                return await self._pool.send(request)\x1b[0m
      \x1b[42m45 +            except TransportError as error:\x1b[0m
      \x1b[42m46 +                attempt.fail(error)\x1b[0m

\x1b[1m●\x1b[0m Now the tests.

  \x1b[1mBash\x1b[0m(pytest tests/test_client.py -q)
  \x1b[2m⎿ 18 passed in 2.31s\x1b[0m

\x1b[33m✳ Writing tests… (41s · ↓ 3.2k tokens · esc to interrupt)\x1b[0m
"""

DIALOG = """\
\x1b[1mBash command\x1b[0m

  rm -rf build/
  \x1b[2mRemove the old bundle\x1b[0m

Do you want to proceed?
\x1b[36m❯ 1. Yes\x1b[0m
  2. Yes, and don't ask again for rm commands in this project
  3. No, and tell it what to do differently (esc)
"""
PICTURES = {"api-retry": PANE, "login-form": DIALOG}

REMOVE = Question(
    id=QuestionId("q-remove"),
    kind=Kind.PERMISSION,
    title="Bash(rm -rf build/) — run it?",
    text="The old bundle is stale and breaks the test.",
    command="rm -rf build/",
    options=(
        Option(key="1", label="Yes"),
        Option(key="2", label="Yes, and don't ask again for rm commands in this project"),
        Option(key="3", label="No, and tell it what to do differently"),
    ),
    free_text=True,
    asked_at=NOW,
    risk=Risk.DELETES,
    risk_because="rm inside the worktree",
)
SCHEMA = Question(
    id=QuestionId("q-schema"),
    kind=Kind.QUESTION,
    title="Which schema should own `users`?",
    text="Both `auth` and `core` refer to it.",
    options=(
        Option(key="1", label="auth", detail="where the login code is"),
        Option(key="2", label="core", detail="where most of its readers are"),
        Option(key="3", label="a new one"),
    ),
    free_text=True,
    asked_at=NOW,
)
CHANGES = (
    Change(
        kind=ChangeKind.MODIFIED,
        path="src/client.py",
        added=2,
        removed=1,
        hunks=(
            Hunk(
                header="async def send(self, request):",
                old_start=41,
                new_start=41,
                lines=(
                    Line(sign=" ", text="    async def send(self, request):", old=41, new=41),
                    Line(sign="-", text="        return await self._pool.send(request)", old=42),
                    Line(sign="+", text="        for attempt in backoff(self.retries):", new=42),
                    Line(sign="+", text="            return await attempt(request)", new=43),
                ),
            ),
        ),
    ),
    Change(
        kind=ChangeKind.ADDED,
        path="tests/test_retry.py",
        added=1,
        removed=0,
        untracked=True,
        hunks=(Hunk(header="", old_start=0, new_start=1, lines=(Line(sign="+", text="import pytest", new=1),)),),
    ),
    Change(kind=ChangeKind.RENAMED, path="docs/[b]retry.md", old_path="docs/old.md", added=0, removed=0),
    Change(kind=ChangeKind.MODIFIED, path="logo.png", added=None, removed=None, binary=True),
)
ENTRIES = (
    Entry(role=Role.USER, text="Retry requests that fail. [red]No markup.[/red]"),
    Entry(role=Role.AGENT, text="I'll add the retry policy to the client first."),
    Entry(role=Role.TOOL, title="Read src/client.py"),
    Entry(role=Role.TOOL, title="result", text="\n".join(f"line {n}" for n in range(12))),
    Entry(role=Role.AGENT, text="Now the tests."),
)

_ROWS = (
    # name, agent, state, question, seconds in that state, added, removed, tokens out, cost, tok/s in the last minute
    ("login-form", "claude", State.BLOCKED, REMOVE, 252, 120, 8, 48_000, 0.41, 0),
    ("db-migrate", "codex", State.BLOCKED, SCHEMA, 37, 64, 31, 91_000, None, 0),
    ("docs-typos", "coder", State.FAILED, None, 720, 2, 2, 6_000, 0.03, 0),
    ("api-retry", "claude", State.WORKING, None, 41, 301, 77, 120_000, 1.12, 212),
    ("cache-ttl", "claude", State.WORKING, None, 64, 45, 12, 33_000, 0.35, 143),
    ("flaky-test", "codex", State.WORKING, None, 190, 18, 4, 71_000, None, 57),
    ("refactor-io", "claude", State.IDLE, None, 580, 0, 0, 15_000, 0.13, 0),
    ("csv-export", "codex", State.DONE, None, 95, 210, 15, 88_000, None, 0),
    ("dark-theme", "claude", State.DONE, None, 1320, 98, 40, 64_000, 0.71, 0),
    ("big-upgrade", "claude", State.WORKING, None, 4000, 0, 0, 2_000, 0.02, 0),
)


class SampleLink:
    """A link whose fleet a test makes. Everything that it was asked is in ``calls``, oldest first."""

    def __init__(
        self,
        now: datetime = NOW,
        rows: tuple[tuple[Any, ...], ...] = _ROWS,
        worktrees: str = "/home/dev/.worktrees/shop",
    ) -> None:
        self.now = now
        self.worktrees = worktrees  # the folder that they are in; nothing is made in it
        self.fleet = Fleet()
        self.calls: list[Command] = []
        self.attended: list[Attend] = []  # told by itself, so not among what was asked
        self.rung: list[Ring] = []  # asked by itself as well
        self.answers: dict[str, Any] = {}  # by verb: a reply, or an exception to raise
        self.held: dict[str, asyncio.Event] = {}  # by verb: no answer before it is set
        self.snapshots = 0
        self.reviewing: Callable[[Command], Any] = Reviewing().answer  # reviews: it remembers what it was told
        self.resumed: list[int] = []  # the `after` of every subscription to events
        self.frames_of: list[str] = []  # every session whose picture was asked for
        self.down = False
        self._log: list[Envelope] = []
        self._news = asyncio.Event()
        self._pictures: dict[str, tuple[str, ...]] = {}
        for row in rows:
            self._add(*row)

    def session(self, name: str) -> SessionId:
        row = self.fleet.named(name)
        assert row is not None, name
        return row.id

    def emit(self, name: str | None, event: Event, ago_s: float = 0.0) -> None:
        """Something happens to the session of that name."""
        session = self.session(name) if name is not None else None
        self._append(session, event, self.now - timedelta(seconds=ago_s))

    def status(self, name: str, state: State, question: Question | None = None, ago_s: float = 0.0) -> None:
        since = self.now - timedelta(seconds=ago_s)
        kind = question.kind if question is not None else None
        self.emit(name, StatusChanged(status=Status(state=state, kind=kind, question=question, since=since)), ago_s)

    def picture(self, name: str, text: str) -> None:
        """The session's pane shows ``text``."""
        self._pictures[self.session(name)] = tuple(text.splitlines())
        self._wake()

    def cut(self, down: bool) -> None:
        """The daemon goes away, or is back."""
        self.down = down
        self._wake()

    async def snapshot(self) -> Fleet:
        if self.down:
            raise LinkDown("nobody answers")
        self.snapshots += 1
        return self.fleet

    async def events(self, after: int) -> AsyncIterator[Envelope]:
        self.resumed.append(after)
        while not self.down:
            for envelope in self._log:
                if envelope.seq > after:
                    after = envelope.seq
                    yield envelope
            await self._news.wait()
        raise LinkDown("the daemon closed the stream")

    async def frames(self, session: str) -> AsyncIterator[Frame]:
        self.frames_of.append(session)
        shown: tuple[str, ...] | None = None
        while not self.down:
            lines = self._pictures.get(session)
            if lines is not None and lines != shown:
                shown = lines
                yield Frame(session=session, lines=lines, width=80, height=max(24, len(lines)), at=self.now)
            await self._news.wait()
        raise LinkDown("the daemon closed the stream")

    async def call(self, command: Command) -> Any:
        if self.down:
            raise LinkDown("nobody answers")
        if isinstance(command, Attend):
            self.attended.append(command)
            return Noted()
        if isinstance(command, Ring):
            self.rung.append(command)
            return self.answers.get("ring") or Rung()
        self.calls.append(command)
        if command.verb in self.held:
            await self.held[command.verb].wait()
        answer = self.answers.get(command.verb) or self.reviewing(command) or _reply(command, self.now)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        return None

    def _append(self, session: SessionId | None, event: Event, at: datetime) -> None:
        envelope = Envelope(seq=self.fleet.seq + 1, at=at, session=session, event=event)
        self._log.append(envelope)
        self.fleet = apply(self.fleet, envelope)
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _add(
        self,
        name: str,
        agent: str,
        state: State,
        question: Question | None,
        since_s: float,
        added: int,
        removed: int,
        out: int,
        cost: float | None,
        rate: float,
    ) -> None:
        number = len(self.fleet.rows) + 1
        created = Created(
            name=name,
            agent=agent,
            prompt=f"Do what {name} says.",
            repository="/home/dev/shop",
            branch=f"orchestrator/{name}",
            base="main",
            base_commit="5f2d0c9a" * 5,
            target="main",
            worktree=f"{self.worktrees}/{name}",
        )
        self._append(SessionId(f"s{number:02}"), created, self.now - timedelta(seconds=since_s + 60))
        self.emit(name, Launched(pane=f"%{number}", pid=4000 + number, argv=(agent,)), since_s + 59)
        files = 0 if not added + removed else 3
        totals = Totals(files=files, added=added, removed=removed, uncommitted=min(1, files))
        drift = Drift(ahead=1, behind=1 if name == "api-retry" else 0, merge_base="5f2d0c9a" * 5)
        self.emit(name, Changed(totals=totals, drift=drift, head="a" * 40), since_s + 5)
        self._count(name, number, out, cost, rate)
        self.emit(name, Active(active=rate > 0), 0 if rate else since_s)
        self.status(name, state, question, since_s)
        if name == "csv-export":
            self.emit(name, Merging(step="check: pytest -q"), 4)
        if name == "big-upgrade":
            self.emit(name, Paused(paused=True), since_s)
        if name in PICTURES:
            self.picture(name, PICTURES[name])

    def _count(self, name: str, number: int, out: int, cost: float | None, rate: float) -> None:
        """The last responses, so that the last minute had ``rate`` tokens a second."""
        total = Usage(input=out // 4, output=out, cache_read=out * 9, cache_write=out // 2)
        if not rate:
            self.emit(name, Counted(total=total, cost_usd=cost, cost_source="genai-prices" if cost else None))
            return
        for minute in (3, 2, 1, 0):
            ended = self.now - timedelta(minutes=minute)
            response = Response(
                id=f"r{number}-{minute}",
                usage=Usage(output=int(rate * 60 * (4 - minute) / 4)),
                started_at=ended - timedelta(minutes=1),
                ended_at=ended,
            )
            self.emit(name, Counted(total=total, response=response, cost_usd=cost), minute * 60)


def _reply(command: Command, now: datetime) -> Any:
    match command:
        case Run():
            return Started(names=("new-task",), sessions=(SessionId("s99"),))
        case Attach():
            return AttachReply(argv=("tmux", "-L", "none", "attach", "-t", "=x"), socket="/nowhere", target="x")
        case PreviewMerge():
            return MergePreview(
                target="main",
                method=command.method or Method.SQUASH,
                files=3,
                added=98,
                removed=40,
                uncommitted=1,
                behind=0,
                conflicts=(),
                message="Add a dark theme",
                checks=("pytest -q",),
            )
        case PreviewRemove():
            return RemovePreview(uncommitted=2, unmerged=3, running=True, attic="refs/orchestrator/attic/api-retry")
        case Diff():
            return DiffReply(base="main", changes=CHANGES, patch="")
        case Transcript():
            return TranscriptReply(entries=ENTRIES)
        case Log():
            return LogReply(lines=("12:00:00  created on agent/api-retry", "12:00:01  launched claude"), seq=2)
        case _:
            from tests.orchestrator import judged, past

            return past.answer(command, now) or judged.answer(command, now) or Done(message="done")


def main(words: list[str]) -> int:
    """Open the dashboard on the sample."""
    from pathlib import Path

    from orchestrator.tui.app import Orchestrator

    now = datetime.now(UTC)
    if "many" in words:
        rows = tuple((f"{row[0]}-{n}", *row[1:]) for n in range(20) for row in _ROWS)
    else:
        rows = () if "empty" in words else _ROWS
    link = SampleLink(now, rows)
    if "asks" in words:
        from tests.orchestrator.questions import ask_more

        ask_more(link)
    app = Orchestrator(lambda: link, Path("/home/dev/shop"))
    if "busy" in words:
        from tests.orchestrator.living import live

        app.call_later(lambda: app.run_worker(live(link, lambda: datetime.now(UTC))))
    app.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
