"""What of the environment decides a check's word, as one digest: a result holds only where it is equal.

In it: the variables, the operating system, and the program files that the commands begin with (path, size and time of
change). Not in it: networks, clocks, databases, and programs that those programs start. ``orchestrator checks --run``
asks anew when one of those changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_PASSING = frozenset(
    {
        *("_", "PWD", "OLDPWD", "SHLVL", "TERM", "COLORTERM", "COLUMNS", "LINES", "PS1", "WINDOWID", "STY"),
        *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "INVOCATION_ID", "JOURNAL_STREAM"),
        *(
            "SSH_AUTH_SOCK",
            "SSH_AGENT_PID",
            "SSH_CLIENT",
            "SSH_CONNECTION",
            "SSH_TTY",
            "GPG_TTY",
            "MEMORY_PRESSURE_WATCH",
        ),
    }
)
_PASSING_BEGINS = ("ORCHESTRATOR_", "TMUX", "XDG_SESSION_", "VSCODE_", "TERM_", "ITERM_", "KITTY_", "GIT_")
"""Variables that differ from terminal to terminal, and that no check's word should hang on."""


def digest(env: Mapping[str, str], commands: Iterable[str], boxed: bool) -> str:
    """Of the environment ``env`` as checks see it, in a box or not."""
    kept = {name: value for name, value in env.items() if name not in _PASSING and not name.startswith(_PASSING_BEGINS)}
    system = os.uname()
    said = [sorted(kept.items()), system.sysname, system.release, system.machine, boxed, _programs(env, commands)]
    return hashlib.sha256(json.dumps(said).encode("utf-8", "surrogatepass")).hexdigest()


def _programs(env: Mapping[str, str], commands: Iterable[str]) -> list[tuple[str, int, int]]:
    """The files of the programs that are named first."""
    found: set[tuple[str, int, int]] = set()
    for command in commands:
        with suppress(ValueError, OSError):
            words = [word for word in shlex.split(command)[:8] if "=" not in word]
            program = shutil.which(words[0], path=env.get("PATH")) if words and "/" not in words[0] else None
            if program is not None:
                state = Path(program).stat()
                found.add((program, state.st_size, state.st_mtime_ns))
    return sorted(found)
