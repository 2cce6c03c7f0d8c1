"""Gemini CLI: how it is launched, how its questions are answered, its conversation for reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Keys, Paste, Place, Say, Step
from sessions.agents.gemini import Gemini
from sessions.errors import AgentMissing, NotAnOption, QuestionGone
from sessions.models import Question, Role
from tests.sessions.gemini_material import (
    ASKING,
    SESSION,
    by_model,
    by_user,
    claimed,
    line_of,
    new_reader,
    shot,
    spec_of,
)


def _place(folder: Path, **env: str) -> Place:
    (folder / "gemini").touch(mode=0o755)
    (folder / ".gemini").mkdir(exist_ok=True)
    return Place(folder, folder / "work" / "task", {"PATH": str(folder), "HOME": str(folder), **env})


def test_what_is_launched(tmp_path: Path) -> None:
    place = _place(tmp_path, GEMINI_CLI_TRUST_WORKSPACE="true")
    made = Gemini().launch(spec_of(prompt="- a list", model="m", base_url="http://x", args=("--debug",)), place)
    assert made.argv[1:] == ("--session-id", SESSION, "--model", "m", "--debug", "--prompt-interactive=- a list")
    assert (made.env, made.files, made.prompt_given) == ({"GOOGLE_GEMINI_BASE_URL": "http://x"}, {}, True)
    again = Gemini().launch(spec_of(resume=True, permission_mode="plan"), place)
    assert again.argv[1:] == ("--resume", SESSION, "--approval-mode", "plan")
    assert Gemini().launch(spec_of(agent_session_id=None), place).agent_session_id
    command = Gemini().launch(spec_of(prompt="/help"), place).argv[-1]
    assert command.removeprefix("--prompt-interactive=").strip()[0] != "/"
    with pytest.raises(AgentMissing) as missing:
        Gemini().program(spec_of(command=("no-such",)), place.env)
    assert "npm install" in missing.value.hint


@pytest.mark.parametrize(
    ("trusted", "settings", "args", "given"),
    [
        ({}, {}, (), False),
        ({"work": "TRUST_FOLDER"}, {}, (), True),
        ({"work/task": "DO_NOT_TRUST"}, {}, (), True),  # decided: it does not ask
        ({"work/other": "TRUST_PARENT"}, {}, (), True),
        ({"work/other": "TRUST_FOLDER"}, {}, (), False),
        ({}, {"security": {"folderTrust": {"enabled": False}}}, (), True),
        ({}, {"security": "?"}, (), False),
        ({}, {}, ("--skip-trust",), True),
    ],
)
def test_the_task_is_given_at_once_only_where_trust_is_decided(
    tmp_path: Path, trusted: dict[str, str], settings: dict[str, Any], args: tuple[str, ...], given: bool
) -> None:
    place = _place(tmp_path)
    rules = {str(tmp_path / name): level for name, level in trusted.items()}
    (tmp_path / ".gemini" / "trustedFolders.json").write_text(json.dumps(rules))
    (tmp_path / ".gemini" / "settings.json").write_text(json.dumps(settings))
    made = Gemini().launch(spec_of(prompt="Go", args=args), place)
    assert made.prompt_given is given
    assert ("--prompt-interactive=Go" in made.argv) is given


def _shown(name: str) -> Question:
    found = claimed(new_reader().look(shot(name, ASKING)), "screen").question
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "choice", "text", "steps"),
    [
        ("permission", "y", "", (Keys(("1",)),)),
        ("permission", "a", "", (Keys(("2",)),)),
        ("permission", "n", "", (Keys(("3",)),)),
        ("permission", "2", "", (Keys(("2",)),)),
        ("permission", "n", "Use make", (Keys(("Escape",)), Say("Use make"))),
        ("edit", "n", "", (Keys(("4",)),)),
        ("trust", "y", "", (Keys(("1",)),)),
        ("trust", "n", "", (Keys(("3",)),)),
        ("limit", "n", "", (Keys(("2",)),)),
        ("plan", "y", "", (Keys(("2",)),)),  # the answer that hands out fewer rights
        ("plan", "n", "", (Keys(("Escape",)),)),
        ("plan", "", "Not so", (Keys(("Up",)), Paste("Not so"), Keys(("Enter",)))),
        ("question", "blue", "", (Keys(("2",)),)),
        ("question", "4", "", (Keys(("4",)),)),  # below what is shown of the list
        ("question", "", "Pink", (Keys(("Up",)), Paste("Pink"), Keys(("Enter",)))),
        ("several", "1,3", "", (Keys(("1",)), Keys(("3",)), Keys(("Up", "Up", "Up")), Keys(("Enter",)))),
        (
            "several",
            "2",
            "Pink",
            (Keys(("2",)), Keys(("Up", "Up")), Keys(("Up",)), Paste("Pink"), Keys(("Down",)), Keys(("Enter",))),
        ),
    ],
)
def test_how_a_question_is_answered(name: str, choice: str, text: str, steps: tuple[Step, ...]) -> None:
    assert Gemini().answer(_shown(name), choice, text, shot(name)) == steps


def test_an_answer_is_refused_when_it_fits_nothing() -> None:
    gemini = Gemini()
    with pytest.raises(QuestionGone):
        gemini.answer(_shown("permission"), "y", "", shot("idle"))
    with pytest.raises(QuestionGone, match="another command"):
        gemini.answer(_shown("permission").model_copy(update={"command": "rm -rf /"}), "y", "", shot("permission"))
    with pytest.raises(QuestionGone, match="something else"):
        gemini.answer(_shown("question"), "1", "", shot("several"))
    with pytest.raises(NotAnOption, match="nothing is chosen"):
        gemini.answer(_shown("several"), "", "", shot("several"))
    with pytest.raises(NotAnOption):
        gemini.answer(_shown("permission"), "perhaps", "", shot("permission"))
    with pytest.raises(NotAnOption):
        gemini.answer(_shown("permission"), "4", "", shot("permission"))
    with pytest.raises(NotAnOption, match="no answer in words"):
        gemini.answer(_shown("trust"), "", "words", shot("trust"))


def test_the_conversation_for_reading(tmp_path: Path) -> None:
    call = {
        "name": "run_shell_command",
        "displayName": "Shell",
        "args": {"command": "ls"},
        "status": "success",
        "result": [{"functionResponse": {"response": {"output": "README.md"}}}],
    }
    records = (
        {"sessionId": SESSION},
        by_user("<session_context>…"),
        by_user("Look", at=1),
        by_model("I look.", 2),
        by_model("I look.", 2, toolCalls=[call]),
        line_of("info", "Request cancelled.", 3),
    )
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records) + '\n{"id": "torn')
    assert [(entry.role, entry.title, entry.text.split("\n")[0]) for entry in Gemini().transcript(path)] == [
        (Role.USER, "", "Look"),
        (Role.AGENT, "", "I look."),
        (Role.TOOL, "Shell ls", "{"),
        (Role.TOOL, "result: success", "README.md"),
        (Role.NOTE, "", "Request cancelled."),
    ]
    assert Gemini().transcript(tmp_path / "none") == ()
