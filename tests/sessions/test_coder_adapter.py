"""The built-in coder as an agent of a session: launched, asked, answered, killed and resumed by the daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.coder import Coder
from sessions.agents.contract import Keys, Paste, Place, Screen
from sessions.errors import AgentMissing, QuestionGone
from sessions.models import Kind, Option, Question, QuestionId, Role, Spec
from tests.machine import Machine
from tests.sessions.terminal_program import call

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = Question(
    id=QuestionId("abc123"),
    kind=Kind.PERMISSION,
    title="Run: make",
    text="make",
    options=(Option(key="1", label="Yes"), Option(key="3", label="No")),
    free_text=True,
    asked_at=NOW,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(folder=tmp_path, worktree=tmp_path, env={"PATH": os.environ["PATH"]})


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "m")
    yield made
    made.end()


def _script(machine: Machine, *steps: dict[str, Any]) -> None:
    script = machine.folder / "script.json"
    script.write_text(json.dumps({"delay": 0, "steps": steps}))
    args = json.dumps(["--provider", "scripted", "--script", str(script)])
    machine.settings(f"[agents.coder]\nargs = {args}\n")


def _screen(*lines: str, in_mode: bool = False) -> Screen:
    return Screen(lines=(*lines, "", ""), title="", at=NOW, in_mode=in_mode)


def test_options_come_before_the_task_which_may_begin_with_a_dash(place: Place) -> None:
    spec = Spec(
        agent="coder",
        name="x",
        prompt="-v prints too much",
        model="m",
        base_url="http://127.0.0.1:1/v1",
        permission_mode="ask",
        args=("--provider", "openai"),
    )
    argv = Coder().launch(spec, place).argv
    assert argv[:2] == (sys.executable, "-P")
    assert argv[-2:] == ("--", "-v prints too much")
    options = " ".join(argv[4:-2])
    assert f"--transcript {place.folder / 'coder.jsonl'}" in options
    assert "--model m --base-url http://127.0.0.1:1/v1 --permission-mode ask --provider openai" in options
    assert "--resume" not in options


def test_a_resume_goes_on_with_the_latest_conversation_and_a_new_start_keeps_it(place: Place) -> None:
    spec = Spec(agent="coder", name="x")
    for name in ("coder.jsonl", "coder-2.jsonl", "coder-10.jsonl", "coder-x.jsonl"):
        (place.folder / name).write_text("{}\n")
    resumed = Coder().launch(spec.model_copy(update={"resume": True}), place).argv
    assert ("--resume", "--transcript", str(place.folder / "coder-10.jsonl")) == resumed[4:7]
    assert str(place.folder / "coder-4.jsonl") in Coder().launch(spec, place).argv


def test_the_settings_may_name_another_program(place: Place) -> None:
    argv = Coder().launch(Spec(agent="coder", name="x", command=("sh", "-c", "mine")), place).argv
    assert argv[0].endswith("/sh")
    assert argv[1:4] == ("-c", "mine", "--transcript")
    with pytest.raises(AgentMissing, match=r"'no-such' of \[agents\.coder\] was not found"):
        Coder().launch(Spec(agent="coder", name="x", command=("no-such",)), place)


def test_an_answer_is_typed_only_under_its_own_question() -> None:
    open_ = _screen("? Run: make", "answer [q:abc123] >")
    assert Coder().answer(ASKED, "n", "", open_) == (Paste("3"), Keys(("Enter",)))
    assert Coder().answer(ASKED, "", "use tox", open_) == (Paste("use tox"), Keys(("Enter",)))
    for screen in (
        _screen("answer [q:abc123] > y", "● run make", ">"),
        _screen("? Run: other", "answer [q:def456] >"),
        _screen("answer [q:abc123] > half an ans"),
        _screen("answer [q:abc123] >", in_mode=True),
        _screen(),
    ):
        with pytest.raises(QuestionGone):
            Coder().answer(ASKED, "n", "", screen)


def test_the_transcript_is_told_for_reading(tmp_path: Path) -> None:
    records = [
        {"at": "2026-03-01T00:00:00Z", "role": "user", "text": "do it"},
        {"role": "assistant", "text": "", "calls": [{"id": "1", "name": "run", "input": {"command": "make"}}]},
        {"role": "tool", "id": "1", "output": "exit code 0"},
        {"role": "assistant", "text": "Done.", "calls": []},
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"role": "assi')
    entries = Coder().transcript(path)
    assert [(entry.role, entry.title, entry.text) for entry in entries] == [
        (Role.USER, "", "do it"),
        (Role.TOOL, "run make", ""),
        (Role.TOOL, "result", "exit code 0"),
        (Role.AGENT, "", "Done."),
    ]
    assert entries[0].at == NOW


def test_modules_of_the_worktree_are_not_taken_for_the_coders_own(machine: Machine) -> None:
    machine.git("checkout", "-q", "-b", "clashing")
    for name in ("sessions/__init__.py", "json.py", "argparse.py", "prompt_toolkit.py"):
        machine.write(name, "raise SystemExit('shadowed')\n")
    machine.commit("names that clash")
    machine.git("checkout", "-q", "main")
    _script(machine, {"text": "Fine."})
    machine.ok("run", "--agent", "coder", "--base", "clashing", "--name", "clash", "do it")
    machine.ok("wait", "clash", "--for", "done", "--timeout", "20")


@pytest.mark.parametrize("state", ["blocked", "working", "done"])
def test_it_ends_by_itself_when_it_is_stopped(machine: Machine, state: str) -> None:
    mode = "default" if state == "blocked" else "bypass"
    command = "true" if state == "done" else "sleep 1000"
    _script(machine, {"text": "Long.", "calls": [call("run", command=command, why="")]}, {"text": "End."})
    machine.ok("run", "--agent", "coder", "--name", "job", "--permission-mode", mode, "do it")
    machine.ok("wait", "job", "--for", state, "--timeout", "20")
    machine.ok("stop", "job")
    assert machine.session("job")["state"] == "exited"
    assert "exited with code 0" in machine.ok("why", "job")


def test_a_message_while_it_works_comes_next_and_an_interrupt_leaves_it_at_its_prompt(machine: Machine) -> None:
    busy = {"text": "Busy.", "calls": [call("run", command="sleep 1000", why="")]}
    _script(machine, busy, {"text": "First."}, {"text": "Second."})
    machine.ok("run", "--agent", "coder", "--name", "job", "--permission-mode", "bypass", "do it")
    machine.ok("wait", "job", "--for", "working", "--timeout", "20")
    machine.ok("send", "job", "and then\nthis")
    machine.ok("interrupt", "job")
    machine.ok("wait", "job", "--for", "done", "--timeout", "20")
    machine.ok("send", "job", '-last: `$x` "!"')
    machine.ok("wait", "job", "--for", "done", "--timeout", "20")
    assert [entry["text"] for entry in _records(machine, "user")] == ["do it", "and then\nthis", '-last: `$x` "!"']


def test_a_killed_coder_asks_no_more_and_goes_on_where_it_was(machine: Machine) -> None:
    _script(
        machine,
        {"text": "Writing.", "calls": [call("write", path="a.txt", content="a\n")]},
        {"text": "May I?", "calls": [call("run", command="touch ran", why="")]},
        {"text": "Here again."},
    )
    machine.ok("run", "--agent", "coder", "--name", "job", "do it")
    machine.ok("wait", "job", "--for", "blocked", "--timeout", "20")
    before = machine.session("job")
    for pid in _pids(machine, before["id"]):
        os.kill(pid, signal.SIGKILL)
    machine.ok("wait", "job", "--for", "crashed", "--timeout", "20")
    assert "asks nothing" in machine.refused("answer", "job", "y")
    begun = len(machine.ok("log", "job").splitlines())
    machine.ok("resume", "job")
    machine.ok("wait", "job", "--for", "idle,done", "--timeout", "20")
    since = "\n".join(machine.ok("log", "job").splitlines()[begun:])
    assert "blocked" not in since
    machine.ok("send", "job", "go on\nwith é🙂")
    machine.ok("wait", "job", "--for", "done", "--timeout", "20")
    found = machine.session("job")
    assert found["tokens"]["output"] > before["tokens"]["output"]
    assert not (Path(found["worktree"]) / "ran").exists()
    assert "Here again." in machine.ok("show", "job")
    assert [entry["text"] for entry in _records(machine, "user")] == ["do it", "go on\nwith é🙂"]


def _pids(machine: Machine, session: str) -> list[int]:
    """All that runs on the pane's terminal."""
    tmux = ["tmux", "-L", machine.server().socket, "list-panes", "-s", "-t", f"={session}", "-F", "#{pane_tty}"]
    tty = subprocess.run(tmux, env=machine.env, capture_output=True, text=True, check=True).stdout.strip()
    ps = ["ps", "-o", "pid=", "-t", tty.removeprefix("/dev/")]
    return [int(pid) for pid in subprocess.run(ps, capture_output=True, text=True, check=True).stdout.split()]


def _records(machine: Machine, role: str) -> list[dict[str, Any]]:
    (path,) = machine.state.rglob("coder.jsonl")
    return [record for line in path.read_text().splitlines() if (record := json.loads(line))["role"] == role]
