"""Real programs in real panes of a tmux server that only the scene has."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sessions.control import Control
from tests.faults.scene import Scene
from tests.sessions.pane_program import Played

ECHO = 'state idle; while read -r line; do printf "%s\\n" "$line" >>heard; state working; state idle; done'


class Panes:
    """``alive`` asks tmux itself."""

    def __init__(self, scene: Scene, socket: str, control: Control) -> None:
        self.control = control
        self.socket = socket
        self._scene = scene
        self._played: list[Played] = []

    async def play(self, program: str, prompt: str = "") -> Played:
        """Start ``program`` (a shell script that can ``tell`` and give its ``state``) as a session."""
        name = f"p{len(self._played)}"
        played = Played(self.control, self._scene.folder / name, program, prompt=prompt, session=f"s-{name}")
        self._played.append(played)
        await played.start()
        return played

    def alive(self, session: str = "keeper") -> bool:
        words = ["tmux", "-L", self.socket, "has-session", "-t", f"={session}"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def end(self) -> None:
        for played in self._played:
            played.end()


@asynccontextmanager
async def panes(scene: Scene) -> AsyncIterator[Panes]:
    socket = scene.tmux_server("keeper")
    control = await Control.connect(socket, "keeper")
    made = Panes(scene, socket, control)
    try:
        yield made
    finally:
        made.end()
        await control.close()
