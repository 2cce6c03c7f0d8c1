"""The coder's tools on real files, real git and real processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sessions.coder.conversation import Call
from sessions.coder.permission import Permission, must_ask, request
from sessions.coder.tools import OUTPUT_LIMIT, ToolFailed, Tools


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "work").mkdir()
    return Tools(tmp_path / "work")


@pytest.mark.parametrize(("old", "times"), [("one", 2), ("three", 0), ("", 0)])
def test_edit_needs_a_text_that_occurs_once(tools: Tools, old: str, times: int) -> None:
    path = tools.root / "a.txt"
    path.write_text("one two one\n")
    with pytest.raises(ToolFailed, match=f"occurs {times} times in a.txt"):
        tools.use("edit", {"path": "a.txt", "old": old, "new": "x"})
    assert path.read_text() == "one two one\n"


def test_edit_keeps_the_line_ends_of_the_file(tools: Tools) -> None:
    path = tools.root / "a.txt"
    path.write_bytes(b"one\r\ntwo\r\nthree\r\n")
    tools.use("edit", {"path": "a.txt", "old": "one\ntwo\n", "new": "1\n2\n"})
    assert path.read_bytes() == b"1\r\n2\r\nthree\r\n"


def test_write_makes_folders_and_read_numbers_lines(tools: Tools) -> None:
    tools.use("write", {"path": "deep/er/é.txt", "content": "a\nb\nc\n"})
    assert tools.use("read", {"path": "deep/er/é.txt", "offset": 2, "limit": 1}) == "2\tb"
    assert tools.use("read", {"path": "deep"}) == "er/"


@pytest.mark.parametrize(
    "path",
    [
        "../other.txt",
        "/etc/hosts",
        "link.txt",
        "folder-link/new.txt",
        ".git/hooks/pre-commit",
        ".Git/config",
        "sub/.git/config",
        "~/x",
    ],
)
def test_a_write_that_leaves_the_folder_asks_first(tools: Tools, path: str) -> None:
    (tools.root / "link.txt").symlink_to(tools.root.parent / "other.txt")
    (tools.root / "folder-link").symlink_to(tools.root.parent)
    for name in ("write", "edit"):
        assert must_ask(Permission.DEFAULT, Call("1", name, {"path": path}), tools)
        assert not must_ask(Permission.BYPASS, Call("1", name, {"path": path}), tools)
    shown = request(Call("1", "write", {"path": path, "content": "new\n"}), tools)
    assert shown.path == str(tools.place(path))
    assert f"This changes {shown.path}, outside" in shown.body
    assert "+ new" in shown.body


def test_a_write_inside_asks_only_in_mode_ask(tools: Tools) -> None:
    (tools.root / "inner").symlink_to(tools.root / "real")
    for path in ("a.txt", "new/b.txt", "./c", "inner/d", str(tools.root / "e")):
        assert not must_ask(Permission.DEFAULT, Call("1", "write", {"path": path}), tools)
        assert must_ask(Permission.ASK, Call("1", "write", {"path": path}), tools)
    assert not must_ask(Permission.ASK, Call("1", "read", {"path": "/etc/hosts"}), tools)
    assert must_ask(Permission.DEFAULT, Call("1", "run", {"command": "true"}), tools)


def test_all_of_a_command_is_shown(tools: Tools) -> None:
    command = "\n".join(f"echo {number}" for number in range(100))
    shown = request(Call("1", "run", {"command": command, "why": "to see"}), tools)
    assert shown.body == f"to see\n{command}"
    assert shown.command == command


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("read", {"path": "none.txt"}, "No such file"),
        ("read", {"path": "a\0b"}, "no path"),
        ("read", {"path": "loop/x"}, "loop"),
        ("read", {"path": "x" * 5000}, "too long"),
        ("read", {"path": "pipe"}, "is no file"),
        ("read", {"path": "binary"}, "no text file"),
        ("read", {"path": 5}, "read"),
        ("write", {"path": "a"}, "write needs content"),
        ("search", {"pattern": "("}, "no regular expression"),
        ("search", {"pattern": "x", "glob": "/etc/*"}, "search"),
        ("run", {"command": "true", "why": "", "timeout": "long"}, "run"),
        ("fly", {}, "there is no tool fly"),
    ],
)
def test_bad_input_is_told_to_the_model(tools: Tools, name: str, given: dict[str, object], said: str) -> None:
    os.mkfifo(tools.root / "pipe")
    (tools.root / "binary").write_bytes(b"\0\1\2")
    (tools.root / "loop").symlink_to("loop")
    with pytest.raises(ToolFailed, match=said):
        tools.use(name, given)


@pytest.mark.parametrize("repository", [True, False])
def test_search_leaves_out_what_git_ignores(tools: Tools, repository: bool) -> None:
    for name in ("a.py", "deep/b.py", "c.txt", "ignored/d.py"):
        tools.use("write", {"path": name, "content": f"needle in {name}\n"})
    (tools.root / ".gitignore").write_text("ignored/\n")
    if repository:
        subprocess.run(["git", "init", "-q"], cwd=tools.root, check=True)
    ignored = [] if repository else ["ignored/d.py:1: needle in ignored/d.py"]
    found = tools.use("search", {"pattern": "nee.le"}).splitlines()
    assert found == ["a.py:1: needle in a.py", "c.txt:1: needle in c.txt", "deep/b.py:1: needle in deep/b.py", *ignored]
    assert tools.use("search", {"pattern": "needle", "glob": "deep/*.py"}) == "deep/b.py:1: needle in deep/b.py"
    assert len(tools.use("search", {"pattern": "needle", "glob": "*.py"}).splitlines()) == 2 + len(ignored)
    assert tools.use("search", {"pattern": "hay"}) == "nothing found"


def test_run_gives_code_and_both_outputs(tools: Tools) -> None:
    assert tools.use("run", {"command": "echo out; echo err >&2; exit 3", "why": ""}) == "exit code 3\nout\nerr"
    assert tools.use("run", {"command": "cat; echo end", "why": ""}) == "exit code 0\nend"


def test_run_ends_at_its_timeout_with_all_that_it_started(tools: Tools) -> None:
    said = tools.use("run", {"command": "echo begun; sleep 1000 & echo $!; wait", "why": "", "timeout": 1})
    head, begun, pid = said.splitlines()
    assert (head, begun) == ("ran into its timeout and was ended", "begun")
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    assert state.strip() == "" or state.startswith("Z")


def test_run_keeps_beginning_and_end_of_endless_output(tools: Tools) -> None:
    said = tools.use("run", {"command": "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo last", "why": ""})
    assert len(said) < OUTPUT_LIMIT + 200
    assert said.startswith("exit code 0\nfirst\nx")
    assert said.endswith("xlast")
    assert "bytes left out" in said


def test_a_program_that_is_run_cannot_speak_for_the_session(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_EVENTS", str(tools.root / "events.jsonl"))
    said = tools.use("run", {"command": 'echo "events=$ORCHESTRATOR_EVENTS"', "why": ""})
    assert said == "exit code 0\nevents="
