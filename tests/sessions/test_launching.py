"""From a spec to a running program: once, privately, with the caller's environment."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from sessions import launching
from sessions.agents.contract import Launch, Place
from sessions.models import Spec

SPEC = Spec(agent="command", name="x", prompt="do it")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    work = tmp_path / "it's work $(x)"
    work.mkdir()
    return Place(
        folder=tmp_path / "a folder", worktree=work, env={"PATH": os.environ["PATH"], "HOME": "/h", "KEY": "s"}
    )


def _write(place: Place, *argv: str, generation: int = 1, **env: str) -> tuple[str, ...]:
    return launching.write(place, SPEC, Launch(argv=argv, files={"extra.json": "{}"}), env, generation)


def _run(argv: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, timeout=20, check=False)


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        " a  b ",
        "it's",
        'say "x"',
        "$HOME `id` $(id) \\n \\",
        "two\nlines\n",
        "🎉 ünï",
        "-n",
        "a=b",
        "*",
        "!",
    ],
)
def test_values_and_arguments_arrive_as_they_are(place: Place, value: str) -> None:
    argv = _write(place, "/bin/sh", "-c", 'printf "%s|%s" "$VALUE" "$1"', "sh", value, VALUE=value)
    assert _run(argv).stdout.decode() == f"{value}|{value}"


def test_a_name_that_is_no_utf_8_arrives_too(place: Place) -> None:
    value = os.fsdecode(b"\xff\xfe")
    assert _run(_write(place, "/bin/sh", "-c", 'printf %s "$VALUE"', VALUE=value)).stdout == b"\xff\xfe"


def test_one_launch_runs_once(place: Place) -> None:
    argv = _write(place, "/bin/sh", "-c", "echo ran")
    assert launching.pending(place.folder)
    assert _run(argv).stdout == b"ran\n"
    assert not launching.pending(place.folder)
    assert launching.ran(place.folder, 1)
    assert launching.leader(place.folder, 1) is not None
    again = _run(argv)
    assert again.returncode != 0
    assert again.stdout == b""


def test_a_script_that_is_written_again_for_the_same_launch_does_not_run_again(place: Place) -> None:
    assert _run(_write(place, "/bin/echo", "ran")).stdout == b"ran\n"
    again = _run(_write(place, "/bin/echo", "ran"))
    assert (again.returncode, again.stdout) == (launching.TWICE, b"")
    assert not launching.pending(place.folder, 1)
    assert _run(_write(place, "/bin/echo", "ran", generation=2)).stdout == b"ran\n"


def test_nothing_of_the_environment_is_in_the_command_line_or_readable_by_others(place: Place) -> None:
    argv = _write(place, "true", SECRET="sesame")
    assert not any("sesame" in word for word in argv)
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    for path in place.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_the_program_begins_in_its_worktree_or_not_at_all(place: Place) -> None:
    assert _run(_write(place, "/bin/pwd")).stdout.decode() == f"{place.worktree}\n"
    place.worktree.rmdir()
    gone = _run(_write(place, "/bin/echo", "ran", generation=2))
    assert (gone.returncode, gone.stdout) == (1, b"")


@pytest.mark.parametrize(("end", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_end_is_written_down(place: Place, end: str, code: int) -> None:
    assert launching.exit_code(place.folder) is None
    assert _run(_write(place, "/bin/sh", "-c", end)).returncode == code
    assert launching.exit_code(place.folder) == code


def test_the_environment_is_the_callers_without_its_terminal_and_its_git_call(place: Place) -> None:
    caller = {"TOKEN": "t", "TMUX": "/x,1,0", "TERM": "vt100", "GIT_DIR": "/g", "GIT_INDEX_FILE": "/i", "COLUMNS": "9"}
    env = launching.environment({**caller, "BASH_FUNC_x%%": "() { :; }", "LANG": "de_DE"}, {"ADDED": "1"}, place)
    assert env == {
        "TOKEN": "t",
        "LANG": "de_DE",
        "TERM": "tmux-256color",
        "ORCHESTRATOR_EVENTS": str(place.events),
        "ADDED": "1",
    }


def test_a_restarted_supervisor_recalls_the_spec_and_no_secret(place: Place) -> None:
    _write(place, "true")
    recalled = launching.recall(place.folder, place.worktree)
    assert recalled is not None
    spec, again = recalled
    assert spec == SPEC
    assert dict(again.env) == {"PATH": os.environ["PATH"], "HOME": "/h"}


@pytest.mark.parametrize("content", [None, b"", b"{}", b"torn {", b"\xff"])
def test_what_cannot_be_recalled_is_no_error(place: Place, content: bytes | None) -> None:
    _write(place, "true")
    spec = place.folder / "spec.json"
    spec.unlink() if content is None else spec.write_bytes(content)
    assert launching.recall(place.folder, place.worktree) is None


def test_a_new_launch_puts_old_evidence_away_and_keeps_what_was_told(place: Place) -> None:
    place.folder.mkdir()
    launching.clear(place)  # nothing there is no error
    for path in (place.spool, place.log, place.events):
        path.write_bytes(b"old\n")
    (place.folder / launching.EXIT).write_text("3")
    launching.clear(place)
    assert not place.spool.exists()
    assert not place.log.exists()
    assert launching.exit_code(place.folder) is None
    assert place.events.read_bytes().startswith(b"old\n")
    assert (place.folder / "pane.log.before").read_bytes() == b"old\n"
