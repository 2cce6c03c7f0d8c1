"""Our private tmux server: is tmux there, start the server, address it. The only import of libtmux.

Never the user's server: every call names our socket. ``-f /dev/null`` keeps the user's configuration out, so that a
key binding or a hook of theirs cannot change what we see.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sessions.errors import TmuxGone, TmuxMissing

if TYPE_CHECKING:
    from libtmux import Server as LibtmuxServer

OLDEST = (3, 2)
INSTALL = (
    "install it: apt install tmux (Debian) · dnf install tmux (Fedora) · pacman -S tmux (Arch) · brew install tmux"
)


def check_tmux(env: Mapping[str, str] | None = None) -> tuple[int, int]:
    """The version of tmux. Raises TmuxMissing with the install command when it is absent or older than 3.2."""
    path = shutil.which("tmux", path=(env or os.environ).get("PATH"))
    if path is None:
        raise TmuxMissing("tmux is not installed", INSTALL)
    said = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        return (99, 0) if "master" in said else OLDEST
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        raise TmuxMissing(f"tmux {found[0]} is too old; {OLDEST[0]}.{OLDEST[1]} or newer is needed", INSTALL)
    return version


class Server:
    """The tmux server behind ``tmux -L socket``."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    def running(self) -> bool:
        """The server answers."""
        return self._run("list-sessions").returncode == 0

    def has(self, name: str) -> bool:
        """A session called ``name`` exists."""
        return self._run("has-session", "-t", f"={name}").returncode == 0

    def runs(self, name: str) -> bool:
        """The program of the session ``name`` runs; False when only its dead pane is left, or nothing."""
        return self._run("list-panes", "-t", f"={name}", "-F", "#{pane_dead}").stdout.strip() == "0"

    def start(
        self, name: str, argv: tuple[str, ...], cwd: str, env: Mapping[str, str], width: int = 200, height: int = 50
    ) -> None:
        """Run ``argv`` in a new detached session called ``name``; an old one of that name is replaced.

        Starts the server if it does not run. The session's window closes when its program ends.
        """
        if self.has(name):
            self._run("kill-session", "-t", f"={name}")
        words = ["new-session", "-d", "-s", name, "-x", str(width), "-y", str(height), "-c", cwd, *argv]
        done = self._run(*words, env=env)
        if done.returncode != 0:
            raise TmuxGone(
                f"tmux could not start {name}: {done.stderr.strip()}", "orchestrator doctor looks for causes"
            )

    def kill(self) -> None:
        """End the server and everything in it. Only ever ours: the socket is named."""
        server = self._libtmux()
        if server.is_alive():
            server.kill()

    def attach_argv(self, target: str) -> tuple[str, ...]:
        return (shutil.which("tmux") or "tmux", "-L", self.socket, "attach-session", "-t", f"={target}")

    def socket_path(self) -> str:
        base = os.environ.get("TMUX_TMPDIR") or "/tmp"
        return f"{base}/tmux-{os.getuid()}/{self.socket}"

    def _libtmux(self) -> LibtmuxServer:
        import libtmux

        return libtmux.Server(socket_name=self.socket, config_file=os.devnull)

    def _run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        # Not through libtmux: it costs 0.18 s to import, and the command line starts the daemon on this path.
        argv = [shutil.which("tmux") or "tmux", "-L", self.socket, "-f", os.devnull, *words]
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
        )
