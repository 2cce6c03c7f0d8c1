"""opencode: what is answered to it, and how it is launched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Place, Post, Screen
from sessions.agents.opencode import Opencode
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Kind, Question, Spec
from tests.sessions import opencode_records as oc
from tests.sessions.opencode_records import COLOURS, NOW, PERMISSION, QUESTION, ROOT


def _open(request: dict[str, Any]) -> Question:
    kind = "question.asked" if "questions" in request else "permission.asked"
    question = oc.last(oc.live().read(oc.events((kind, request)))).question
    assert question is not None
    return question


SCREEN = Screen((), "", NOW)


@pytest.mark.parametrize(
    ("choice", "words", "body"),
    [
        ("y", "", {"reply": "once"}),
        ("1", "", {"reply": "once"}),
        ("a", "", {"reply": "always"}),
        ("2", "", {"reply": "always"}),
        ("n", "", {"reply": "reject"}),
        ("3", "use printf", {"reply": "reject", "message": "use printf"}),
        ("", "use printf", {"reply": "reject", "message": "use printf"}),
    ],
)
def test_a_permission_is_answered_by_a_request(choice: str, words: str, body: dict[str, Any]) -> None:
    steps = Opencode().answer(_open(PERMISSION), choice, words, SCREEN)
    assert steps == (Post("opencode-server.json", f"/permission/{PERMISSION['id']}/reply", body),)


@pytest.mark.parametrize(
    ("questions", "choice", "words", "answers"),
    [
        ([COLOURS], "2", "", [["Blue"]]),
        ([COLOURS], "blue", "", [["Blue"]]),
        ([COLOURS], "", "Green", [["Green"]]),
        ([{**COLOURS, "multiple": True}], "1,2", "", [["Red", "Blue"]]),
        ([{**COLOURS, "multiple": True}], "2", "and Green", [["Blue", "and Green"]]),
        ([COLOURS, COLOURS], "1.2,2.1", "", [["Blue"], ["Red"]]),
    ],
)
def test_a_question_is_answered_by_a_request(questions: Any, choice: str, words: str, answers: Any) -> None:
    (step,) = Opencode().answer(_open({**QUESTION, "questions": questions}), choice, words, SCREEN)
    assert step == Post("opencode-server.json", f"/question/{QUESTION['id']}/reply", {"answers": answers})


@pytest.mark.parametrize(
    ("request_", "choice", "words"),
    [
        (PERMISSION, "4", ""),
        (PERMISSION, "", ""),
        (QUESTION, "3", ""),
        (QUESTION, "1,2", ""),
        (QUESTION, "", ""),
        ({**QUESTION, "questions": [{**COLOURS, "custom": False}]}, "", "Green"),
        ({**QUESTION, "questions": [COLOURS, COLOURS]}, "1.1", ""),
    ],
)
def test_a_choice_that_is_none_is_refused(request_: dict[str, Any], choice: str, words: str) -> None:
    with pytest.raises(NotAnOption):
        Opencode().answer(_open(request_), choice, words, SCREEN)


def test_what_only_the_screen_shows_is_not_answered_by_guessed_keys() -> None:
    shown = _open(PERMISSION).model_copy(update={"id": "s0123456789a"})
    with pytest.raises(QuestionGone):
        Opencode().answer(shown, "y", "", SCREEN)


def test_leaving_the_plan_agent_is_a_plan() -> None:
    words = "Plan at .opencode/plans/1.md is complete. Would you like to switch to the build agent?"
    options = [{"label": "Yes", "description": "Switch"}, {"label": "No", "description": "Stay"}]
    asked = _open({**QUESTION, "questions": [{"question": words, "options": options, "custom": False}]})
    assert (asked.kind, asked.free_text) == (Kind.PLAN, False)
    (step,) = Opencode().answer(asked, "y", "", SCREEN)
    assert isinstance(step, Post)
    assert step.body == {"answers": [["Yes"]]}


def _launch(tmp_path: Path, env: dict[str, str] | None = None, **spec: Any) -> Any:
    program = tmp_path / "opencode"
    program.touch(mode=0o755)
    place = Place(folder=tmp_path, worktree=tmp_path, env={"PATH": str(tmp_path), **(env or {})})
    return Opencode().launch(Spec(agent="opencode", name="o", **spec), place)


def test_the_password_is_in_the_environment_and_the_private_file_alone(tmp_path: Path) -> None:
    launch = _launch(tmp_path, prompt="/do it")
    server = json.loads(launch.files["opencode-server.json"])
    assert launch.env["OPENCODE_SERVER_PASSWORD"] == server["password"] != ""
    assert not any(server["password"] in word for word in launch.argv)
    assert server["url"] == f"http://127.0.0.1:{launch.argv[launch.argv.index('--port') + 1]}"
    assert launch.argv[-1] == "--prompt= /do it"
    assert "OPENCODE_CONFIG_CONTENT" not in launch.env
    assert _launch(tmp_path).env["OPENCODE_SERVER_PASSWORD"] != server["password"]


def test_the_users_own_settings_hold_below_what_is_added(tmp_path: Path) -> None:
    own = {"username": "me", "permission": {"edit": "deny", "task": "ask"}, "provider": {"mine": {"name": "Mine"}}}
    launch = _launch(
        tmp_path,
        {"OPENCODE_CONFIG_CONTENT": json.dumps(own)},
        model="mine/large",
        base_url="http://h/v1",
        permission_mode="ask",
    )
    assert json.loads(launch.env["OPENCODE_CONFIG_CONTENT"]) == {
        "username": "me",
        "permission": {"edit": "ask", "task": "ask", "bash": "ask", "webfetch": "ask"},
        "provider": {"mine": {"name": "Mine", "options": {"baseURL": "http://h/v1"}, "models": {"large": {}}}},
    }
    assert launch.argv[-2:] == ("--model", "mine/large")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"permission_mode": "plan"}, ("--agent", "plan")),
        ({"permission_mode": "auto"}, ("--auto",)),
        ({"resume": True, "agent_session_id": ROOT}, ("--session", ROOT)),
        ({"model": "m", "base_url": "http://h/v1"}, ("--model", "orchestrator/m")),
        ({"args": ("--pure",)}, ("--pure",)),
    ],
)
def test_what_is_wanted_is_on_the_command_line(tmp_path: Path, spec: dict[str, Any], words: tuple[str, ...]) -> None:
    assert _launch(tmp_path, **spec).argv[-len(words) :] == words


def test_what_cannot_be_launched_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="needs a model"):
        _launch(tmp_path, base_url="http://h/v1")
    with pytest.raises(SessionError, match="no plain JSON"):
        _launch(tmp_path, {"OPENCODE_CONFIG_CONTENT": "{"}, model="m", base_url="http://h/v1")
    with pytest.raises(AgentMissing):
        Opencode().program(Spec(agent="opencode", name="o"), {"PATH": "/nowhere"})
