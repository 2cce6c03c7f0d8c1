"""The real SDKs against a scripted server on this machine: a plan in one round or two, and every way to get none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from orchestrator.planner import prompt
from orchestrator.planner.ask import Task
from orchestrator.planner.calling import LONGEST, Asking, PlanFailed
from sessions.coder.conversation import Call, Conversation, Turn
from sessions.coder.providers import Provider
from sessions.coder.providers.choosing import choose
from tests.modelserver import ModelServer

BOTH = pytest.mark.parametrize("name", ["anthropic", "openai"])
GOOD = {"name": "a", "prompt": "do a", "area": ["src/a.py"], "after": []}
BAD = {**GOOD, "after": ["nobody"]}
HOSTILE = {**GOOD, "name": "x\x1b[2J", "prompt": "\x1b]0;owned\x07 [red]do[/red]"}


def plan(*tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"use": [{"tool": prompt.TOOL, "tasks": list(tasks)}], **more}


def asked(name: str, url: str, *steps: dict[str, Any], patience: float = 20) -> tuple[tuple[Task, ...], Asking]:
    env = {"ANTHROPIC_API_KEY" if name == "anthropic" else "OPENAI_API_KEY": "k"}
    base = url if name == "anthropic" else f"{url}/v1"
    provider = choose(env, base_url=base, model="mock-model", patience_s=patience)
    asking = Asking(patience)
    try:
        return asking.ask(provider, prompt.message(f"[[steps:{json.dumps(steps)}]]", "nothing")), asking
    except PlanFailed as error:
        error.asking = asking  # type: ignore[attr-defined]
        raise


def failed(name: str, url: str, *steps: dict[str, Any], patience: float = 20) -> PlanFailed:
    with pytest.raises(PlanFailed) as error:
        asked(name, url, *steps, patience=patience)
    assert "\n" not in error.value.message
    assert error.value.hint
    return error.value


@BOTH
def test_a_plan_comes_in_one_round_and_is_counted(name: str) -> None:
    with ModelServer() as server:
        tasks, asking = asked(name, server.url, plan(GOOD, {**GOOD, "name": "b", "after": ["a"]}))
        (record,) = server.records()
    assert [(task.name, task.after, task.area) for task in tasks] == [
        ("a", (), ("src/a.py",)),
        ("b", ("a",), ("src/a.py",)),
    ]
    (response,) = asking.responses
    assert response.model_dump()["usage"].items() >= record["usage"].items()
    assert response.model == "mock-model"
    assert response.started_at is not None
    assert response.started_at < response.ended_at


@BOTH
def test_what_is_wrong_is_told_once_and_the_second_answer_counts(name: str) -> None:
    with ModelServer() as server:
        tasks, asking = asked(name, server.url, plan(BAD), plan(GOOD))
        assert [record["step"] for record in server.records()] == [0, 1]
    assert [task.name for task in tasks] == ["a"]
    assert len(asking.responses) == 2


@BOTH
def test_a_second_bad_answer_is_refused_and_counted(name: str) -> None:
    with ModelServer() as server:
        error = failed(name, server.url, plan(BAD), plan({"name": "a"}), plan(GOOD))
        assert len(server.records()) == 2
    assert "made no plan that can be used" in error.message
    assert "tasks.0.prompt: Field required (and 1 more)" in error.message
    assert len(error.asking.responses) == 2  # type: ignore[attr-defined]


@BOTH
def test_json_in_plain_text_is_a_plan_too(name: str) -> None:
    with ModelServer() as server:
        tasks, _ = asked(name, server.url, {"say": "Here: ```json\n" + json.dumps({"tasks": [GOOD]}) + "\n```"})
    assert [task.name for task in tasks] == ["a"]


@BOTH
def test_words_alone_are_no_plan(name: str) -> None:
    with ModelServer() as server:
        error = failed(name, server.url, {"say": "I would rather not."})
    assert "the answer does not call submit_plan" in error.message


@BOTH
@pytest.mark.parametrize(
    ("fail", "said", "hint"),
    [
        ({"status": 401}, "does not take the key", "API_KEY"),
        ({"status": 404}, "does not know it", "--model"),
        ({"status": 400}, "refused the request", "--model"),
        ({"status": 429, "retry_after": 37}, "too many requests", "in 37 s"),
        ({"status": 529}, "did not answer", "try again"),
    ],
)
def test_a_refusal_of_the_server_is_one_line(name: str, fail: dict[str, Any], said: str, hint: str) -> None:
    with ModelServer() as server:
        error = failed(name, server.url, {"fail": fail})
    assert said in error.message
    assert hint in error.hint


@BOTH
def test_a_server_that_is_not_there_is_one_line(name: str) -> None:
    assert "did not answer: the connection to http://127.0.0.1:9" in failed(name, "http://127.0.0.1:9").message


@BOTH
def test_a_silent_server_is_not_waited_for(name: str) -> None:
    with ModelServer() as server:
        error = failed(name, server.url, plan(GOOD, wait=1.5), patience=0.2)
    assert "did not answer" in error.message


@BOTH
def test_hostile_names_are_no_names_and_are_quoted_inert(name: str) -> None:
    with ModelServer() as server:
        error = failed(name, server.url, plan(HOSTILE), plan(HOSTILE))
    assert "\x1b" not in error.message
    assert "cannot be called" in error.message


class Says:
    """A model that says ``pieces``, as the providers pass them on."""

    model = "m"

    def __init__(self, pieces: Iterator[str | Turn]) -> None:
        self.pieces = pieces

    def prepare(self) -> None:
        return

    def answer(
        self,
        conversation: Conversation,
        system: str,
        tools: Mapping[str, Mapping[str, Any]] = {},
        must: str | None = None,
    ) -> Iterator[str | Turn]:
        assert must in tools
        return self.pieces


def endless() -> Iterator[str]:
    while True:
        yield "x" * 1000


def says(*pieces: str | Turn) -> Provider:
    return Says(iter(pieces))


def test_an_endless_answer_is_left() -> None:
    with pytest.raises(PlanFailed, match=f"does not end: more than {LONGEST}"):
        Asking(60).ask(Says(endless()), "x")


def test_an_answer_that_drips_is_left_when_time_is_up() -> None:
    ticks = iter(range(100))
    asking = Asking(10, clock=lambda: float(next(ticks)))
    with pytest.raises(PlanFailed, match="no plan came within 10 s"):
        asking.ask(says(*"drop" * 10), "x")
    assert next(ticks) == 12


def test_the_human_stops_it_between_two_pieces() -> None:
    stop = threading.Event()

    def pieces() -> Iterator[str]:
        yield "a"
        stop.set()
        yield "b"
        raise AssertionError("it read on")

    with pytest.raises(PlanFailed, match="planning was stopped; nothing was made"):
        Asking(60, stop).ask(Says(pieces()), "x")


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (Turn("1", "m", "No\x1b[2J way", refused=True), "the model declined: No"),
        (Turn("1", "m", "", refused=True), "the model declined without a word"),
        (Turn("1", "m", "", (Call("c", prompt.TOOL, {"tasks": [GOOD]}),), cut=True), "reached its length limit"),
    ],
)
def test_a_model_that_declines_or_is_cut_is_not_asked_again(turn: Turn, said: str) -> None:
    asking = Asking(60)
    with pytest.raises(PlanFailed) as error:
        asking.ask(says(turn), "x")
    assert said in error.value.message
    assert "\x1b" not in error.value.message
    assert len(asking.responses) == 1


def test_an_answer_that_just_ends_is_told() -> None:
    with pytest.raises(PlanFailed, match="ended before it was whole"):
        Asking(60).ask(says("a"), "x")


@pytest.mark.parametrize(
    "given",
    [
        {"tasks": "a"},
        {"tasks": [{**GOOD, "area": []}]},
        {"tasks": [{**GOOD, "prompt": "x" * 60_000}]},
        {"tasks": [GOOD] * 201},
        {"tasks": [{**GOOD, "name": None}]},
        {},
    ],
)
def test_an_answer_of_another_shape_is_told_by_its_place(given: dict[str, Any]) -> None:
    tasks, problems = prompt.answered(Turn("1", "m", "", (Call("c", prompt.TOOL, given),)))
    assert tasks == ()
    assert problems[0].startswith("tasks")
