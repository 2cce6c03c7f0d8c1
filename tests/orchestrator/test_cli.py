"""The command line on a real daemon, tmux and git: the main job, bad input, and what a kill leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine

ASK = {"name": "ask", "input": {"question": "Which?", "options": [{"label": "Red"}, {"label": "Blue"}]}}


def _script(machine: Machine, *steps: dict[str, Any]) -> None:
    path = machine.folder / "script.json"
    path.write_text(json.dumps({"delay": 0, "steps": steps}))
    args = json.dumps(["--provider", "scripted", "--script", str(path)])
    machine.settings(f"[agents.coder]\nargs = {args}\n")


def _write(name: str, content: str) -> dict[str, Any]:
    return {"name": "write", "input": {"path": name, "content": content}}


def _shell(command: str) -> dict[str, Any]:
    return {"name": "run", "input": {"command": command, "why": "for the test"}}


def _coder(machine: Machine, *words: str) -> str:
    return machine.ok("run", "--agent", "coder", *words)


def test_from_a_task_to_a_merge(machine: Machine) -> None:
    _script(
        machine,
        {"text": "First.", "calls": [_write("new.txt", "one\n"), _shell("echo two >> new.txt")]},
        {"text": "Then.", "calls": [ASK]},
        {"text": "Done: {answer}."},
    )
    _coder(machine, "--name", "t", "quotes \" and '\nnewline 🎉")
    assert machine.ok("wait", "t", "--for", "blocked", "--timeout", "20").strip() == "blocked"
    item = machine.session("t")
    assert (item["kind"], item["question"]["command"]) == ("permission", "echo two >> new.txt")
    assert item["prompt"] == "quotes \" and '\nnewline 🎉"
    assert "echo two" in machine.ok("show", "t")
    assert machine.ok("why", "t").startswith("blocked (permission)")
    machine.ok("answer", "t", "y", "--question", item["question"]["id"])
    machine.ok("wait", "t", "--for", "blocked", "--timeout", "20")
    machine.ok("answer", "t", "Blue")
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    done = machine.session("t")
    assert done["said"] == "Done: Blue."
    assert done["tokens"]["output"] > 0
    assert "+two" in machine.ok("diff", "t")
    assert "new.txt" in machine.ok("diff", "t", "--stat")
    assert "it would merge" in machine.ok("merge", "t", "--dry-run")
    said = machine.refused("merge", "t", "--check", "grep -q three new.txt")
    assert "the check failed" in said
    assert machine.git("ls-tree", "--name-only", "main") == "README.md"
    machine.ok("merge", "t", "--check", "grep -q two new.txt")
    assert machine.git("show", "main:new.txt") == "one\ntwo"
    assert "merged into main" in machine.ok("log", "t")
    machine.ok("rm", "t", "--yes")
    assert machine.json("ls") == []
    assert machine.git("branch", "--list", "agent/*") == ""
    assert machine.git("for-each-ref", f"refs/orchestrator/attic/{item['id']}/") != ""


def test_a_killed_daemon_is_replaced_and_nothing_is_lost(machine: Machine) -> None:
    _script(machine, {"text": "First.", "calls": [_shell("touch made")]}, {"text": "Done."})
    _coder(machine, "--name", "t", "task")
    machine.ok("wait", "t", "--for", "blocked", "--timeout", "20")
    before = machine.session("t")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    after = machine.session("t")
    for key in ("id", "pid", "generation", "state", "since", "question", "tokens"):
        assert after[key] == before[key], key
    machine.ok("answer", "t", "y", "--question", before["question"]["id"])
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    assert (Path(after["worktree"]) / "made").exists()


def test_a_killed_tmux_server_leaves_work_and_resume(machine: Machine) -> None:
    _script(machine, {"text": "First.", "calls": [_write("kept.txt", "x")]}, {"text": "Again."}, {"text": "Third."})
    _coder(machine, "--name", "t", "task")
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    subprocess.run(["tmux", "-L", machine.server().socket, "kill-server"], check=True)
    machine.wait_for_no_daemon()
    item = machine.session("t")
    assert item["state"] == "lost"
    assert "does not run" in machine.refused("send", "t", "hello")
    assert "resume t" in machine.refused("answer", "t", "y")
    machine.ok("resume", "t")
    machine.ok("wait", "t", "--for", "idle", "--timeout", "20")
    machine.ok("send", "t", "go on")
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    again = machine.session("t")
    assert (again["said"], again["generation"]) == ("Third.", 2)
    assert (Path(again["worktree"]) / "kept.txt").exists()


def test_any_program_runs_and_its_end_is_told(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "ok", "--", "sh", "-c", "echo hello; exit 0")
    machine.ok("run", "--agent", "command", "--name", "bad", "--", "sh", "-c", "exit 3")
    machine.ok("wait", "ok", "--for", "exited", "--timeout", "20")
    machine.ok("wait", "bad", "--for", "crashed", "--timeout", "20")
    assert machine.session("bad")["exit_code"] == 3
    assert "exited with code 3" in machine.ok("why", "bad")


def test_an_agent_gets_the_callers_environment(machine: Machine) -> None:
    machine.ok("ls")  # the daemon and its tmux server start without the variable
    words = ("run", "--agent", "command", "--name", "e", "--", "sh", "-c", 'echo "$FRUIT" > fruit; exec cat')
    machine.ok(*words, FRUIT="a 'ripe' pear\n")
    path = Path(machine.session("e")["worktree"]) / "fruit"
    machine.ok("wait", "e", "--for", "working,unknown,starting", "--timeout", "10")
    deadline = 200
    while not path.exists() and deadline:
        deadline -= 1
        machine.ok("ls")
    assert path.read_text() == "a 'ripe' pear\n\n"


def test_pause_holds_and_unpause_releases(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "p", "--", "cat")
    machine.ok("pause", "p")
    item = machine.session("p")
    assert item["state"] == "paused"
    assert "T" in _states_below(item["pid"])
    machine.ok("unpause", "p")
    assert "T" not in _states_below(item["pid"])
    machine.ok("stop", "p")
    assert machine.session("p")["state"] == "exited"


def _states_below(pid: int) -> str:
    said = subprocess.run(["ps", "-o", "state=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return said.stdout


def _state_of(pid: int) -> str:
    said = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout[:1]


def test_set_up_commands_run_once_they_are_approved(machine: Machine) -> None:
    machine.write(".orchestrator.toml", '[worktree]\nrun = ["echo made > made-by-setup"]\n')
    machine.commit("recipe")
    said = machine.refused("run", "--agent", "command", "--name", "s", "--", "cat")
    assert "echo made > made-by-setup" in said
    assert "orchestrator trust" in said
    assert machine.json("ls") == []
    machine.ok("run", "--trust", "--agent", "command", "--name", "s", "--", "cat")
    assert (Path(machine.session("s")["worktree"]) / "made-by-setup").exists()
    machine.ok("run", "--agent", "command", "--name", "again", "--", "cat")


def test_tasks_of_a_file(machine: Machine) -> None:
    _script(machine, {"text": "Done."})
    path = machine.write("tasks.toml", '[[task]]\nprompt = "one"\nname = "a"\n[[task]]\nprompt = "two"\ncount = 2\n')
    said = json.loads(machine.ok("run", "--agent", "coder", "--json", "--file", str(path)))
    assert said["names"] == ["a", "two", "two-2"]
    path.write_text('[[task]]\nprmpt = "one"\n')
    assert "task 1: prmpt" in machine.refused("run", "--file", str(path), code=2)


def test_a_dirty_target_is_refused_with_the_reason(machine: Machine) -> None:
    _script(machine, {"text": "x", "calls": [_write("README.md", "changed\n")]}, {"text": "Done."})
    _coder(machine, "--name", "t", "task")
    machine.ok("wait", "t", "--for", "done", "--timeout", "20")
    machine.write("README.md", "mine\n")
    said = machine.refused("merge", "t")
    assert "uncommitted changes: README.md" in said
    assert (machine.repository / "README.md").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "--agent", "nope", "x"), 1, "there is no agent 'nope'"),
        (("run", "--agent", "codex", "x"), 1, "Codex is not installed"),
        (("run", "--agent", "command", "--", "no-such-program"), 1, "was not found"),
        (("run", "--agent", "command"), 1, "no command to run"),
        (("run", "--name=--upload-pack=x", "x"), 1, "cannot be a name"),
        (("run", "--name=../x", "x"), 1, "cannot be a name"),
        (("run", "--name=", "x"), 1, "cannot be a name"),
        (("run", "--base=--upload-pack=x", "x"), 1, "no commit"),
        (("run", "--base", "nowhere", "x"), 1, "no commit 'nowhere'"),
        (("run",), 2, "there is no task"),
        (("run", "-n", "0", "x"), 2, "between 1 and 100"),
        (("run", "--repo", "/", "x"), 1, "not in a git repository"),
        (("send", "nobody", "x"), 1, "no session 'nobody'"),
        (("answer", "nobody", "y"), 1, "no session 'nobody'"),
        (("show", "../../etc"), 1, "no session"),
        (("wait", "nobody", "--for", "dnoe"), 2, "no state dnoe"),
        (("merge", "nobody"), 1, "no session 'nobody'"),
        (("rm", "nobody"), 1, "no session 'nobody'"),
        (("attach", "nobody"), 1, "needs a terminal"),
        ((), 2, "needs a terminal"),
        (("demo",), 2, "needs a terminal"),
        (("bogus",), 2, "invalid choice"),
    ],
)
def test_bad_input_is_answered_in_words(machine: Machine, words: tuple[str, ...], code: int, said: str) -> None:
    bare = os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"])
    assert said in machine.refused(*words, code=code, PATH=bare)


def test_a_branch_of_the_user_is_never_taken(machine: Machine) -> None:
    machine.git("branch", "agent/mine")
    assert "exists already" in machine.refused("run", "--agent", "command", "--name", "mine", "--", "cat")
    assert machine.git("branch", "--list", "agent/*").strip() == "agent/mine"


def test_no_commits_yet(machine: Machine) -> None:
    empty = machine.folder / "empty"
    subprocess.run(["git", "init", "-q", str(empty)], env=machine.env, check=True)
    assert "no commits yet" in machine.refused("run", "--repo", str(empty), "x")


def test_without_tmux(machine: Machine, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    said = machine.refused("ls", PATH=str(tools))
    assert "tmux is not installed" in said
    assert "apt install tmux" in said


def test_quick_commands_import_neither_screen_nor_sdk(machine: Machine) -> None:
    machine.ok("ls")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "orchestrator", "ls"],
        cwd=machine.repository,
        env=machine.env,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "orchestrator.client" in loaded
    for heavy in ("textual", "pydantic", "anthropic", "openai", "git", "libtmux", "asyncio", "uvicorn", "sqlite3"):
        assert heavy not in loaded


def test_down_ends_the_daemon_and_agents_run_on(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "c", "--", "cat")
    pid = machine.session("c")["pid"]
    machine.ok("down")
    assert "no daemon runs" in machine.ok("down")
    assert _state_of(pid) in ("S", "R")
    assert machine.session("c")["pid"] == pid  # any command starts it again
    machine.ok("down", "--agents")
    assert _state_of(pid) in ("", "Z")  # gone, or waiting for init to take notice
