"""What the statistics cost on a large ledger: ``make bench-stats``.

A day of 100 sessions with 1,000,000 events is written, taken over as from an older version, and asked: ``stats`` from
the command line within 1 s, the throughput screen's question within 100 ms. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from orchestrator import client, derived
from orchestrator.events import Changed, Created, Event, Looked
from orchestrator.store import Store
from sessions.events import Active, Answered, Counted, Said, StatusChanged
from sessions.models import Kind, Question, QuestionId, Response, SessionId, State, Status, Usage
from worktrees.models import Drift, Totals

STATS_S = 1.0
SCREEN_S = 0.1
DAY_S = 86400
ROUNDS = 7


def created(number: int) -> Created:
    name = f"task-{number:03}"
    return Created(
        name=name,
        agent=("claude", "codex", "gemini")[number % 3],
        prompt=f"Do what {name} says",
        repository=f"/work/shop-{number % 4}",
        branch=f"agent/{name}",
        base="main",
        base_commit="0" * 40,
        target="main",
        worktree=f"/nowhere/{name}",
    )


def happens(chance: Random, number: int, step: int, at: datetime) -> Event:
    """One of the events of an agent at work: it prints (40 %), a response (25 %), a state (15 %), and others."""
    dice = chance.random()
    if dice < 0.40:
        return Active(active=step % 2 == 0)
    if dice < 0.65:
        usage = Usage(input=300, output=chance.randrange(20, 900), cache_read=20_000, cache_write=500)
        model = ("claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro")[number % 3]
        began = at - timedelta(seconds=chance.uniform(1, 20))
        response = Response(id=f"r{number}-{step}", model=model, usage=usage, started_at=began, ended_at=at)
        return Counted(total=Usage(output=step * 300), response=response, cost_usd=1.0, cost_source="genai-prices")
    if dice < 0.80:
        state = chance.choice((State.WORKING, State.WORKING, State.BLOCKED, State.DONE, State.BACKGROUND))
        asked = None
        if state is State.BLOCKED:
            asked = Question(id=QuestionId(f"q{step}"), kind=Kind.PERMISSION, title="run it?", text="", asked_at=at)
        kind = asked.kind if asked else None
        return StatusChanged(status=Status(state=state, kind=kind, question=asked, since=at))
    if dice < 0.88:
        return Said(text="Now the tests, then the documentation. " * 4)
    if dice < 0.90:
        return Looked() if step % 2 else Answered(question=QuestionId("q"), choice="y")
    return Changed(
        totals=Totals(files=3, added=step, removed=2), drift=Drift(ahead=1, behind=0, merge_base=""), head="a"
    )


def write(path: Path, sessions: int, events: int) -> None:
    """The events alone, in bulk."""
    store = Store(path)
    store.close()
    chance = Random(6)
    now = datetime.now(UTC)
    began = now - timedelta(seconds=DAY_S - 60)
    gap = timedelta(seconds=(DAY_S - 120) / events)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous=OFF")
        rows = []
        for seq in range(1, events + 1):
            number = (seq - 1) % sessions
            at = began + gap * seq
            event = created(number) if seq <= sessions else happens(chance, number, seq, at)
            rows.append((seq, at.isoformat(), f"s{number:03}", event.model_dump_json()))
            if len(rows) == 20_000:
                database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
                rows.clear()
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
        for table in derived.TABLES:
            database.execute(f"DROP TABLE {table}")


def take_over(path: Path) -> float:
    """Seconds until the derived tables are whole; the longest portion is told."""
    store = Store(path)
    began, longest = time.perf_counter(), 0.0
    done = False
    while not done:
        one = time.perf_counter()
        done = store.catch_up()
        longest = max(longest, time.perf_counter() - one)
    took = time.perf_counter() - began
    print(f"an older ledger is taken over in {took:.1f} s, at most {longest * 1000:.0f} ms at a time")
    print(f"the file has {path.stat().st_size / 1e6:.0f} MB")
    store.keep(store.fleet())  # as every 2000 events: a start replays only what came after it
    store.close()
    return took


def appends(path: Path, count: int = 2000) -> None:
    """What an append costs with and without something to derive."""
    store = Store(path)
    for what, event in (
        ("nothing to derive", Said(text="x")),
        (
            "a response",
            Counted(total=Usage(), response=Response(id="x", usage=Usage(output=1), ended_at=datetime.now(UTC))),
        ),
    ):
        began = time.perf_counter()
        for _ in range(count):
            store.append(datetime.now(UTC), SessionId("s001"), event)
        print(f"an append with {what}: {(time.perf_counter() - began) / count * 1e6:.0f} µs")
    store.close()


def median(measured: list[float]) -> float:
    return statistics.median(measured)


def command_line(env: dict[str, str], *words: str) -> float:
    """The median of several runs, the start of Python included."""
    argv = [sys.executable, "-m", "orchestrator", "stats", *words]
    measured = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        measured.append(time.perf_counter() - began)
        if done.returncode:
            raise SystemExit(done.stderr)
    return median(measured)


def screen(env: dict[str, str], window: int) -> float:
    """The median of what the dashboard waits for a picture of 30 sessions, over the daemon's socket."""
    os.environ.update(env)
    body = {"verb": "throughput", "window_s": window, "columns": 58, "sessions": [f"s{n:03}" for n in range(30)]}
    measured = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        status, _said = client.request("POST", "/v1/call", body)
        measured.append(time.perf_counter() - began)
        assert status == 200
    return median(measured)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--in", dest="folder", help="keep the ledger in this folder and use one that is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as temporary:
        return measure(Path(arguments.folder or temporary), arguments.sessions, arguments.events)


def measure(folder: Path, sessions: int, events: int) -> int:
    path = folder / "ledger.sqlite3"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        write(path, sessions, events)
        print(f"{events:,} events of {sessions} sessions written in {time.perf_counter() - began:.0f} s")
        take_over(path)
        appends(path)
    env = {**os.environ, "ORCHESTRATOR_HOME": str(folder), "ORCHESTRATOR_CONFIG": str(folder / "none.toml")}
    good = True
    try:
        command_line(env)  # starts the daemon
        for words in ((), ("--by", "model"), ("--by", "day"), ("--json",)):
            took = command_line(env, *words)
            good &= took <= STATS_S
            print(f"orchestrator stats {' '.join(words)}: {took * 1000:.0f} ms (goal {STATS_S * 1000:.0f})")
        for window in (300, 3600, DAY_S):
            took = screen(env, window)
            good &= took <= SCREEN_S
            print(f"the throughput screen, {window} s: {took * 1000:.0f} ms (goal {SCREEN_S * 1000:.0f})")
    finally:
        subprocess.run([sys.executable, "-m", "orchestrator", "down"], env=env, capture_output=True, check=False)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
