"""From a spec to a running program: the private folder, the environment, the start script.

The start script is the write-ahead of a launch: it holds the caller's environment and is readable by the owner only.
Each launch of a session has a generation. The script's first act is to make the folder ``ran-GENERATION``, which only
one process can, and to remove itself: however often it is started, one generation runs once. A script that is still
there was never run, so a restarted supervisor may run it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sessions.agents.contract import Launch, Place
from sessions.models import Spec
from worktrees import durable

SCRIPT = "launch-{}.sh"
RAN = "ran-"
TWICE = 75
"""Exit code of a start script whose launch was run already."""
EXIT = "exit-code"
TO_TYPE = "to-type"
"""There from the start of a program whose task is typed until the typing begins."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOT_INHERITED = frozenset({"TMUX", "TMUX_PANE", "COLUMNS", "LINES", "PWD", "OLDPWD", "SHLVL", "_", "TERM"})
_NESTED = frozenset({"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"})  # Claude Code's word to what it runs itself
_OUTER = ("ORCHESTRATOR_EVENTS", "ORCHESTRATOR_MAIN_CHECKOUT", "ORCHESTRATOR_PORT", "ORCHESTRATOR_PI_")
_AGENTS = ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME", "GEMINI_CLI_HOME", "QWEN_HOME", "QWEN_RUNTIME_DIR")
_KEPT = ("HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR", *_AGENTS)


def outside(caller: Mapping[str, str]) -> dict[str, str]:
    """The environment of a caller that may be an agent itself, without what its session gave to it.

    An agent that is launched by an agent must neither speak for that one nor share its ports.
    """
    return {name: value for name, value in caller.items() if not name.startswith(_OUTER)}


def environment(caller: Mapping[str, str], additions: Mapping[str, str], place: Place) -> dict[str, str]:
    """What the agent sees: the caller's environment without what belongs to the caller's terminal or git call."""
    env = {
        name: value
        for name, value in caller.items()
        if _NAME.match(name) and name not in _NOT_INHERITED | _NESTED and not name.startswith("GIT_")
    }
    env.setdefault("LANG", "C.UTF-8")
    env["TERM"] = "tmux-256color"
    env["ORCHESTRATOR_EVENTS"] = str(place.events)
    env.update(additions)
    return env


def write(place: Place, spec: Spec, launch: Launch, env: Mapping[str, str], generation: int = 1) -> tuple[str, ...]:
    """Write everything that the start needs into the private folder; returns the argv that starts it.

    The argv holds no value of the environment: other users can read command lines.
    """
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.folder.chmod(0o700)
    for path in (place.events, place.spool, place.log):  # made here: an agent's umask must not open them
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    for name, content in launch.files.items():
        durable.write(place.folder / name, content)
    (place.folder / TO_TYPE).unlink(missing_ok=True)
    if spec.prompt and not launch.prompt_given:
        durable.write(place.folder / TO_TYPE, "")
    kept = {name: place.env[name] for name in _KEPT if name in place.env}
    durable.write(place.folder / "spec.json", spec.model_dump_json())
    durable.write(place.folder / "env.json", json.dumps(kept))
    ran = shlex.quote(str(place.folder / f"{RAN}{generation}"))
    lines = ["#!/bin/sh", f"mkdir -- {ran} 2>/dev/null || exit {TWICE}", f'echo "$$" >{ran}/pid', 'rm -f -- "$0"']
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(env.items())]
    lines += [f"cd -- {shlex.quote(str(place.worktree))} || exit 1"]
    # Not exec: tmux wakes a pane's own process when it is stopped, so that the program could not be held.
    # The code is written down too: tmux 3.3a loses that of a program which ends at once.
    ended = f'code=$?; printf %s "$code" >{shlex.quote(str(place.folder / EXIT))}; exit "$code"'
    lines += ["trap : INT QUIT", shlex.join(launch.argv), ended, ""]
    durable.write(place.folder / SCRIPT.format(generation), "\n".join(lines))
    return start_argv(place.folder, generation)


def clear(place: Place) -> None:
    """Put away what an earlier launch left, so that it is not taken for this one's.

    The program's events stay, because its tokens are summed from them; a line marks where this launch begins, so that a
    question of a program that was killed is open no more.
    """
    for path in (place.spool, place.log):
        with suppress(FileNotFoundError):
            path.replace(path.with_name(path.name + ".before"))
    for path in (place.folder / EXIT, *place.folder.glob(SCRIPT.format("*"))):
        path.unlink(missing_ok=True)  # a script that is still there belongs to a launch that was given up
    with suppress(FileNotFoundError):
        descriptor = os.open(place.events, os.O_WRONLY | os.O_APPEND)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b'\n{"type": "hello"}\n')


def start_argv(folder: Path, generation: int = 1) -> tuple[str, ...]:
    """The argv that runs the start script with an empty environment."""
    env = shutil.which("env") or "/usr/bin/env"
    return (env, "-i", "/bin/sh", str(folder / SCRIPT.format(generation)))


def to_type(folder: Path) -> bool:
    """The program was or will be started, and its task was never typed."""
    return (folder / TO_TYPE).exists()


def typed(folder: Path) -> None:
    """The task is typed from now on: whoever comes after a kill must not type it again."""
    (folder / TO_TYPE).unlink(missing_ok=True)


def tag(session: str, generation: int) -> str:
    """What is written on the pane of a launch, so that whoever finds it knows whose it is."""
    return f"{session} {generation}"


def exit_code(folder: Path) -> int | None:
    """How the program ended, as its start script saw it; None when it did not see that."""
    try:
        return int((folder / EXIT).read_text())
    except (OSError, ValueError):
        return None


def pending(folder: Path, generation: int = 1) -> bool:
    """True if this start was prepared and never happened."""
    return (folder / SCRIPT.format(generation)).exists() and not ran(folder, generation)


def ran(folder: Path, generation: int) -> bool:
    """The start script of this launch was run."""
    return (folder / f"{RAN}{generation}").is_dir()


def latest(folder: Path) -> int:
    """The generation of the newest launch that ran; 0 when none did."""
    numbers = (path.name.removeprefix(RAN) for path in folder.glob(RAN + "*"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def leader(folder: Path, generation: int) -> int | None:
    """Process id of the start script of this launch, which leads the pane's terminal session; None when not known."""
    try:
        return int((folder / f"{RAN}{generation}" / "pid").read_text())
    except (OSError, ValueError):
        return None


def recall(folder: Path, worktree: Path) -> tuple[Spec, Place] | None:
    """What :func:`write` kept of a session, for a supervisor that was restarted; None when it is not there."""
    try:
        spec = Spec.model_validate_json((folder / "spec.json").read_bytes())
        env = json.loads((folder / "env.json").read_bytes())
    except (OSError, ValueError):
        return None
    return spec, Place(folder=folder, worktree=worktree, env=env)
