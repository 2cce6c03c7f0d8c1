"""When to tell and in which words: one text for several, nothing twice, nothing of an agent that acts."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.fleet import Fleet, Row
from orchestrator.notify.breakpoints import MOST_WORDS, breakpoint_of, fresh, marks, told
from orchestrator.notify.settings import NotifySettings
from orchestrator.notify.terminal import BELL, able, sequence, through_tmux
from sessions.models import State
from tests.orchestrator.sample import NOW
from tests.orchestrator.test_attention import WORK, asking, row
from worktrees.inert import is_inert

ALL = ("asks", "failed", "done", "rest")


def fleet(*rows: Row, **more: Any) -> Fleet:
    return Fleet(rows={seen.id: seen for seen in rows}, **more)


def said(*rows: Row, on: tuple[str, ...] = ALL) -> tuple[str, str]:
    found = fleet(*rows)
    rung = told(found, marks(found), on, NOW)
    return rung.title, rung.body


def test_who_asks_failed_or_is_done_is_at_a_breakpoint_and_who_works_is_not() -> None:
    assert breakpoint_of(asking("one", 5)).startswith("asks/")
    assert breakpoint_of(row(State.FAILED)).startswith("failed/")
    assert breakpoint_of(row(State.DONE)).startswith("done/")
    assert breakpoint_of(row(State.EXITED, totals=WORK)).startswith("over/")
    for quiet in (row(State.WORKING), row(State.BACKGROUND), row(State.IDLE, totals=WORK), row(State.RATE_LIMITED)):
        assert breakpoint_of(quiet) == ""
    assert breakpoint_of(row(State.EXITED, totals=WORK, stopped="you")) == ""  # they know
    assert breakpoint_of(asking("held", 5).model_copy(update={"paused": True})) == ""


def test_another_question_is_news_and_the_same_one_is_not() -> None:
    before = {"a": "asks/1", "b": "done/1", "c": "over/1"}
    now = {"a": "asks/2", "b": "over/2", "c": "over/1", "d": "failed/1"}
    assert fresh(before, now) == {"a": "asks/2", "d": "failed/1"}  # type: ignore[arg-type, comparison-overlap]
    assert fresh(now, now) == {}  # type: ignore[arg-type]


def test_one_is_told_with_its_words_and_several_by_name_in_the_order_of_attention() -> None:
    works = row(State.WORKING, name="works")
    one = asking("login", 5)
    title, body = said(one, works)
    assert title == "login asks"
    assert body.startswith("permission: ")
    failed, done = row(State.FAILED, name="broken"), row(State.DONE, name="docs", totals=WORK)
    title, body = said(one, failed, done, works)
    assert title == "1 agent asks"
    assert body == "login asks, broken failed, docs is done"
    many = [row(State.DONE, name=f"n{n}", totals=WORK) for n in range(7)]
    assert said(works, *many)[1].endswith(" and 3 more")


def test_that_nobody_works_any_more_is_told_once_it_is_so() -> None:
    done, other = row(State.DONE, name="docs", totals=WORK), row(State.IDLE, name="old")
    assert said(done, other)[0] == "docs is done, all agents are at rest"
    assert said(done, row(State.WORKING, name="works"))[0] == "docs is done"
    assert said(done)[0] == "docs is done"  # of one session it says nothing more
    assert said(done, other, on=("rest",))[0] == "docs is done, all agents are at rest"
    assert said(done, row(State.WORKING, name="works"), on=("asks", "rest")) == ("", "")


@given(st.text(max_size=400), st.sampled_from(["osc9", "osc777"]))
def test_no_word_of_an_agent_ends_a_sequence_or_is_a_tag(words: str, how: Any) -> None:
    asked = asking("one", 5, title=words, command=None, text=words)
    title, body = said(asked)
    assert is_inert(title + body)
    assert not {"<", ">"} & set(body)
    assert len(body) <= MOST_WORDS
    told_by = sequence(how, title, body)
    assert told_by.startswith("\x1b]")
    assert told_by.endswith("\x1b\\")
    assert is_inert(told_by[2:-2])
    assert told_by.count(";") == (3 if how == "osc777" else told_by.count(";"))
    assert through_tmux(told_by).count("\x1b") == 6


def test_a_terminal_gets_what_it_is_known_for_and_every_other_one_the_bell() -> None:
    assert able({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}) == "osc9"
    assert able({"TERM": "xterm-kitty"}) == "osc9"
    assert able({"TERM_PROGRAM": "ghostty"}) == "osc777"
    assert able({"TERM": "foot"}) == "osc777"
    assert able({"TERM": "xterm-256color"}) == "bell"
    assert able({"TERM_PROGRAM": "vscode"}) == "bell"
    assert able({}, "xterm-256color WezTerm 20240203") == "osc777"
    assert able({"TERM_PROGRAM": "WezTerm", "STY": "1.x"}) == "bell"
    assert sequence("bell", "t", "b") == BELL == through_tmux(BELL)
    assert sequence("off", "t", "b") == ""
    assert sequence("osc777", "a;b", "c;d") == "\x1b]777;notify;orchestrator: a,b;c,d\x1b\\"


def test_quiet_hours_go_over_midnight() -> None:
    night, noon = NotifySettings(quiet="22:00-07:00"), NotifySettings(quiet="12:00-13:30")
    assert [night.is_quiet(time(hour)) for hour in (21, 22, 0, 6, 7)] == [False, True, True, True, False]
    assert [noon.is_quiet(time(12, minute)) for minute in (0, 59)] == [True, True]
    assert not noon.is_quiet(time(13, 30))
    assert not NotifySettings().is_quiet(time(3))


@pytest.mark.parametrize("wrong", [{"quiet": "late"}, {"quiet": "25:00-07:00"}, {"command": ""}, {"command": "a 'b"}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NotifySettings.model_validate(wrong)
