"""What programs read of a session: the documented fields, and nothing that contradicts the state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from orchestrator.events import Changed, Created, Envelope, Event, Paused
from orchestrator.fleet import Fleet, apply
from orchestrator.listing import listing
from sessions.events import Active, Counted, StatusChanged
from sessions.models import (
    Evidence,
    Kind,
    Option,
    Question,
    QuestionId,
    Response,
    SessionId,
    Source,
    State,
    Status,
    Usage,
)
from worktrees.models import Drift, Totals

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ASKED = Question(
    id=QuestionId("q1"),
    kind=Kind.PERMISSION,
    title="Run: make",
    text="make all",
    options=(Option(key="1", label="Yes"), Option(key="2", label="No")),
    command="make all",
    asked_at=NOW,
)
SEEN = Evidence(
    source=Source.HOOK, channel="hook", state=State.BLOCKED, kind=Kind.PERMISSION, at=NOW, saw="asks to run make"
)


def _fleet(*events: Event) -> Fleet:
    created = Created(
        name="a",
        agent="claude",
        prompt="p",
        repository="/r",
        branch="agent/a",
        base="HEAD",
        base_commit="0" * 40,
        target="main",
        worktree="/w/a",
    )
    fleet = Fleet()
    for seq, event in enumerate((created, *events), 1):
        fleet = apply(fleet, Envelope(seq=seq, at=NOW, session=SessionId("s1"), event=event))
    return fleet


def _blocked() -> StatusChanged:
    return StatusChanged(
        status=Status(state=State.BLOCKED, kind=Kind.PERMISSION, since=NOW, question=ASKED, why=(SEEN,))
    )


def test_the_documented_fields_are_there_and_are_plain_json() -> None:
    response = Response(id="r", usage=Usage(output=600), started_at=NOW, ended_at=NOW + timedelta(seconds=30))
    (found,) = listing(
        _fleet(
            _blocked(),
            Counted(total=Usage(input=1, output=600, cache_read=3, cache_write=4), response=response, cost_usd=0.5),
            Changed(
                totals=Totals(files=2, added=5, removed=1, uncommitted=1),
                drift=Drift(ahead=1, behind=2, merge_base="0" * 40),
                head="1" * 40,
                conflicts=("x.py",),
            ),
        ),
        NOW + timedelta(seconds=60),
    )
    assert json.loads(json.dumps(found)) == found
    documented = {
        "name": "a",
        "agent": "claude",
        "repo": "/r",
        "branch": "agent/a",
        "worktree": "/w/a",
        "state": "blocked",
        "kind": "permission",
        "since": NOW.isoformat(),
        "why": "hook hook: asks to run make",
        "tokens": {"input": 1, "output": 600, "cache_read": 3, "cache_write": 4},
        "tokens_per_second": 10.0,
        "cost_usd": 0.5,
        "idle_s": 60.0,
        "diff": {"files": 2, "added": 5, "removed": 1},
        "behind": 2,
        "conflicts": ["x.py"],
    }
    assert {key: found[key] for key in documented} == documented
    question = found["question"]
    assert (question["id"], question["text"], question["command"]) == ("q1", "make all", "make all")
    assert [(option["key"], option["label"]) for option in question["options"]] == [("1", "Yes"), ("2", "No")]


def test_a_new_session_has_no_question_no_cost_and_no_rate() -> None:
    (found,) = listing(_fleet(), NOW)
    assert (found["state"], found["kind"], found["question"], found["cost_usd"]) == ("starting", None, None, None)
    assert (found["tokens_per_second"], found["why"], found["idle_s"]) == (0, "", 0)


def test_a_held_session_asks_nothing() -> None:
    (found,) = listing(_fleet(_blocked(), Paused(paused=True)), NOW)
    assert (found["state"], found["kind"], found["question"]) == ("paused", None, None)


def test_a_session_that_prints_is_not_idle() -> None:
    (found,) = listing(_fleet(Active(active=True)), NOW + timedelta(hours=1))
    assert found["idle_s"] == 0
