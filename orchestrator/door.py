"""The door to the daemon: a unix socket in a folder that is ours alone, and who stands at its other end.

There is no other door: no TCP, no name on the network. Both sides look before they trust: the daemon before it listens,
each client before it connects. What other programs of the same user do cannot be told apart from what the user does.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 100
"""Longest path of a unix socket that every platform takes (macOS: 104 bytes with the NUL)."""


class DoorUnsafe(PermissionError):
    """The folder of the socket is not ours alone. Says which, and what to do."""


def check(folder: Path, *, mend: bool = False) -> None:
    """Raise DoorUnsafe unless ``folder`` is a real folder of ours that nobody else can enter.

    ``mend`` closes one that is ours and stands open; a link, or somebody else's folder, is never accepted.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        what = "a link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise DoorUnsafe(f"{folder} is {what}: somebody may have put it there; look at it, then remove it")
    if found.st_uid != os.getuid():
        raise DoorUnsafe(f"{folder} belongs to another user (uid {found.st_uid}); remove it, or set ORCHESTRATOR_HOME")
    if stat.S_IMODE(found.st_mode) & 0o077:
        if not mend:
            mode = f"{stat.S_IMODE(found.st_mode):o}"
            raise DoorUnsafe(f"{folder} is open to other users (mode {mode}); close it: chmod 700 {folder}")
        folder.chmod(0o700)


def peer(connection: socket.socket) -> int | None:
    """The uid at the other end, by the kernel's word (Linux: SO_PEERCRED); None where it does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", said)[1]
    return uid


class OwnersSocket(socket.socket):
    """A listening unix socket that drops every connection of another user. Root is let in: it can do all anyway.

    Where the kernel does not tell who connected (macOS), the 0700 folder alone keeps others out.
    """

    owner: int | None = None  # None: who runs this process

    def accept(self) -> tuple[socket.socket, object]:
        connection, address = super().accept()
        uid = peer(connection)
        if uid is not None and uid not in (os.getuid() if self.owner is None else self.owner, 0):
            connection.close()
            raise BlockingIOError("a connection of another user was dropped")
        return connection, address


@contextmanager
def private_files() -> Iterator[None]:
    """Files that are made inside are for their owner alone, whatever the umask and however open the folder."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def listen(path: Path) -> OwnersSocket:
    """Listen at ``path``; what lies there is a dead daemon's, because the caller holds the daemon's lock."""
    check(path.parent, mend=True)
    if len(os.fsencode(path)) > LONGEST:
        raise DoorUnsafe(f"{path} is too long for a socket ({LONGEST} bytes); set ORCHESTRATOR_HOME to a shorter one")
    path.unlink(missing_ok=True)
    listener = OwnersSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    with private_files():
        listener.bind(str(path))
    listener.listen(128)
    listener.setblocking(False)
    return listener


def connect(path: Path, timeout: float | None) -> socket.socket:
    """A connection to the daemon that listens at ``path``. OSError when nobody does, DoorUnsafe when it is not ours."""
    check(path.parent)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
        uid = peer(connection)
        if uid not in (None, os.getuid()):
            raise DoorUnsafe(f"{path} is served by another user (uid {uid}); remove it, or set ORCHESTRATOR_HOME")
    except BaseException:
        connection.close()
        raise
    return connection
