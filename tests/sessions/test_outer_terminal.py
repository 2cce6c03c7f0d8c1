"""What the human's own terminal gets while it is attached to a pane that prints every attack there is."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.control import Control
from sessions.tmux import Server
from tests.hostile import ATTACKS

ROOT = Path(__file__).parents[2]
# Each attack is ended by ST, a soft reset and the usual screen, and seen before the next one comes.
PROGRAM = r"""
import os, sys
from tests.hostile import ATTACKS
after = "\x1b\\\x1b[!p\x1b[0m\x1b(B\x0f\x1b[?1049l\x1b[r\x1b[H"
for number, attack in enumerate([*ATTACKS.values(), "\x1b]2;#(touch owned)#[fg=red]owned\x07"]):
    sys.stdin.readline()
    errors = "surrogateescape" if "\ud800" not in attack else "replace"
    os.write(1, (attack + after + f"<{number}>").encode("utf-8", errors))
sys.stdin.read()
"""
DEADLINE_S = 30.0


class Terminal:
    """A human's terminal: what it gets is kept, and it says that it can do everything."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.got = b""

    def until(self, there: bytes) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while there not in self.got:
            left = deadline - time.monotonic()
            assert left > 0, f"{there!r} never came: {self.got[-2000:]!r}"
            if select.select([self._master], [], [], left)[0]:
                self.got += os.read(self._master, 1 << 16)

    def types(self, data: bytes) -> None:
        os.write(self._master, data)


@contextmanager
def attached(argv: tuple[str, ...]) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 100, 0, 0))
    env = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
    client = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**env, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )
    os.close(slave)
    try:
        yield Terminal(master)
    finally:
        client.terminate()
        client.wait(10)
        os.close(master)


async def gets(control: Control, socket: str, folder: Path) -> bytes:
    """What a terminal gets that is attached while a pane prints one attack after the other."""
    argv = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-c", PROGRAM)
    pane = await control.spawn("agent", argv, str(folder), 100, 59, "x")
    with attached(Server(socket).attach_argv("agent")) as terminal:
        await asyncio.to_thread(terminal.until, b"\x1b[?1049h")
        # As iTerm2 answers: tmux then believes in clipboard, links, titles and synchronised output.
        terminal.types(b"\x1b[>65;1;1c\x1bP>|iTerm2 3.5.0\x1b\\")
        began = len(terminal.got)
        for number in range(len(ATTACKS) + 1):
            await control.press(pane.id, ["Enter"])
            await asyncio.to_thread(terminal.until, f"<{number}>".encode())
        got = terminal.got[began:]
    assert b"txt.exe" in got  # the attacks did come by, as words
    return got


def strings(got: bytes) -> set[bytes]:
    """Operating system commands and the like, but tmux's own for the beginning and end of a picture."""
    return set(re.findall(rb"\x1b[\]P_^Xk][^\x1b\x07]*", got)) - {b"\x1bP=1s", b"\x1bP=2s"}


async def test_nothing_of_a_pane_reaches_the_terminal_around_it(control: Control, socket: str, tmp_path: Path) -> None:
    got = await gets(control, socket, tmp_path)
    assert strings(got) == set()
    assert re.findall(rb"\xc2[\x80-\x9f]|[\x00\x05\x0b\x0c\x7f]", got) == []
    assert re.findall(rb"\x1b\[[?>=]?[0-9;]*(?:c|n|\$p|t|x)|\x1bZ|\x1bc|\x1b#|\x1b\[\?1049l", got) == []
    assert not (tmp_path / "owned").exists()


async def test_these_attacks_would_reach_it(control: Control, socket: str, tmp_path: Path) -> None:
    for words in (("-s", "set-clipboard", "on"), ("-g", "allow-passthrough", "on"), ("-g", "set-titles", "on")):
        await control.command("set-option", *words)
    found = strings(await gets(control, socket, tmp_path))
    assert any(string.startswith(b"\x1b]52;") for string in found)
    assert any(string.startswith((b"\x1b]0;", b"\x1b]2;")) for string in found)


async def test_the_servers_options_are_ours_whatever_they_were(control: Control, socket: str) -> None:
    for words in (("-s", "set-clipboard", "on"), ("-g", "allow-passthrough", "on"), ("-g", "set-titles", "on")):
        await control.command("set-option", *words)
    again = await Control.connect(socket, "keeper")
    try:
        assert await again.command("show-options", "-sv", "set-clipboard") == ["external"]
        assert await again.command("show-options", "-gwv", "allow-passthrough") == ["off"]
        assert await again.command("show-options", "-gv", "set-titles") == ["off"]
        assert "pane_title" not in str(await again.command("show-options", "-g", "status-right"))
    finally:
        await again.close()
