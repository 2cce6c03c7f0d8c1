"""Our own tmux server: found, refused, started, ended, and no other one touched."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from sessions.errors import TmuxGone, TmuxMissing
from sessions.tmux import Server, check_tmux


def _says(folder: Path, version: str) -> dict[str, str]:
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/bin:/usr/bin"}


@pytest.mark.parametrize(
    ("said", "version"),
    [("tmux 3.2", (3, 2)), ("tmux 3.3a", (3, 3)), ("tmux next-3.6", (3, 6)), ("tmux master", (99, 0))],
)
def test_versions_that_will_do(tmp_path: Path, said: str, version: tuple[int, int]) -> None:
    assert check_tmux(_says(tmp_path, said)) == version


def test_an_old_or_absent_tmux_is_refused_with_the_command_that_installs_one(tmp_path: Path) -> None:
    with pytest.raises(TmuxMissing, match=r"2\.9 is too old") as old:
        check_tmux(_says(tmp_path, "tmux 2.9a"))
    with pytest.raises(TmuxMissing, match="not installed") as absent:
        check_tmux({"PATH": str(tmp_path / "empty")})
    for error in (old, absent):
        for system in ("apt install", "dnf install", "pacman -S", "brew install"):
            assert system in error.value.hint


def test_a_server_is_started_with_the_given_environment_and_ended_alone(socket: str) -> None:
    ours = Server(f"orchestrator-test-{secrets.token_hex(5)}")
    assert not ours.running()
    argv = ("/bin/sh", "-c", "tmux wait-for -S begun; exec cat")
    env = {"PATH": os.environ["PATH"], "MARK": "here"}
    try:
        ours.start("one", argv, "/", env)
        assert ours.running()
        assert ours.has("one")
        assert not ours.has("on")  # tmux itself would take a prefix
        shown = subprocess.run(
            ["tmux", "-L", ours.socket, "show-environment", "-g", "MARK"], capture_output=True, text=True, check=True
        )
        assert shown.stdout == "MARK=here\n"
        ours.start("one", ("cat",), "/", env)  # replaces the old one
        listed = subprocess.run(
            ["tmux", "-L", ours.socket, "list-sessions", "-F", "#S"], capture_output=True, text=True, check=True
        )
        assert listed.stdout == "one\n"
    finally:
        ours.kill()
    assert not ours.running()
    assert Server(socket).running()
    ours.kill()  # twice is once


def test_a_start_that_tmux_refuses_says_what_failed(socket: str) -> None:
    with pytest.raises(TmuxGone, match="could not start"):
        Server(socket).start("two", ("cat",), "/", dict(os.environ), width=-5)
