"""Who needs a human, and in which order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.attention import Rank, grouped, longest_idle, ordered, rank, waiting
from orchestrator.fleet import Row
from orchestrator.tui.reasons import why_not
from sessions.models import ENDED, Kind, Option, QuestionId, SessionId, State, Status
from sessions.risk import Risk
from tests.orchestrator.sample import NOW, REMOVE
from worktrees.models import Drift, Landing, Method, Totals

WORK = Totals(files=2, added=5, removed=1)


def row(state: State = State.IDLE, ago_s: float = 60, name: str = "one", **more: Any) -> Row:
    fields: dict[str, Any] = {
        "id": SessionId(name),
        "name": name,
        "agent": "claude",
        "prompt": "",
        "repository": "/r",
        "branch": "b",
        "base": "main",
        "base_commit": "0" * 40,
        "target": "main",
        "worktree": "/w",
        "pane": "%1",
        "created_at": NOW,
        "status": Status(state=state, since=NOW - timedelta(seconds=ago_s)),
        "active_at": NOW - timedelta(seconds=ago_s),
    }
    return Row(**{**fields, **more})


def landed_at(when: datetime) -> Landing:
    return Landing(branch="b", target="main", method=Method.SQUASH, before="0" * 40, after="1" * 40, at=when)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (row(State.BLOCKED), Rank.ASKS),
        (row(State.BLOCKED, paused=True), Rank.HELD),
        (row(State.BLOCKED, totals=WORK, conflicts=("a",)), Rank.ASKS),
        (row(State.WORKING, paused=True), Rank.HELD),
        (row(State.DONE, merging="check", totals=WORK), Rank.MERGES),
        (row(State.FAILED), Rank.FAILED),
        (row(State.CRASHED), Rank.FAILED),
        (row(State.LOST, totals=WORK), Rank.FAILED),
        (row(State.STARTING, launch_failure="no such agent"), Rank.FAILED),
        (row(State.STARTING), Rank.WORKS),
        (row(State.WORKING, conflicts=("a",)), Rank.WORKS),
        (row(State.BACKGROUND), Rank.WORKS),
        (row(State.RATE_LIMITED), Rank.WORKS),
        (row(State.DONE), Rank.RESTS),
        (row(State.DONE, totals=WORK), Rank.READY),
        (row(State.EXITED, totals=WORK), Rank.READY),
        (row(State.DONE, totals=WORK, conflicts=("a",)), Rank.CONFLICT),
        (row(State.DONE, totals=WORK, merge_failure="checks failed"), Rank.CONFLICT),
        (row(State.DONE, landing=landed_at(NOW)), Rank.LANDED),
        (row(State.DONE, landing=landed_at(NOW - timedelta(seconds=61)), totals=WORK), Rank.READY),
        (row(State.UNKNOWN), Rank.RESTS),
        (row(State.DONE, asks=True, totals=WORK), Rank.WONDERS),
        (row(State.IDLE, asks=True), Rank.WONDERS),
        (row(State.WORKING, asks=True), Rank.WORKS),
        (row(State.DONE, asks=True, landing=landed_at(NOW)), Rank.LANDED),
        (row(State.DONE, asks=True, totals=WORK, conflicts=("a",)), Rank.CONFLICT),
    ],
)
def test_rank(seen: Row, expected: Rank) -> None:
    assert rank(seen) is expected


def test_the_longest_waiting_comes_first_and_a_name_decides_between_equals() -> None:
    rows = [
        row(State.WORKING, 900, "runs"),
        row(State.BLOCKED, 10, "late"),
        row(State.BLOCKED, 90, "early"),
        row(State.BLOCKED, 90, "also"),
        row(State.FAILED, 5, "fails"),
    ]
    assert [seen.name for seen in ordered(rows)] == ["also", "early", "late", "fails", "runs"]
    assert [seen.name for seen in waiting(rows)] == ["also", "early", "late"]


def asking(name: str, ago_s: float = 60, **more: Any) -> Row:
    asked = REMOVE.model_copy(update={"id": QuestionId(f"q-{name}"), **more})
    status = Status(state=State.BLOCKED, kind=asked.kind, question=asked, since=NOW - timedelta(seconds=ago_s))
    return row(name=name, status=status)


@pytest.mark.parametrize(
    ("change", "together"),
    [
        ({}, True),
        ({"text": "Another reason for the same command."}, True),
        ({"asked_at": NOW - timedelta(hours=1)}, True),
        ({"command": "rm -rf dist/"}, False),
        ({"kind": Kind.QUESTION}, False),
        ({"options": REMOVE.options[:2]}, False),
        ({"options": tuple(reversed(REMOVE.options))}, False),
        ({"multiple": True}, False),
        ({"free_text": False}, False),
        ({"risk": Risk.UNKNOWN}, False),
        ({"command": None}, False),
    ],
)
def test_who_asks_the_very_same_is_together(change: dict[str, Any], together: bool) -> None:
    rows = [asking("late", 10), asking("early", 90, **change), asking("other", 50, command="make")]
    names = [[seen.name for seen in group] for group in grouped(rows)]
    assert names == ([["early", "late"], ["other"]] if together else [["early"], ["other"], ["late"]])


def test_without_a_command_title_text_and_path_decide() -> None:
    plain = {"command": None, "path": "/w/a"}
    for change in ({"title": "Another"}, {"text": "another"}, {"path": "/w/b"}):
        assert len(grouped([asking("one", **plain), asking("two", **plain)])) == 1
        assert len(grouped([asking("one", **plain), asking("two", **{**plain, **change})])) == 2


def test_each_sessions_own_worktree_is_the_same_place() -> None:
    def there(name: str, path: str) -> Row:
        always = Option(key="2", label=f"Yes, and always allow access to {path}/build")
        asked = {"command": f"rm -rf {path}/build", "options": (REMOVE.options[0], always)}
        return asking(name, **asked).model_copy(update={"worktree": f"/w/{name}"})

    assert len(grouped([there("a", "/w/a"), there("b", "/w/b")])) == 1
    for path in ("/w/a", "/w/b-2", "/w/b.c", "/w"):
        assert len(grouped([there("a", "/w/a"), there("b", path)])) == 2


def test_dialogs_that_cannot_be_read_are_never_together() -> None:
    assert [len(group) for group in grouped([row(State.BLOCKED, name="one"), row(State.BLOCKED, name="two")])] == [1, 1]


def test_the_longest_idle_is_one_that_a_human_could_use() -> None:
    rows = [
        row(State.IDLE, 100, "idle"),
        row(State.DONE, 200, "done", totals=WORK),
        row(State.EXITED, 900, "ended"),
        row(State.IDLE, 900, "held", paused=True),
        row(State.WORKING, 900, "works"),
        row(State.IDLE, 900, "landed", landing=landed_at(NOW)),
    ]
    found = longest_idle(rows, NOW)
    assert found is not None
    assert found.name == "done"
    assert longest_idle(rows[2:], NOW) is None


ROWS = st.builds(
    lambda state, ago, held, work, clash: row(
        state, ago, f"{state}{ago}", paused=held, totals=WORK if work else Totals(), conflicts=("a",) if clash else ()
    ),
    st.sampled_from(State),
    st.integers(0, 10_000),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(ROWS, max_size=12))
def test_nothing_stands_above_a_question_and_nobody_is_left_out(rows: list[Row]) -> None:
    order = ordered(rows)
    assert sorted(map(id, order)) == sorted(map(id, rows))
    asking = [seen.state is State.BLOCKED for seen in order]
    assert asking == sorted(asking, reverse=True)
    assert [seen for group in grouped(rows) for seen in group] == waiting(rows)
    assert [seen.status.since for seen in waiting(rows)] == sorted(seen.status.since for seen in waiting(rows))


@pytest.mark.parametrize(
    ("action", "seen", "message"),
    [
        ("send", None, "No session is selected"),
        ("open", None, "No session is selected"),
        ("new", None, None),
        ("send", row(State.IDLE), None),
        ("send", row(State.WORKING), None),
        ("send", row(State.BLOCKED), "one waits for an answer"),
        ("send", row(State.WORKING, paused=True), "one is held"),
        ("send", row(State.CRASHED), "The program of one has ended"),
        ("pause", row(State.LOST), "The program of one has ended"),
        ("pause", row(State.WORKING, paused=True), None),
        ("interrupt", row(State.WORKING), None),
        ("interrupt", row(State.BLOCKED), None),
        ("interrupt", row(State.IDLE), "one does nothing that could be interrupted"),
        ("attach", row(State.IDLE), None),
        ("attach", row(State.STARTING, pane=None), "one has no pane"),
        ("attach", row(State.LOST), "one has no pane"),
        ("merge", row(State.DONE), None),
        ("merge", row(merging="check: pytest"), "one is being merged"),
        ("merge", row(drift=Drift(ahead=0, behind=3, merge_base="0" * 40)), "one has nothing to merge"),
        ("merge", row(drift=Drift(ahead=0, behind=0, merge_base="0" * 40), totals=WORK), None),
        ("update", row(drift=Drift(ahead=1, behind=0, merge_base="0" * 40)), "one has every commit of main"),
        ("update", row(drift=Drift(ahead=1, behind=2, merge_base="0" * 40)), None),
        ("resume", row(State.IDLE), "one runs"),
        ("resume", row(State.EXITED), None),
        ("resume", row(State.STARTING, launch_failure="not installed"), None),
        ("drop", row(State.LOST), None),
        ("diff", row(State.LOST), None),
        ("edit", None, "No session is selected"),
        ("edit", row(State.LOST), None),
        ("copy", None, "No session is selected"),
        ("copy", row(State.LOST), None),
    ],
)
def test_why_a_key_cannot_act(action: str, seen: Row | None, message: str | None) -> None:
    reason = why_not(action, seen, lost=False)
    assert (reason.message if reason else None) == message
    assert reason is None or reason.hint


@pytest.mark.parametrize("state", sorted(State))
def test_every_state_leaves_a_way_on(state: State) -> None:
    seen = row(state)
    open_ways = {key for key in ("send", "attach", "resume", "interrupt", "drop") if not why_not(key, seen, lost=False)}
    assert "drop" in open_ways
    assert ("resume" in open_ways) is (state in ENDED)


def test_looking_is_allowed_while_the_daemon_is_away_and_writing_is_not() -> None:
    seen = row(State.WORKING)
    for action in ("open", "edit", "copy"):
        assert why_not(action, seen, lost=True) is None
    for action in ("send", "interrupt", "drop", "merge", "new"):
        reason = why_not(action, seen, lost=True)
        assert reason is not None
        assert reason.message == "The daemon cannot be reached"
