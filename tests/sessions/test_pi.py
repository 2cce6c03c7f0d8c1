"""pi: how it is launched, what its screens and its own file tell, how its questions are answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Append, Keys, Paste, Place, Reading, Screen
from sessions.agents.pi import ANSWERS, Pi
from sessions.agents.pi_reader import PiReader
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Kind, Option, Question, QuestionId, Role, Spec, State
from sessions.perception import Perception

SCREENS = Path(__file__).parent / "screens" / "pi"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
YES_NO = (Option(key="1", label="Yes"), Option(key="2", label="Always this command"), Option(key="3", label="No"))
COLOURS = (Option(key="1", label="Red"), Option(key="2", label="Green"), Option(key="3", label="Blue"))


def _screen(name: str, *more: str, at: datetime = NOW) -> Screen:
    lines = [*(SCREENS / f"{name}.txt").read_text().split("\n"), *more]
    return Screen(lines=tuple(lines), title="", at=at, width=120, height=len(lines))


def _place(folder: Path, **env: str) -> Place:
    program = folder / "bin" / "pi"
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)
    return Place(folder=folder, worktree=folder, env={"PATH": str(program.parent), **env})


def _spec(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "pi", "name": "x", **fields})


def _question(kind: Kind, options: tuple[Option, ...], name: str = "pi-1", **more: Any) -> Question:
    return Question.model_validate(
        {"id": name, "kind": kind, "title": "t", "text": "t", "options": options, "asked_at": NOW, **more}
    )


def _reader() -> PiReader:
    return PiReader(_spec(), Place(folder=Path("/nowhere"), worktree=Path("/nowhere"), env={}))


def _look(name: str, *more: str) -> tuple[State | None, Question | None]:
    (evidence,) = _reader().look(_screen(name, *more)).evidence
    return evidence.state, evidence.question


@pytest.mark.parametrize(
    ("name", "kind", "title", "options"),
    [
        (
            "trust",
            Kind.DIALOG,
            "pi asks whether you trust this project's own settings and extensions",
            ("Trust", "Trust parent folder", "Trust (this", "Do not trust", "Do not trust (this session only)"),
        ),
        ("permission", Kind.PERMISSION, "Allow bash?", ("Yes", "Always this command, while pi runs", "No")),
        ("small", Kind.PERMISSION, "Allow bash?", ("Yes", "Always this command, while pi runs", "No")),
        ("question", Kind.QUESTION, "Which colour do you prefer?", ("Red", "Blue", "Green", "Answer in words")),
        ("several", Kind.QUESTION, "Which colours do you like?", ("Red", "Blue", "Done", "Answer in words")),
        ("foreign", Kind.QUESTION, "Deploy where? staging is free", ("Staging", "Production")),
        ("foreign-input", Kind.QUESTION, "Which tag?", ()),
        ("words", Kind.QUESTION, "Which colour do you prefer?", ()),
    ],
)
def test_dialogs(name: str, kind: Kind, title: str, options: tuple[str, ...]) -> None:
    state, question = _look(name)
    assert state is State.BLOCKED
    assert question is not None
    assert (question.kind, question.title) == (kind, title)
    assert len(question.options) == len(options)
    for option, label in zip(question.options, options, strict=True):
        assert option.label.startswith(label)
    assert _look(name, "a line of an extension's own")[0] is State.BLOCKED


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("working", State.WORKING),
        ("compacting", State.WORKING),
        ("retrying", State.RETRYING),
        ("idle", State.IDLE),
        ("fresh", State.IDLE),
        ("failed", State.IDLE),
    ],
)
def test_screens_without_a_dialog(name: str, state: State) -> None:
    assert _look(name) == (state, None)


@pytest.mark.parametrize("name", ["trust", "permission", "question", "foreign", "foreign-input"])
def test_a_dialog_that_is_quoted_in_the_conversation_is_none(name: str) -> None:
    quoted = [f" {line}" for line in (SCREENS / f"{name}.txt").read_text().split("\n")]
    idle = (SCREENS / "idle.txt").read_text().split("\n")
    (evidence,) = _reader().look(Screen(lines=(*quoted, *idle), title="", at=NOW)).evidence
    assert evidence.state is State.IDLE


def test_options_of_our_own_question_are_those_that_were_told() -> None:
    """The screen may still show the question before."""
    perception = Perception(_reader(), None)
    perception.look(_screen("question"))
    options = [option.model_dump() for option in YES_NO]
    told = {"type": "question", "id": "pi-7", "kind": "permission", "command": "make", "options": options}
    perception.read(Reading("events", Path("/nowhere"), NOW, lines=(json.dumps(told).encode(),)))
    perception.look(_screen("question", at=NOW + timedelta(milliseconds=10)))
    assert perception.status is not None
    assert perception.status.question is not None
    assert (perception.status.kind, perception.status.question.options) == (Kind.PERMISSION, YES_NO)


def test_options_of_another_extensions_question_come_from_the_screen() -> None:
    perception = Perception(_reader(), None)
    told = b'{"type": "question", "id": "ui-7", "title": "Deploy where?", "free_text": false}'
    perception.read(Reading("events", Path("/nowhere"), NOW, lines=(told,)))
    perception.look(_screen("foreign"))
    assert perception.status is not None
    question = perception.status.question
    assert question is not None
    assert [option.label for option in question.options] == ["Staging", "Production"]
    assert Pi().answer(question, "2", "", _screen("foreign")) == (Keys(("Down", "Enter")),)


@pytest.mark.parametrize(
    ("choice", "text", "told"),
    [("y", "", "1"), ("2", "", "2"), ("a", "", "2"), ("n", "", "3"), ("No", "rather printf", "3")],
)
def test_a_permission_is_answered_through_the_file(choice: str, text: str, told: str) -> None:
    (step,) = Pi().answer(_question(Kind.PERMISSION, YES_NO), choice, text, _screen("idle"))
    assert isinstance(step, Append)
    assert step.path == ANSWERS
    assert json.loads(step.line) == {"id": "pi-1", "choice": told, "text": text}


@pytest.mark.parametrize(("choice", "text"), [("4", ""), ("maybe", ""), ("", "words alone"), ("y", "but carefully")])
def test_what_a_permission_does_not_take(choice: str, text: str) -> None:
    with pytest.raises(NotAnOption):
        Pi().answer(_question(Kind.PERMISSION, YES_NO), choice, text, _screen("permission"))


@pytest.mark.parametrize(
    ("choice", "text", "told"),
    [("1,3", "", "1,3"), ("red, blue", "", "1,3"), ("2", "and more", "2"), ("", "none of them", "")],
)
def test_several_options_and_words(choice: str, text: str, told: str) -> None:
    question = _question(Kind.QUESTION, COLOURS, multiple=True, free_text=True)
    (step,) = Pi().answer(question, choice, text, _screen("several"))
    assert isinstance(step, Append)
    assert json.loads(step.line) == {"id": "pi-1", "choice": told, "text": text}


@pytest.mark.parametrize(
    ("choice", "presses"),
    [
        ("y", ("Enter",)),
        ("3", ("Down", "Down", "Enter")),
        ("n", ("Down", "Down", "Down", "Enter")),
        ("5", ("Down", "Down", "Down", "Down", "Enter")),
    ],
)
def test_trust_is_answered_by_keys(choice: str, presses: tuple[str, ...]) -> None:
    _, question = _look("trust")
    assert question is not None
    assert Pi().answer(question, choice, "", _screen("trust")) == (Keys(presses),)
    with pytest.raises(QuestionGone):
        Pi().answer(question, choice, "", _screen("idle"))


def test_another_extensions_input_takes_words() -> None:
    _, question = _look("foreign-input")
    assert question is not None
    assert Pi().answer(question, "", "v1.2", _screen("foreign-input")) == (Paste("v1.2"), Keys(("Enter",)))
    with pytest.raises(NotAnOption):
        Pi().answer(question, "1", "", _screen("foreign-input"))
    with pytest.raises(NotAnOption):
        Pi().answer(_question(Kind.QUESTION, (), "ui-1"), "", "words", _screen("foreign"))


def test_a_launch_writes_nothing_but_into_its_own_folder(tmp_path: Path) -> None:
    launch = Pi().launch(_spec(prompt="Do it", permission_mode="ask"), _place(tmp_path, PI_TELEMETRY="1"))
    assert launch.argv[1:3] == ("--extension", str(tmp_path / "pi_extension.ts"))
    assert launch.argv[3:] == ("--session-id", launch.agent_session_id, "--", "Do it")
    assert launch.env == {
        "PI_SKIP_VERSION_CHECK": "1",
        "ORCHESTRATOR_PI_ANSWERS": str(tmp_path / "pi_answers.jsonl"),
        "ORCHESTRATOR_PI_PERMISSION": "ask",
    }
    assert set(launch.files) == {"pi_extension.ts", "pi_questions.ts"}
    assert 'from "./pi_questions.ts"' in launch.files["pi_extension.ts"]


def test_a_conversation_is_resumed_by_its_id(tmp_path: Path) -> None:
    launch = Pi().launch(
        _spec(agent_session_id="abc", resume=True, model="a/b", args=("--thinking", "low")), _place(tmp_path)
    )
    assert launch.argv[3:] == ("--session-id", "abc", "--model", "a/b", "--thinking", "low")


@pytest.mark.parametrize("first", "/!@")
def test_a_message_is_never_a_command_of_pi(tmp_path: Path, first: str) -> None:
    launch = Pi().launch(_spec(prompt=f"{first}compact"), _place(tmp_path))
    assert launch.argv[-1] == f"\u200b{first}compact"
    assert Pi().message(f" {first}x") == (Keys(("C-u",)), Paste(f"\u200b {first}x"))
    assert Pi().message(f"x {first}") == (Keys(("C-u",)), Paste(f"x {first}"))


def test_an_endpoint_is_a_provider_of_this_launch_alone(tmp_path: Path) -> None:
    launch = Pi().launch(_spec(base_url="http://127.0.0.1:1/v1", model="Qwen/Q3"), _place(tmp_path, OPENAI_API_KEY="k"))
    provider = json.loads(launch.env["ORCHESTRATOR_PI_PROVIDER"])
    assert launch.argv[-2:] == ("--model", "endpoint/Qwen/Q3")
    assert provider["name"] == "endpoint"
    assert provider["config"]["baseUrl"] == "http://127.0.0.1:1/v1"
    assert provider["config"]["apiKey"] == "$OPENAI_API_KEY"
    assert [model["id"] for model in provider["config"]["models"]] == ["Qwen/Q3"]


def test_a_provider_of_pi_keeps_its_way_at_another_address(tmp_path: Path) -> None:
    launch = Pi().launch(_spec(base_url="http://127.0.0.1:1", model="anthropic/claude-x"), _place(tmp_path))
    assert json.loads(launch.env["ORCHESTRATOR_PI_PROVIDER"]) == {
        "name": "anthropic",
        "config": {"baseUrl": "http://127.0.0.1:1"},
    }
    assert launch.argv[-2:] == ("--model", "anthropic/claude-x")


def test_what_cannot_be_launched_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AgentMissing) as missing:
        Pi().program(_spec(), {"PATH": str(tmp_path)})
    assert "npm install -g @earendil-works/pi-coding-agent" in missing.value.hint
    with pytest.raises(SessionError, match="no permission mode 'plan'") as unknown:
        Pi().launch(_spec(permission_mode="plan"), _place(tmp_path))
    assert '"ask"' in unknown.value.hint
    with pytest.raises(SessionError, match="cannot choose a model") as nameless:
        Pi().launch(_spec(base_url="http://127.0.0.1:1"), _place(tmp_path))
    assert "[agents.pi] model" in nameless.value.hint


def _record(name: str, parent: str | None, role: str, content: object, **more: object) -> str:
    message = {"role": role, "content": content, **more}
    told = {"type": "message", "id": name, "parentId": parent, "timestamp": "2026-11-25T00:40:50Z", "message": message}
    return json.dumps(told)


def test_the_transcript_is_the_branch_that_the_file_ends_in(tmp_path: Path) -> None:
    call = {"type": "toolCall", "id": "c", "name": "bash", "arguments": {"command": "ls"}}
    lines = [
        '{"type": "session", "version": 3, "id": "s", "cwd": "/w"}',
        '{"type": "model_change", "id": "m", "parentId": null, "modelId": "x"}',
        _record("a", "m", "user", [{"type": "text", "text": "Look"}]),
        _record("b", "a", "assistant", [{"type": "text", "text": "Left behind"}]),
        "{torn",
        _record(
            "c", "a", "assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "I look"}, call]
        ),
        _record("d", "c", "toolResult", [{"type": "text", "text": "README.md"}]),
        '{"type": "compaction", "id": "e", "parentId": "d", "summary": "All of it"}',
        _record("f", "e", "bashExecution", "", command="git status", output="clean"),
        _record("g", "f", "assistant", [], stopReason="error", errorMessage="400: bad"),
    ]
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(lines))
    assert [(entry.role, entry.title or entry.text) for entry in Pi().transcript(path)] == [
        (Role.USER, "Look"),
        (Role.AGENT, "I look"),
        (Role.TOOL, "bash ls"),
        (Role.TOOL, "result"),
        (Role.NOTE, "compacted"),
        (Role.TOOL, "! git status"),
        (Role.NOTE, "failed"),
    ]
    assert Pi().transcript(tmp_path / "none") == ()


def test_a_transcript_that_turns_in_a_circle_ends(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join([_record("a", "b", "user", "One"), _record("b", "a", "user", "Two")]))
    assert [entry.text for entry in Pi().transcript(path)] == ["One", "Two"]


def test_a_permission_that_another_extension_asked_for_is_not_answered_on_another_screen() -> None:
    question = _question(Kind.PERMISSION, YES_NO, name=QuestionId("ui-1"))
    with pytest.raises(QuestionGone):
        Pi().answer(question, "y", "", _screen("question"))
