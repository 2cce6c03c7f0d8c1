"""Any program as an agent: the adapter alone, and real programs launched, answered and read by the daemon."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sessions.agents.command import Command
from sessions.agents.contract import Keys, Paste, Place, Screen
from sessions.errors import AgentMissing, NotAnOption, SessionError
from sessions.models import Kind, Option, Question, QuestionId, Spec
from tests.machine import Machine
from tests.sessions.terminal_program import ROOT

SCREEN = Screen(lines=(), title="", at=datetime.now(UTC))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "tree").mkdir()
    return Place(folder=tmp_path / "private", worktree=tmp_path / "tree", env={"PATH": os.environ["PATH"]})


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "m")
    yield made
    made.end()


def _spec(*command: str, prompt: str = "") -> Spec:
    return Spec(agent="command", name="x", prompt=prompt, command=command)


def test_the_task_stands_where_the_command_wants_it(place: Place) -> None:
    launch = Command().launch(_spec("sh", "-c", "echo {prompt}", "{prompt}", prompt="-n $x"), place)
    assert launch.argv[1:] == ("-c", "echo -n $x", "-n $x")
    assert launch.argv[0].endswith("/sh")
    assert launch.prompt_given
    assert not Command().launch(_spec("sh", prompt="typed"), place).prompt_given


def test_a_program_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(AgentMissing, match="'no-such-program' was not found"):
        Command().program(_spec("no-such-program"), place.env)
    with pytest.raises(SessionError, match="no command") as caught:
        Command().program(_spec(), place.env)
    assert "orchestrator run --agent command -- PROGRAM" in caught.value.hint


def test_a_program_of_the_worktree_must_be_in_the_worktree(place: Place) -> None:
    with pytest.raises(AgentMissing, match=r"'\./agent\.sh' is no program in the new worktree"):
        Command().launch(_spec("./agent.sh"), place)
    (place.worktree / "agent.sh").write_text("#!/bin/sh\n")
    (place.worktree / "agent.sh").chmod(0o755)
    assert Command().launch(_spec("./agent.sh"), place).argv == ("./agent.sh",)


def _question(*labels: str, free_text: bool = False) -> Question:
    options = tuple(Option(key=str(number), label=label) for number, label in enumerate(labels, 1))
    return Question(
        id=QuestionId("q"),
        kind=Kind.QUESTION,
        title="?",
        text="?",
        options=options,
        free_text=free_text,
        asked_at=SCREEN.at,
    )


@pytest.mark.parametrize(
    ("choice", "typed"),
    [("2", "2"), ("y", "1"), ("Y", "1"), ("n", "3"), ("a", "2"), ("yes, a", "2"), ("no, n", "3")],
)
def test_an_answer_is_the_options_key_and_enter(choice: str, typed: str) -> None:
    question = _question("Yes", "Yes, always", "No, never")
    assert Command().answer(question, choice, "", SCREEN) == (Paste(typed), Keys(("Enter",)))


def test_several_answers_are_their_keys_with_commas() -> None:
    asked = _question("Types", "Style", "Tests").model_copy(update={"multiple": True})
    assert Command().answer(asked, "1,3", "", SCREEN) == (Paste("1,3"), Keys(("Enter",)))
    assert Command().answer(asked, "tests, 1", "", SCREEN) == (Paste("3,1"), Keys(("Enter",)))
    with pytest.raises(NotAnOption, match="'4' is none of the options"):
        Command().answer(asked, "1,4", "", SCREEN)
    with pytest.raises(NotAnOption, match="'1,3' is none of the options"):
        Command().answer(_question("Types", "Style", "Tests"), "1,3", "", SCREEN)


def test_a_choice_that_is_no_option_names_those_that_are() -> None:
    with pytest.raises(NotAnOption, match="'never' is none of the options") as caught:
        Command().answer(_question("Yes", "No, never"), "never", "", SCREEN)
    assert caught.value.hint == "choose one of: 1 Yes · 2 No, never"


def test_words_are_typed_only_where_words_are_taken() -> None:
    given = (Paste("as you like"), Keys(("Enter",)))
    assert Command().answer(_question("Yes", free_text=True), "", "as you like", SCREEN) == given
    assert Command().answer(_question(), "as you like", "", SCREEN) == given
    with pytest.raises(NotAnOption, match="no answer in words"):
        Command().answer(_question("Yes"), "", "as you like", SCREEN)


def test_a_shell_script_joins_is_answered_and_its_work_is_there(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "hello", "--", str(ROOT / "examples" / "joined.sh"))
    machine.ok("wait", "hello", "--for", "blocked", "--timeout", "20")
    asked = machine.session("hello")
    assert (asked["kind"], asked["question"]["id"], asked["question"]["title"]) == (
        "permission",
        "write",
        "Write the count to COUNT?",
    )
    assert machine.refused("answer", "hello", "7").count("is none of the options") == 1
    machine.ok("answer", "hello", "y", "--question", "write")
    machine.ok("wait", "hello", "--for", "done", "--timeout", "20")
    found = machine.session("hello")
    assert (Path(found["worktree"]) / "COUNT").read_text() == "1\n"
    assert "asks nothing" in machine.refused("answer", "hello", "y")


def test_a_python_program_joins_and_a_killed_daemon_knows_all_of_it_again(machine: Machine) -> None:
    program = ("--", sys.executable, str(ROOT / "examples" / "joined.py"), "{prompt}")
    machine.ok("run", "--agent", "command", "--name", "words", "--prompt", "hello", *program)
    machine.ok("wait", "words", "--for", "blocked", "--timeout", "20")
    before = machine.session("words")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    machine.ok("wait", "words", "--for", "blocked", "--timeout", "20")
    after = machine.session("words")
    for key in ("state", "since", "question", "tokens"):
        assert after[key] == before[key], key
    assert after["tokens"]["input"] == 1
    machine.ok("answer", "words", "in all")
    machine.ok("wait", "words", "--for", "done", "--timeout", "20")
    assert "1 lines in 1 files" in machine.ok("show", "words")


def test_a_program_that_never_joins_gets_its_task_typed_and_is_never_called_idle(machine: Machine) -> None:
    script = 'echo "what? "; read -r task; echo "$task" > TASK; for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done; cat'
    machine.ok("run", "--agent", "command", "--name", "mute", "--prompt", 'say "hi" $x', "--", "sh", "-c", script)
    for _turn in ("it asks", "it was told"):  # its task is typed once it has fallen quiet
        machine.ok("wait", "mute", "--for", "working", "--timeout", "20")
        machine.ok("wait", "mute", "--for", "unknown", "--timeout", "30")
    found = machine.session("mute")
    assert (Path(found["worktree"]) / "TASK").read_text() == 'say "hi" $x\n'
    log = machine.ok("log", "mute")
    assert "idle" not in log
    machine.ok("stop", "mute")
    assert machine.session("mute")["state"] == "exited"


def test_how_a_program_ended_is_known(machine: Machine) -> None:
    for name, end, state in (
        ("good", "exit 0", "exited"),
        ("bad", "exit 3", "crashed"),
        ("hit", "kill -9 $$", "crashed"),
    ):
        machine.ok("run", "--agent", "command", "--name", name, "--", "sh", "-c", f"echo here; sleep 0.2; {end}")
        machine.ok("wait", name, "--for", "exited,crashed,lost", "--timeout", "20")
        assert machine.session(name)["state"] == state, machine.ok("why", name)
    assert "exited with code 0" in machine.ok("why", "good")
    assert "exited with code 3" in machine.ok("why", "bad")
    assert "ended by signal 9" in machine.ok("why", "hit")


def test_a_program_that_is_missing_is_refused_before_anything_is_made(machine: Machine) -> None:
    said = machine.refused("run", "--agent", "command", "--name", "none", "--", "no-such-program")
    assert "'no-such-program' was not found" in said
    assert "no command to run" in machine.refused("run", "--agent", "command", "--name", "none")
    assert machine.json("ls") == []
    assert machine.git("worktree", "list").count("\n") == 0
