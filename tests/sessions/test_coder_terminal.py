"""The coder as a human meets it: a real terminal, real commands; only the model is a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.terminal_program import Coder, Program, call, environment

Start = Callable[..., Coder]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Program] = []

    def one(steps: list[dict[str, Any]], *options: str, task: str = "") -> Coder:
        started.append(Coder(tmp_path, steps, *options, task=task))
        return started[-1]  # type: ignore[return-value]

    yield one
    for program in started:
        program.close()


def test_a_command_runs_only_after_yes(start: Start) -> None:
    steps = [{"text": "May I?", "calls": [call("run", command="echo ran > made", why="to see")]}, {"text": "Thanks."}]
    coder = start(steps, task="do it")
    name = coder.question()
    assert not (coder.work / "made").exists()
    asked = coder.events("question")
    assert [(event["id"], event["kind"], event["command"]) for event in asked] == [
        (name, "permission", "echo ran > made")
    ]
    assert [option["key"] for option in asked[0]["options"]] == ["1", "2", "3"]
    coder.type("y\r")
    coder.until_state("done")
    assert (coder.work / "made").read_text() == "ran\n"
    assert coder.events("answered") == [{**coder.events("answered")[0], "id": name}]


def test_two_commands_do_not_look_like_one(start: Start) -> None:
    steps = [{"text": "", "calls": [call("run", command="rm a.txt\n\n  echo b", why="to see")]}]
    coder = start(steps, task="do it")
    coder.question()
    assert coder.events("question")[0]["title"] == "Run: rm a.txt ↵ echo b"
    assert "  │ rm a.txt\r\n" in coder.text


def test_a_refusal_in_words_reaches_the_model_and_nothing_runs(start: Start) -> None:
    steps = [{"text": "May I?", "calls": [call("run", command="echo ran > made", why="")]}, {"text": "Then not."}]
    coder = start(steps, task="do it")
    coder.question()
    coder.type("use make instead\r")
    coder.until_state("done")
    assert not (coder.work / "made").exists()
    (result,) = coder.records("tool")
    assert result["failed"]
    assert "use make instead" in result["output"]


def test_always_allows_this_command_and_no_other(start: Start) -> None:
    steps = [
        {"text": "1", "calls": [call("run", command="echo a >> log", why="")]},
        {"text": "2", "calls": [call("run", command="echo a >> log", why="")]},
        {"text": "3", "calls": [call("run", command="echo b >> log", why="")]},
        {"text": "end"},
    ]
    coder = start(steps, task="do it")
    first = coder.question()
    coder.type("a\r")
    second = coder.question()
    assert second != first
    assert (coder.work / "log").read_text() == "a\na\n"
    coder.type("n\r")
    coder.until_state("done")
    assert (coder.work / "log").read_text() == "a\na\n"


def test_a_key_that_is_no_option_is_told_and_asked_again(start: Start) -> None:
    options = [{"label": "Node"}, {"label": "Npm"}]
    coder = start([{"text": "?", "calls": [call("ask", question="Which?", options=options)]}, {"text": "{answer}!"}])
    coder.prompt()
    coder.type("choose\r")
    name = coder.question()
    coder.type("7\r")
    coder.until("'7' is none of them; type 1, 2 or words")
    coder.until(rf"answer \[q:{name}\] >")
    coder.type("n\r")  # the beginning of both
    coder.until("'n' is none of them")
    coder.until(rf"answer \[q:{name}\] >")
    coder.type("np\r")
    coder.until("Npm!")


def test_what_was_typed_before_a_question_does_not_answer_it(start: Start) -> None:
    steps = [
        {"text": "first", "calls": [call("run", command="touch started; until test -e go; do :; done", why="")]},
        {"text": "second", "calls": [call("run", command="touch never", why="")]},
        {"text": "queued one is next"},
        {"text": "got it"},
    ]
    coder = start(steps, task="do it")
    coder.question()
    coder.type("y\r")
    coder.read_until((coder.work / "started").exists, "the command does not start")
    coder.type("y\r")
    coder.until("queued: y")
    (coder.work / "go").touch()
    coder.question()
    assert not (coder.work / "never").exists()
    coder.type("n\r")
    coder.until("got it")
    assert [record["text"] for record in coder.records("user")] == ["do it", "y"]
    assert not (coder.work / "never").exists()


def test_keys_that_nobody_read_yet_do_not_answer_a_question(tmp_path: Path) -> None:
    asks = """
import pathlib
from sessions.coder.terminal import Choice, Terminal
terminal = Terminal(interactive=True)
with terminal.open():
    terminal.line("ready")
    while not pathlib.Path("go").exists():
        pass
    terminal.line(f"chosen {terminal.ask('id1', 'Which?', '', (Choice('1', 'Yes'), Choice('2', 'No')))}")
"""
    program = Program([sys.executable, "-c", asks], tmp_path, environment(tmp_path))
    try:
        program.until("ready")
        program.type("y\r")
        (tmp_path / "go").touch()
        program.until(r"answer \[q:id1\] >")
        program.type("n\r")
        program.until(r"chosen \('2', ''\)")
    finally:
        program.close()


def test_a_paste_with_line_ends_and_emoji_is_one_message(start: Start) -> None:
    coder = start([{"text": "Understood."}])
    coder.prompt()
    coder.paste('first "line"\n\n- second 🙂 $HOME `x`\n!third')
    coder.type("\r")
    coder.until_state("done")
    assert [record["text"] for record in coder.records("user")] == ['first "line"\n\n- second 🙂 $HOME `x`\n!third']


def test_a_paste_while_it_works_is_one_queued_message(start: Start) -> None:
    steps = [{"text": "", "calls": [call("run", command="touch started; until test -e go; do :; done", why="")]}]
    coder = start([*steps, {"text": "one done"}, {"text": "two done"}], "--permission-mode", "bypass", task="one")
    coder.read_until((coder.work / "started").exists, "the command does not start")
    coder.paste("two\nlines é🙂")
    coder.type("\r")
    coder.until("queued: two lines é🙂")
    (coder.work / "go").touch()
    coder.until("two done")
    assert [record["text"] for record in coder.records("user")] == ["one", "two\nlines é🙂"]


@pytest.mark.parametrize("key", ["\x03", "\x1b"], ids=["ctrl-c", "escape"])
def test_an_interrupt_ends_the_command_and_the_turn_but_not_the_program(start: Start, key: str) -> None:
    command = "sleep 1000 & echo $! > child; touch started; wait"
    steps = [{"text": "Long.", "calls": [call("run", command=command, why="")]}, {"text": "Here I am."}]
    coder = start(steps, "--permission-mode", "bypass", task="do it")
    coder.read_until((coder.work / "started").exists, "the command does not start")
    coder.type(key)
    coder.until("interrupted")
    coder.until_state("idle")
    coder.read_until(lambda: not _runs(int((coder.work / "child").read_text())), "the command's child runs on")
    coder.prompt()
    coder.type("still there?\r")
    coder.until("Here I am.")
    assert coder.records("tool")[0]["failed"]
    coder.prompt()
    coder.type("\x04")
    assert coder.ended() == 0


def test_nothing_that_is_printed_acts_on_the_terminal(start: Start) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    steps = [
        {"text": f"model {evil}", "calls": [call("run", command=f"echo 'command {evil}'", why=evil)]},
        {"text": "end"},
    ]
    coder = start(steps, task="do it")
    coder.question()
    coder.type("y\r")
    coder.until_state("done")
    coder.until("end")
    for piece in (b"\x1b]0;", b"\x1b[2J", b"\xc2\x9b", "\u202e".encode()):
        assert piece not in coder.raw
    assert coder.text.count("owned") >= 3


def test_resume_after_a_kill_gives_the_open_call_a_result_and_goes_on(start: Start) -> None:
    steps = [
        {"text": "One.", "calls": [call("write", path="a.txt", content="a\n")]},
        {"text": "Two.", "calls": [call("run", command="touch started; sleep 1000", why="")]},
        {"text": "Three."},
    ]
    coder = start(steps, "--permission-mode", "bypass", task="do it")
    coder.read_until((coder.work / "started").exists, "the command does not start")
    os.kill(coder.process.pid, signal.SIGKILL)
    coder.process.wait()
    with coder.transcript.open("ab") as file:
        file.write(b'{"role": "assist')  # a torn line
    again = start(steps, "--resume")
    again.until("goes on after 2 answers")
    again.until("Two.")
    again.prompt()
    again.type("go on\r")
    again.until("Three.")
    assert [record["failed"] for record in again.records("tool")] == [False, True]
    assert "interrupted" in again.records("tool")[-1]["output"]


def test_without_a_key_one_line_says_what_to_set(tmp_path: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sessions.coder", *options],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("coder: no key is set; set ANTHROPIC_API_KEY or OPENAI_API_KEY")
    assert done.stderr.count("\n") == 1
    assert "OPENAI_API_KEY is not set" in run("--provider", "openai", "hello").stderr
    assert "--script FILE" in run("--provider", "scripted", "hello").stderr
    assert "cannot be read" in run("--provider", "scripted", "--script", "none.json", "hello").stderr


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() != "" and not state.startswith("Z")
