"""An agent that does what the test tells it: a shell in a pane of the daemon, led by a named pipe."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.scene import Scene
from tests.sessions.pane_program import TELL

SCRIPT = (
    TELL
    + """
cd "$2" 2>/dev/null
here=$1
echo $$ >>"$here/starts"
exec 3<>"$here/pipe"
state idle
while read -r line <&3; do eval "$line"; echo x >>"$here/did"; done
"""
)


class Puppet:
    """``starts`` counts how often the program was begun."""

    def __init__(self, scene: Scene, name: str = "p", *words: str) -> None:
        self._scene = scene
        self.name = name
        self.folder = scene.folder / f"puppet-{name}"
        self.folder.mkdir()
        os.mkfifo(self.folder / "pipe")
        (self.folder / "agent.sh").write_text(SCRIPT)
        self.launch = ("run", "--agent", "command", "--name", name, *words, "--")
        self.launch += ("/bin/sh", str(self.folder / "agent.sh"), str(self.folder))

    def run(self) -> None:
        """Launch it and wait until it stands."""
        self._scene.machine.ok(*self.launch)
        self._scene.wait(lambda: self.starts == 1, "the agent did not begin")

    @property
    def starts(self) -> int:
        return len(self.pids)

    @property
    def pids(self) -> list[int]:
        path = self.folder / "starts"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @property
    def worktree(self) -> Path:
        return Path(self._scene.machine.session(self.name)["worktree"])

    def do(self, line: str) -> None:
        """Have it run ``line`` (shell; ``state`` and ``tell`` are there) and wait until it has."""
        before = self._did()
        pipe = os.open(self.folder / "pipe", os.O_RDWR | os.O_NONBLOCK)
        try:
            os.write(pipe, line.encode() + b"\n")
            self._scene.wait(lambda: self._did() > before, f"the agent did not do {line!r}")
        finally:
            os.close(pipe)

    def _did(self) -> int:
        path = self.folder / "did"
        return path.stat().st_size if path.exists() else 0
