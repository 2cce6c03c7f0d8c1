"""aider: how it is launched, asked and answered, on what the real CLI draws."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from sessions.agents.aider import Aider
from sessions.agents.aider_reader import TURNS
from sessions.agents.contract import Keys, Paste, Place, Say, Screen
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Kind, Question, State
from tests.sessions.aider_material import (
    ASKED,
    PROMPT_ROWS,
    RULE,
    STARTS,
    WAITS,
    asked,
    chat,
    claims,
    reader,
    screen,
    spec,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A session's folders, and a program by the name of aider."""
    for name in ("s", "w", "bin"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin" / "aider"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Place(tmp_path / "s", tmp_path / "w", {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})


def test_everything_that_aider_writes_goes_into_the_private_folder(place: Place) -> None:
    launch = Aider().launch(spec(prompt="Do it"), place)
    argv = list(launch.argv)
    for flag in ("--chat-history-file", "--input-history-file", "--llm-history-file", "--analytics-log"):
        assert argv[argv.index(flag) + 1].startswith(f"{place.folder}/")
    assert {"--no-analytics", "--no-check-update", "--no-show-release-notes", "--no-gitignore"} <= set(argv)
    assert "Do it" not in argv
    assert not launch.prompt_given
    assert "--openai-api-base" not in argv
    assert "--no-show-model-warnings" not in argv


def test_the_cache_of_tags_is_nothing_that_git_sees(place: Place) -> None:
    subprocess.run(["git", "init", "-q"], cwd=place.worktree, check=True)
    Aider().launch(spec(), place)
    Aider().launch(spec(), place)
    (place.worktree / ".aider.tags.cache.v4" / "cache.db").write_text("tags")
    said = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=place.worktree, capture_output=True, check=True
    )
    assert said.stdout == b""


def test_the_mark_of_waiting_is_one_more_line_of_the_log(place: Place) -> None:
    argv = list(Aider().launch(spec(), place).argv)
    log = place.folder / TURNS
    log.write_text(json.dumps(STARTS) + "\n")
    command = argv[argv.index("--notifications-command") + 1]
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert [json.loads(line) for line in log.read_text().splitlines()] == [STARTS, WAITS]
    assert str(log) in shlex.split(command)


def test_an_own_server_is_given_by_flag_and_its_model_needs_no_provider(place: Place) -> None:
    argv = list(Aider().launch(spec(base_url="http://127.0.0.1:8/v1", model="mock"), place).argv)
    assert argv[argv.index("--openai-api-base") + 1] == "http://127.0.0.1:8/v1"
    assert argv[argv.index("--model") + 1] == "openai/mock"
    assert "--no-show-model-warnings" in argv
    named = Aider().launch(spec(base_url="http://127.0.0.1:8/v1", model="openrouter/x"), place).argv
    assert "openrouter/x" in named


def test_the_users_word_for_the_price_list_stays(place: Place) -> None:
    assert Aider().launch(spec(), place).env == {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    told = Place(place.folder, place.worktree, {**place.env, "LITELLM_LOCAL_MODEL_COST_MAP": "False"})
    assert Aider().launch(spec(), told).env == {}


@pytest.mark.parametrize(
    ("mode", "flags"),
    [
        (None, []),
        ("default", []),
        ("architect", ["--chat-mode", "architect"]),
        ("ask", ["--chat-mode", "ask"]),
        ("yes-always", ["--yes-always"]),
    ],
)
def test_permission_modes(place: Place, mode: str | None, flags: list[str]) -> None:
    plain = Aider().launch(spec(), place).argv
    given = Aider().launch(spec(permission_mode=mode), place).argv
    assert [word for word in given if word not in plain] == flags


def test_a_mode_that_there_is_not_is_refused(place: Place) -> None:
    with pytest.raises(SessionError, match="no permission mode 'plan'"):
        Aider().launch(spec(permission_mode="plan"), place)


def test_a_conversation_is_the_chat_history_of_its_session(place: Place) -> None:
    first = Aider().launch(spec(prompt="Do it"), place)
    again = Aider().launch(spec(resume=True, agent_session_id=first.agent_session_id), place)
    assert first.agent_session_id is not None
    assert again.agent_session_id == first.agent_session_id
    assert "--restore-chat-history" in again.argv
    assert "--restore-chat-history" not in first.argv


def test_what_is_missing_is_named_with_what_installs_it() -> None:
    with pytest.raises(AgentMissing, match="aider is not installed"):
        Aider().program(spec(), {"PATH": "/nowhere"})


@pytest.mark.parametrize(
    ("text", "typed"),
    [("Do it", "Do it"), ("/drop all", " /drop all"), ("!rm x", " !rm x"), ("{tag\nmore", " {tag\nmore")],
)
def test_a_message_is_no_command(text: str, typed: str) -> None:
    assert Aider().message(text)[-1] == Paste(typed)


@pytest.mark.parametrize(
    ("lines", "row", "state"),
    [
        (PROMPT_ROWS, None, State.IDLE),
        ((RULE, "hello.txt src/client.py", ">"), None, State.IDLE),
        ((RULE, "ask multi> half a mess"), None, State.IDLE),
        ((RULE, "architect>", "", ""), 1, State.IDLE),
        ((RULE, "> clear", " /clear   Clear the chat history"), 1, State.IDLE),
        ((RULE, "diff> Please", "", "        ░█ Waiting for openai/mock"), None, State.WORKING),
        (("  =#      Generating commit message with openai/mock",), None, State.WORKING),
        (
            ("litellm.InternalServerError: down", "Retrying in 0.5 seconds...", "  ░█   Waiting for m"),
            None,
            State.RETRYING,
        ),
        (("litellm.InternalServerError: down", "Retrying in 0.5 seconds..."), 2, State.RETRYING),
        (("litellm.BadRequestError: scripted", "", *PROMPT_ROWS), None, State.FAILED),
        (("litellm.Timeout: a", "Retrying in 0.5 seconds...", "", *PROMPT_ROWS), None, State.IDLE),
        (("^C again to exit", *PROMPT_ROWS), None, State.IDLE),
        (("some words that stream"), None, None),
        (("touch a", ASKED), None, State.BLOCKED),
        (("touch a", ASKED + " y"), None, State.BLOCKED),
        (("touch a", ASKED + " y"), 2, None),
        (("touch a", ASKED), 2, None),
        (("touch a", ASKED + " y", "", "Running touch a"), 4, None),
    ],
)
def test_what_stands_at_the_cursor(lines: tuple[str, ...], row: int | None, state: State | None) -> None:
    found = reader().look(screen(*lines, row=row))
    assert claims(found)["screen"] is state


@pytest.mark.parametrize(
    ("lines", "kind", "title", "command", "path", "keys"),
    [
        (("", "touch a", ASKED), Kind.PERMISSION, "Run shell command? touch a", "touch a", None, "ynd"),
        (
            ("", "new.txt", "Create new file? (Y)es/(N)o [Yes]:"),
            Kind.PERMISSION,
            "Create new.txt",
            None,
            "new.txt",
            "yn",
        ),
        (
            ("", "a.py", "Add file to the chat? (Y)es/(N)o/(A)ll/(S)kip all/(D)on't ask again [Yes]:"),
            Kind.PERMISSION,
            "Read a.py",
            None,
            "a.py",
            "ynasd",
        ),
        (
            ("Running x", "out", "Add command output to the chat? (Y)es/(N)o/(D)on't ask again [Yes]:"),
            Kind.QUESTION,
            "Add command output to the chat?",
            None,
            None,
            "ynd",
        ),
        (("Edit the files? (Y)es/(N)o [Yes]:",), Kind.PLAN, "Edit the files as planned?", None, None, "yn"),
        (
            ("", "https://aider.chat/", "Open documentation url for more info? (Y)es/(N)o/(D)on't ask again [Yes]:"),
            Kind.DIALOG,
            "Open documentation url for more info? https://aider.chat/",
            None,
            None,
            "ynd",
        ),
        (
            ("Login to OpenRouter or create a free account? (Y)es/(N)o [Yes]:",),
            Kind.DIALOG,
            "Login to OpenRouter or create a free account?",
            None,
            None,
            "yn",
        ),
        (
            ("Attempt to fix lint errors? (Y)es/(N)o [Yes]:",),
            Kind.QUESTION,
            "Attempt to fix lint errors?",
            None,
            None,
            "yn",
        ),
    ],
)
def test_questions_are_data(
    lines: tuple[str, ...], kind: Kind, title: str, command: str | None, path: str | None, keys: str
) -> None:
    question = asked(reader().look(screen("Tokens: 1 sent, 1 received.", *lines)))
    assert (question.kind, question.title, question.command, question.path) == (kind, title, command, path)
    assert "".join(option.key for option in question.options) == keys
    assert not question.free_text


WORDS = tuple(f"word-{n}" for n in range(30))
LONG_ROWS = (  # broken where aider breaks it
    " ".join(("printf '%s '", *WORDS[:14])),
    " ".join(WORDS[14:29]),
    "word-29 > never.txt",
)
LONG = " ".join(LONG_ROWS)


def test_a_long_command_is_told_unwrapped() -> None:
    shown = screen("", "touch never.txt", *LONG_ROWS, "Run shell commands? (Y)es/(N)o/(D)on't ask again [Yes]:")
    assert asked(reader().look(shown)).command == f"touch never.txt\n{LONG}"


def test_a_word_longer_than_the_pane_is_told_whole() -> None:
    word = "x" * 150
    shown = screen("", f"echo {word}"[:120], f"echo {word}"[120:], ASKED)
    assert asked(reader().look(shown)).command == f"echo {word}"


def test_the_chat_history_has_what_does_not_fit_on_the_screen() -> None:
    it = reader()
    it.read(chat("> Tokens: 1 sent, 1 received.  ", "> touch a        ", f"{LONG}  "))
    found = asked(it.look(screen(*LONG_ROWS[1:], "Run shell commands? (Y)es/(N)o/(D)on't ask again [Yes]:")))
    assert found.command == f"touch a\n{LONG}"


def test_a_question_is_the_same_in_a_narrow_pane() -> None:
    words = "Allow edits to file that has not been added to the chat? (Y)es/(N)o [Yes]:"
    wide = asked(reader().look(screen("", "prices.py", words)))
    narrow = asked(reader().look(screen("", "prices.py", words[:60], words[60:], width=60)))
    assert narrow.id == wide.id
    assert narrow.options == wide.options
    assert wide.path == "prices.py"


def run_command() -> tuple[Question, Screen]:
    shown = screen("", "touch a", ASKED)
    return asked(reader().look(shown)), shown


@pytest.mark.parametrize(
    ("choice", "key"), [("y", "y"), ("Yes", "y"), ("n", "n"), ("no", "n"), ("d", "d"), ("don't ask again", "d")]
)
def test_an_answer_is_a_letter_and_enter(choice: str, key: str) -> None:
    question, shown = run_command()
    assert Aider().answer(question, choice, "", shown) == (Keys(("C-u", key, "Enter")),)


@pytest.mark.parametrize("choice", ["a", "always", "all", "7", ""])
def test_always_is_not_taken_for_never(choice: str) -> None:
    """aider's "Don't ask again" declines for ever."""
    question, shown = run_command()
    with pytest.raises(NotAnOption):
        Aider().answer(question, choice, "", shown)


def test_an_answer_in_words_declines_and_tells() -> None:
    question, shown = run_command()
    assert Aider().answer(question, "", "Use make", shown) == (Keys(("C-u", "n", "Enter")), Say("Use make"))
    assert Aider().answer(question, "n", "Use make", shown) == (Keys(("C-u", "n", "Enter")), Say("Use make"))


@pytest.mark.parametrize(
    "lines",
    [
        ("", "touch a", ASKED + " y", ""),
        ("", "rm -rf a", ASKED),
        ("", "a", "Create new file? (Y)es/(N)o [Yes]:"),
        PROMPT_ROWS,
    ],
)
def test_no_key_is_pressed_for_a_question_that_is_gone(lines: tuple[str, ...]) -> None:
    question, _ = run_command()
    with pytest.raises(QuestionGone):
        Aider().answer(question, "y", "", screen(*lines))


def test_it_is_interrupted_by_one_key_and_ended_by_its_own_command() -> None:
    """A second C-c within two seconds would end it, between two prompts with a traceback."""
    assert Aider().interrupt() == (Keys(("C-c",)),)
    pressed = [key for step in Aider().quit() if isinstance(step, Keys) for key in step.keys]
    assert pressed == ["C-c", *"/exit", "Enter"]


def test_a_shell_that_an_interrupted_command_left_is_a_question() -> None:
    """With dash as $SHELL; a prompt of a shell without a ^C before it may be anything that a command prints."""
    shown = screen("Running sleep 60", "^C", "#")
    question = asked(reader().look(shown))
    assert (question.kind, [option.key for option in question.options]) == (Kind.DIALOG, ["e"])
    assert Aider().answer(question, "e", "", shown) == (Keys(("C-d",)),)
    with pytest.raises(NotAnOption, match="no option"):
        Aider().answer(question, "n", "", shown)
    assert claims(reader().look(screen("Running make", "#")))["screen"] is None
