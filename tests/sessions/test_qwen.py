"""qwen-code: how it is launched, what its screens show, how its questions are answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Append, Keys, Paste, Say
from sessions.agents.qwen import INPUT, Qwen
from sessions.agents.qwen_reader import EVENTS
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Kind, Role, State
from tests.sessions.qwen_material import (
    AT_PROMPT,
    EDIT,
    NOW,
    PERMISSION,
    PLAN,
    QUESTION,
    REQUEST,
    SESSION,
    SETUP,
    SEVERAL,
    SHELL,
    STARTING,
    WORKING,
    place,
    question_of,
    reader_of,
    screen,
    spec_of,
)


@pytest.mark.parametrize(
    ("text", "state", "kind", "labels"),
    [
        (EDIT, State.BLOCKED, Kind.PERMISSION, ["Yes, allow once", "Yes, allow always", "No, suggest changes (esc)"]),
        (QUESTION, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Type something..."]),
        (SEVERAL, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Green", "Type something..."]),
        (SETUP, State.BLOCKED, Kind.DIALOG, []),
        (WORKING, State.WORKING, None, None),
        (SHELL, State.BACKGROUND, None, None),
        (AT_PROMPT, State.IDLE, None, None),
        (STARTING, None, None, None),
    ],
)
def test_screens(text: str, state: State | None, kind: Kind | None, labels: list[str] | None) -> None:
    seen = reader_of().look(screen(text)).evidence[0]
    assert (seen.state, seen.kind) == (state, kind)
    assert (None if seen.question is None else [option.label for option in seen.question.options]) == labels


def _confirmed(allowed: bool) -> Append:
    line = {"type": "confirmation_response", "request_id": REQUEST, "allowed": allowed}
    return Append(Path(INPUT), json.dumps(line))


@pytest.mark.parametrize(
    ("text", "kind", "choice", "words", "steps"),
    [
        (PERMISSION, Kind.PERMISSION, "y", "", (_confirmed(True),)),
        (PERMISSION, Kind.PERMISSION, "1", "", (_confirmed(True),)),
        (PERMISSION, Kind.PERMISSION, "a", "", (Keys(("2",)),)),
        (PERMISSION, Kind.PERMISSION, "n", "", (_confirmed(False),)),
        (PERMISSION, Kind.PERMISSION, "n", "do it so", (_confirmed(False), Say("do it so"))),
        (PERMISSION, Kind.PERMISSION, "", "do it so", (Keys(("Escape",)), Say("do it so"))),
        (AT_PROMPT, Kind.PERMISSION, "y", "", (_confirmed(True),)),
        (PLAN, Kind.PLAN, "3", "", (Keys(("3",)),)),
        (PLAN, Kind.PLAN, "4", "", (_confirmed(False),)),
        (QUESTION, Kind.QUESTION, "2", "", (Keys(("2",)),)),
        (QUESTION, Kind.QUESTION, "", "Green", (Keys(("3",)), Paste("Green"), Keys(("Enter",)))),
    ],
)
def test_answers(text: str, kind: Kind, choice: str, words: str, steps: tuple[Any, ...]) -> None:
    assert Qwen().answer(question_of(kind), choice, words, screen(text)) == steps


def test_only_options_that_are_not_taken_yet_are_toggled() -> None:
    question = question_of(Kind.QUESTION, multiple=True)
    toggled = (Keys(("Space",)), Keys(("3",)), Keys(("Space",)), Keys(("Enter",)))
    assert Qwen().answer(question, "1,2,3", "", screen(SEVERAL)) == toggled
    assert Qwen().answer(question, "1", "", screen(SEVERAL)) == (Keys(("Enter",)),)


def test_an_answer_is_refused_when_the_question_is_gone_or_it_is_none() -> None:
    with pytest.raises(QuestionGone):
        Qwen().answer(question_of(Kind.QUESTION), "1", "", screen(AT_PROMPT))
    with pytest.raises(QuestionGone):
        Qwen().answer(question_of(Kind.PERMISSION), "2", "", screen(AT_PROMPT))
    with pytest.raises(QuestionGone):
        Qwen().answer(question_of(Kind.PERMISSION, "s0123456789a"), "y", "", screen(AT_PROMPT))
    with pytest.raises(NotAnOption):
        Qwen().answer(question_of(Kind.QUESTION), "9", "", screen(QUESTION))


def test_a_launch_has_its_dual_output_in_the_private_folder(tmp_path: Path) -> None:
    spec = spec_of(agent_session_id=None, prompt="-x", model="m", base_url="http://127.0.0.1:1/v1")
    launch = Qwen().launch(spec, place(tmp_path))
    words = " ".join(launch.argv)
    assert f"--session-id {launch.agent_session_id} --approval-mode default" in words
    assert f"--json-file {tmp_path / EVENTS} --input-file {tmp_path / INPUT}" in words
    assert launch.argv[-6:] == ("--auth-type", "openai", "--model", "m", "-i", " -x")
    assert launch.files == {EVENTS: "", INPUT: ""}
    assert launch.env["OPENAI_BASE_URL"] == spec.base_url
    again = Qwen().launch(spec_of(resume=True, permission_mode="plan"), place(tmp_path))
    assert f"--resume {SESSION} --approval-mode plan" in " ".join(again.argv)
    assert "--auth-type" not in again.argv


def test_what_cannot_be_launched_says_why(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no permission mode 'x'"):
        Qwen().launch(spec_of(permission_mode="x"), place(tmp_path))
    with pytest.raises(AgentMissing):
        Qwen().program(spec_of(command=("nowhere",)), {"PATH": str(tmp_path)})


@pytest.mark.parametrize("text", ["short", "!ls", "x" * 5000, "line\n" * 60, "\n" * 30, "wide 🎉\n" * 400])
def test_a_message_is_pasted_whole_in_pieces_that_stay_text(text: str) -> None:
    pasted = [step.text for step in Qwen().message(text) if isinstance(step, Paste)]
    assert "".join(pasted).removeprefix(" ") == text
    assert all(len(piece) <= 1000 and piece.count("\n") < 10 for piece in pasted)
    assert not pasted[0].startswith("!")


def test_the_conversation_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    parts = [
        ("user", {"text": "do it"}),
        ("model", {"text": "I think", "thought": True}),
        ("model", {"functionCall": {"name": "run_shell_command", "args": {"command": "ls"}}}),
        ("user", {"functionResponse": {"response": {"output": "a"}}}),
        ("model", {"text": "Done."}),
    ]
    records = [json.dumps({"timestamp": NOW.isoformat(), "message": {"role": r, "parts": [p]}}) for r, p in parts]
    path.write_text("\n".join([*records, '{"torn']))
    entries = Qwen().transcript(path)
    assert [(entry.role, entry.title, entry.text[:5]) for entry in entries if entry.role is not Role.TOOL] == [
        (Role.USER, "", "do it"),
        (Role.AGENT, "", "Done."),
    ]
    assert [entry.title for entry in entries if entry.role is Role.TOOL] == ["run_shell_command ls", "result"]
    assert Qwen().transcript(tmp_path / "none") == ()
