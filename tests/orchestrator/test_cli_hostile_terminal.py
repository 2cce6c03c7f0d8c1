"""A hostile agent in a hostile repository, and the real commands in a real terminal: tmux says what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import ATTACKS, acting
from tests.machine import Machine

AGENT = """\
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from tests.hostile import ATTACKS, EVERYTHING
def raw(text):
    return text.encode("utf-8", "surrogateescape" if "\\ud800" not in text else "replace").replace(b"\\0", b"0")
for number, text in enumerate(ATTACKS.values()):
    name = raw(text).replace(b"/", b"|")[:180] or b"x"
    with open(b"%d " % number + name, "wb") as file:
        file.write(raw(text) + b"\\n+forged\\r\\n")
subprocess.run(["git", "add", "-A"], check=True)
subprocess.run([b"git", b"commit", b"-qm", raw(EVERYTHING)], check=True)
os.write(1, raw(EVERYTHING))
"""
COMMANDS = ("ls", "show h", "diff h", "diff h --stat", "log h", "why h", "merge h --dry-run", "ls --json")

MODES = ("alternate_on", "cursor_flag", "mouse_any_flag", "scroll_region_upper", "insert_flag", "wrap_flag")


@pytest.fixture
def hostile(machine: Machine) -> Machine:
    path = machine.folder / "agent.py"
    path.write_text(AGENT)
    root = str(Path(__file__).parents[2])
    machine.ok("run", "--agent", "command", "--name", "h", "--", sys.executable, str(path), root)
    machine.ok("wait", "h", "--for", "exited", "--timeout", "20")
    return machine


def test_commands_leave_the_terminal_as_it_was(hostile: Machine) -> None:
    tmux = ["tmux", "-L", f"{hostile.server().socket}-outer", "-f", os.devnull]
    env = {**hostile.env, "TERM": "xterm-256color"}

    def asked(*words: str) -> str:
        return subprocess.run([*tmux, *words], env=env, capture_output=True, text=True, check=True).stdout

    runs = "; ".join(f"{sys.executable} -m orchestrator {words}" for words in COMMANDS)
    over = f"{' '.join(tmux)} wait-for -S over; exec cat"
    script = f"cd {hostile.repository}; printf 'FIRST\\n'; {runs}; printf 'LAST'; {over}"
    try:
        asked("new-session", "-d", "-s", "x", "-x", "150", "-y", "50", "exec cat")
        asked("set-option", "-g", "history-limit", "100000")
        asked("set-option", "-s", "set-clipboard", "on")
        asked("set-option", "-g", "allow-rename", "on")
        before = asked("display-message", "-p", "-t", "x", "#{pane_title}|#{window_name}")
        asked("respawn-pane", "-k", "-t", "x", script)
        asked("wait-for", "over")
        after = asked("display-message", "-p", "-t", "x", "#{pane_title}|#{window_name}")
        modes = " ".join(f"#{{{mode}}}" for mode in MODES)
        assert asked("display-message", "-p", "-t", "x", modes) == "0 1 0 0 0 1\n"
        shown = asked("capture-pane", "-p", "-S", "-", "-t", "x")
        assert after.split("|")[0] == before.split("|")[0]
        assert asked("list-buffers") == ""  # nothing went to the clipboard
        lines = shown.rstrip().split("\n")
        assert (lines[0], lines[-1]) == ("FIRST", "LAST")
        assert acting(shown.replace("\u200e", "")) == []
        assert sum("+forged" in line for line in lines) >= len(ATTACKS) - 1
        # The same commit message as git prints it: what the terminal was left as means something.
        raw = (
            f"git -C {hostile.repository} --no-pager log -1 --format=%B agent/h; {' '.join(tmux)} wait-for -S raw; cat"
        )
        asked("respawn-pane", "-k", "-t", "x", raw)
        asked("wait-for", "raw")
        assert "owned" in asked("display-message", "-p", "-t", "x", "#{pane_title}|#{window_name}|#{buffer_sample}")
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, capture_output=True, check=False)
