"""The detector against everything that was recorded of real CLIs: what ``make status-bench`` prints, as promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from benchmarks.status import PROMISE, RESTING, figures
from sessions.agents import recorded
from sessions.models import State
from tests.record import tape
from tests.record.replay import CORPUS, Outcome, replay

PATHS = sorted(CORPUS.glob("*/*/*.jsonl.gz"))
AGENTS = {"claude": 40, "codex": 40, "opencode": 20, "gemini": 20, "pi": 20, "qwen": 20, "copilot": 20, "aider": 20}


@cache
def _played(path: Path, screen_only: bool = False) -> tuple[Outcome, ...]:
    return tuple(replay(tape.load(path), screen_only=screen_only))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parts[-3]}-{path.stem.partition('.')[0]}")
def test_every_recorded_moment_is_called_what_it_is(path: Path) -> None:
    wrong = [
        f"{one.label.mark}: {one.label.state} called {one.state} {one.kind or ''} by {one.why}"
        for one in _played(path)
        if not one.right
    ]
    assert wrong == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parts[-3]}-{path.stem.partition('.')[0]}")
def test_a_blocked_screen_alone_is_never_called_work_or_rest(path: Path) -> None:
    missed = [
        f"{one.label.mark} called {one.state} by {one.why}"
        for one in _played(path, screen_only=True)
        if one.label.state is State.BLOCKED and one.state in RESTING
    ]
    assert missed == []


def test_precision_and_recall_of_blocked_keep_the_promise() -> None:
    precision, recall = figures(State.BLOCKED, [one for path in PATHS for one in _played(path)])
    assert precision is not None
    assert recall is not None
    assert precision >= PROMISE
    assert recall >= PROMISE


def test_there_is_enough_of_every_agent_and_its_newest_version() -> None:
    moments: Counter[str] = Counter()
    versions: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for path in PATHS:
        moments[path.parts[-3]] += len(_played(path))
        versions[path.parts[-3]].add(recorded.numbers(path.parts[-2]))
    for agent, least in AGENTS.items():
        assert moments[agent] >= least, f"{agent} has {moments[agent]} labelled moments"
        newest = recorded.newest(agent)
        assert newest is not None
        assert max(versions[agent]) == recorded.numbers(newest), agent
