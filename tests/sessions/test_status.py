"""Every rule of the decision, as a table of evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.models import Evidence, Kind, Option, Question, QuestionId, Source, State, Status
from sessions.status import LOAN, SECOND_LOOK, START, decide, explain

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def claim(
    source: Source,
    state: State | None,
    *,
    ago: float = 1.0,
    channel: str | None = None,
    kind: Kind | None = None,
    **more,
) -> Evidence:
    at = NOW - timedelta(seconds=ago)
    return Evidence(source=source, channel=channel or source.name, state=state, kind=kind, at=at, **more)


def was(state: State, *, ago: float = 60.0) -> Status:
    return Status(state=state, since=NOW - timedelta(seconds=ago))


def asked(name: str, *labels: str, kind: Kind = Kind.PERMISSION) -> Question:
    options = tuple(Option(key=str(n), label=label) for n, label in enumerate(labels, 1))
    return Question(id=QuestionId(name), kind=kind, title=name, text=name, options=options, asked_at=NOW)


@pytest.mark.parametrize(
    ("evidence", "before", "state"),
    [
        ([], None, State.STARTING),
        ([], was(State.STARTING, ago=29), State.STARTING),
        ([], was(State.STARTING, ago=31), State.UNKNOWN),
        ([], was(State.WORKING), State.UNKNOWN),
        ([claim(Source.SCREEN, None)], was(State.IDLE), State.UNKNOWN),
        # the stronger source wins, however old
        ([claim(Source.AGENT, State.WORKING, ago=100), claim(Source.SCREEN, State.IDLE)], None, State.WORKING),
        ([claim(Source.HOOK, State.WORKING), claim(Source.ACTIVITY, State.IDLE)], None, State.WORKING),
        # of one source the newer
        (
            [
                claim(Source.HOOK, State.WORKING, ago=5, channel="a"),
                claim(Source.HOOK, State.IDLE, ago=2, channel="b"),
            ],
            None,
            State.IDLE,
        ),
        # the end of the process wins over all
        (
            [claim(Source.AGENT, State.WORKING), claim(Source.ACTIVITY, State.CRASHED, channel="exit")],
            was(State.WORKING),
            State.CRASHED,
        ),
        # … and so do its processes that somebody stopped
        (
            [claim(Source.AGENT, State.WORKING), claim(Source.ACTIVITY, State.PAUSED, channel="held")],
            was(State.WORKING),
            State.PAUSED,
        ),
        (
            [
                claim(Source.ACTIVITY, State.PAUSED, channel="held"),
                claim(Source.ACTIVITY, State.CRASHED, channel="exit"),
            ],
            was(State.PAUSED),
            State.CRASHED,
        ),
        # a weaker source that knows more refines
        ([claim(Source.AGENT, State.WORKING), claim(Source.SCREEN, State.RETRYING)], None, State.RETRYING),
        ([claim(Source.AGENT, State.WORKING), claim(Source.HOOK, State.BACKGROUND)], None, State.BACKGROUND),
        ([claim(Source.AGENT, State.IDLE, ago=2), claim(Source.HOOK, State.FAILED, ago=1)], None, State.FAILED),
        # … but an old failure does not explain a new rest
        ([claim(Source.AGENT, State.IDLE, ago=1), claim(Source.HOOK, State.FAILED, ago=9)], None, State.IDLE),
        # a visible dialog overrides rest at once
        (
            [claim(Source.AGENT, State.IDLE), claim(Source.SCREEN, State.BLOCKED, ago=0, kind=Kind.DIALOG)],
            was(State.IDLE),
            State.BLOCKED,
        ),
        # … and work only after the loan
        (
            [claim(Source.AGENT, State.WORKING, ago=9), claim(Source.SCREEN, State.BLOCKED, ago=1, kind=Kind.DIALOG)],
            was(State.WORKING),
            State.WORKING,
        ),
        (
            [claim(Source.AGENT, State.WORKING, ago=9), claim(Source.SCREEN, State.BLOCKED, ago=2, kind=Kind.DIALOG)],
            was(State.WORKING),
            State.BLOCKED,
        ),
        # leaving work on weak evidence waits for a second look
        ([claim(Source.SCREEN, State.IDLE, ago=0.3)], was(State.WORKING), State.WORKING),
        ([claim(Source.SCREEN, State.IDLE, ago=0.7)], was(State.WORKING), State.DONE),
        # on strong evidence it does not
        ([claim(Source.AGENT, State.DONE, ago=0.0)], was(State.WORKING), State.DONE),
        # rest that is older than another channel's news of work waits too
        (
            [claim(Source.AGENT, State.IDLE, ago=5), claim(Source.HOOK, State.WORKING, ago=0.1)],
            was(State.STARTING, ago=2),
            State.STARTING,
        ),
        # a turn that ended is done, also when the agent's own state only says that it rests
        (
            [claim(Source.AGENT, State.IDLE, ago=1), claim(Source.HOOK, State.DONE, ago=1.1)],
            was(State.WORKING),
            State.DONE,
        ),
        # … one that was interrupted or refused is not
        ([claim(Source.AGENT, State.IDLE)], was(State.WORKING), State.IDLE),
        (
            [claim(Source.AGENT, State.IDLE, ago=1), claim(Source.HOOK, State.BLOCKED, ago=5, kind=Kind.PERMISSION)],
            was(State.BLOCKED),
            State.IDLE,
        ),
        # … nor by the end of the turn before it
        (
            [claim(Source.AGENT, State.IDLE, ago=1), claim(Source.HOOK, State.DONE, ago=30)],
            was(State.WORKING),
            State.IDLE,
        ),
        (
            [
                claim(Source.AGENT, State.IDLE, ago=1),
                claim(Source.HOOK, State.WORKING, ago=2),
                claim(Source.TRANSCRIPT, State.DONE, ago=3),
            ],
            was(State.WORKING),
            State.IDLE,
        ),
        # … and where only the screen tells, rest after work is done
        ([claim(Source.SCREEN, State.IDLE, ago=2)], was(State.BLOCKED), State.DONE),
        # rest that goes on stays what it was
        ([claim(Source.AGENT, State.IDLE)], was(State.IDLE), State.IDLE),
        ([claim(Source.AGENT, State.IDLE)], was(State.DONE), State.DONE),
        ([claim(Source.AGENT, State.IDLE)], None, State.IDLE),
    ],
)
def test_decisions(evidence: list[Evidence], before: Status | None, state: State) -> None:
    assert decide(evidence, NOW, before).status.state is state


def test_a_second_look_is_asked_for_when_time_alone_will_change_the_answer() -> None:
    assert decide([], NOW, None).look_again == START
    dialog = claim(Source.SCREEN, State.BLOCKED, ago=0.5, kind=Kind.DIALOG)
    waiting = decide([claim(Source.AGENT, State.WORKING, ago=9), dialog], NOW, was(State.WORKING))
    assert waiting.look_again == LOAN - timedelta(seconds=0.5)
    weak = decide([claim(Source.SCREEN, State.IDLE, ago=0.1)], NOW, was(State.WORKING))
    assert weak.look_again == SECOND_LOOK - timedelta(seconds=0.1)
    assert decide([claim(Source.AGENT, State.WORKING)], NOW, None).look_again is None


def test_the_strongest_source_says_what_is_asked_and_the_screen_which_keys() -> None:
    content, dialog = asked("hook"), asked("screen", "Yes", "No")
    verdict = decide(
        [
            claim(Source.AGENT, State.BLOCKED, kind=Kind.PERMISSION),
            claim(Source.HOOK, State.BLOCKED, kind=Kind.PERMISSION, question=content),
            claim(Source.SCREEN, State.BLOCKED, kind=Kind.PERMISSION, question=dialog),
        ],
        NOW,
        was(State.WORKING),
    )
    question = verdict.status.question
    assert question is not None
    assert question.id == "hook"
    assert [option.label for option in question.options] == ["Yes", "No"]


def test_the_options_of_a_dialog_of_another_kind_are_not_the_questions() -> None:
    """The screen still shows what was asked before; its options would answer something else."""
    hook = claim(Source.HOOK, State.BLOCKED, kind=Kind.PERMISSION, question=asked("run rm?"))
    before = asked("which colour?", "Red", "Blue", kind=Kind.QUESTION)
    screen = claim(Source.SCREEN, State.BLOCKED, kind=Kind.QUESTION, question=before)
    question = decide([hook, screen], NOW, was(State.BLOCKED)).status.question
    assert question is not None
    assert (question.title, question.options) == ("run rm?", ())


def test_a_dialog_about_the_program_is_never_an_older_request() -> None:
    verdict = decide(
        [
            claim(Source.AGENT, State.BLOCKED, kind=Kind.DIALOG),
            claim(Source.HOOK, State.BLOCKED, kind=Kind.PERMISSION, question=asked("old")),
        ],
        NOW,
        None,
    )
    assert (verdict.status.kind, verdict.status.question) == (Kind.DIALOG, None)


def test_since_stays_while_nothing_changes() -> None:
    before = decide([claim(Source.AGENT, State.WORKING)], NOW - timedelta(seconds=9), None).status
    after = decide([claim(Source.AGENT, State.WORKING)], NOW, before).status
    assert after.since == before.since


def test_why_names_the_winner_first_and_what_it_outweighed() -> None:
    evidence = [claim(Source.SCREEN, State.IDLE, saw="a prompt"), claim(Source.AGENT, State.WORKING, saw="busy")]
    lines = explain(decide(evidence, NOW, None).status, NOW)
    assert lines[0].startswith("working for")
    assert lines[1].startswith("because agent")
    assert "busy" in lines[1]
    assert "over screen" in lines[2]


_CLAIMS = st.builds(
    claim,
    st.sampled_from(Source),
    st.sampled_from([*State, None]),
    ago=st.floats(0, 100),
    channel=st.sampled_from(["a", "b", "c", "exit"]),
    kind=st.sampled_from([*Kind, None]),
)


@given(st.lists(_CLAIMS, max_size=6), st.sampled_from([None, *State]))
def test_any_evidence_gives_a_verdict_in_which_only_blocked_has_a_kind(
    claims: list[Evidence], before: State | None
) -> None:
    earlier = was(before) if before else None
    status = decide(claims, NOW, earlier).status
    if status is not earlier:
        assert (status.kind is not None) == (status.state is State.BLOCKED)
    assert decide(list(reversed(claims)), NOW, earlier).status.state is status.state or _tie(claims)


def _tie(claims: list[Evidence]) -> bool:
    """Two claims of one source and one moment: their order may decide."""
    seen = [(item.source, item.at) for item in claims if item.state]
    return len(set(seen)) < len(seen) or any(item.channel == "exit" for item in claims)
