"""The daemon's socket: who gets in, what is refused, and that there is no other door."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import door, home
from tests.machine import Machine
from worktrees import places

NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, as a 0700 folder of ours never is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_link_or_a_stranger_in_place_of_our_folder_is_refused(tmp_path: Path) -> None:
    ours = tmp_path / "run"
    ours.mkdir(mode=0o700)
    door.check(ours)
    link = tmp_path / "link"
    link.symlink_to(ours)
    with pytest.raises(door.DoorUnsafe, match="is a link"):
        door.check(link, mend=True)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(door.DoorUnsafe, match="is no folder"):
        door.check(file, mend=True)
    ours.chmod(0o750)
    with pytest.raises(door.DoorUnsafe, match="mode 750"):
        door.check(ours)
    door.check(ours, mend=True)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)  # as the other user sees our folder
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    with pytest.raises(door.DoorUnsafe, match="belongs to another user"):
        door.check(folder, mend=True)
    with pytest.raises(PermissionError, match="belongs to another user"):
        places.private(folder)


def test_a_state_folder_that_others_can_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "state"))
    home.home().chmod(0o777)
    with pytest.raises(PermissionError, match="chmod go-w"):
        home.socket_path()


async def test_another_user_is_dropped_though_folder_and_socket_are_open(open_folder: Path) -> None:
    listener = _open_to_all(open_folder / "daemon.sock")

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_unix_server(greet, sock=listener)
    async with server:
        assert await _heard(open_folder / "daemon.sock", None) == b"hello"
        if os.getuid() == 0:
            assert await _heard(open_folder / "daemon.sock", NOBODY) == b""
        listener.owner = os.getuid() + 1  # as if we were another than the owner, whoever runs this
        if os.getuid() != 0:
            assert await _heard(open_folder / "daemon.sock", None) == b""
        listener.owner = None
        assert await _heard(open_folder / "daemon.sock", None) == b"hello"


def _open_to_all(path: Path) -> door.OwnersSocket:
    listener = door.listen(path)
    path.parent.chmod(0o755)  # listen had closed it
    path.chmod(0o777)
    return listener


async def _heard(path: Path, uid: int | None) -> bytes:
    """What a process of that user hears from the socket."""
    script = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdout.buffer.write(s.recv(9))"
    )
    more = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env", "-i", "python3", "-c", script, str(path), stdout=asyncio.subprocess.PIPE, cwd="/", **more
    )
    return (await process.communicate())[0]


def test_a_client_does_not_speak_to_a_server_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    listener = door.listen(folder / "daemon.sock")
    monkeypatch.setattr(door, "peer", lambda _connection: NOBODY)
    with pytest.raises(door.DoorUnsafe, match=f"served by another user .uid {NOBODY}"):
        door.connect(folder / "daemon.sock", 2)
    listener.close()


def test_the_kernel_tells_who_is_there() -> None:
    one, other = socket.socketpair()
    assert door.peer(one) == os.getuid()
    one.close()
    other.close()


def test_a_long_home_gets_a_short_socket_whatever_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / ("x" * 120)))
    first = home.socket_path()
    assert len(os.fsencode(first)) <= door.LONGEST
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert home.socket_path() == first
    door.listen(first).close()
    first.unlink()
    first.parent.rmdir()
    first.parent.symlink_to(tmp_path)  # planted under /tmp, where everybody may write
    try:
        with pytest.raises(door.DoorUnsafe, match="is a link"):
            door.listen(home.socket_path())
    finally:
        first.parent.unlink()
    with pytest.raises(door.DoorUnsafe, match="too long"):
        door.listen(_made(tmp_path / ("y" * 120)) / "daemon.sock")


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def test_what_the_daemon_makes_is_closed_and_it_listens_nowhere_else(machine: Machine) -> None:
    machine.state.mkdir(mode=0o755)
    machine.ok("run", "--agent", "command", "--name", "t", "--", "cat")
    folder = machine.state / "sessions" / machine.session("t")["id"]
    for path in (machine.state / "run", machine.state / "sessions", folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    files = [*folder.glob("*"), machine.state / "run" / "daemon.sock", machine.state / "daemon.log"]
    files += machine.state.glob("ledger.sqlite3*")
    for path in files:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077 or path.is_dir(), path
    pid = machine.daemon_pid()
    handles = [_target(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {found[1] for handle in handles if (found := re.match(r"socket:\[(\d+)\]", handle))}
    assert sockets
    for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"):
        table = Path(f"/proc/{pid}/net/{name}")
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            assert not sockets & set(line.split()), f"{name}: {line}"


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - a socket's name is no path
    except OSError:
        return ""


def test_a_loosened_folder_is_not_used_until_it_is_closed(machine: Machine) -> None:
    machine.ok("ls")
    (machine.state / "run").chmod(0o755)
    said = machine.refused("ls")
    assert "the daemon's socket is not used" in said
    assert f"chmod 700 {machine.state}/run" in said
    (machine.state / "run").chmod(0o700)
    machine.ok("ls")


def speak(machine: Machine, *parts: bytes, leave: bool = True) -> bytes:
    """Send raw bytes to the daemon; all that it says until it closes. ``leave``: hang up after the last of them."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(machine.state / "run" / "daemon.sock"))
    heard = b""
    try:
        for part in parts:
            connection.sendall(part)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(65536):
            heard += data
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        connection.close()
    return heard


ABOUT = b"GET /v1/about HTTP/1.1\r\nHost: localhost\r\n"


def test_what_a_web_page_would_send_is_refused(machine: Machine) -> None:
    machine.ok("ls")
    assert speak(machine, ABOUT, b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    for line in (b"Origin: http://evil.example", b"Origin: null", b"Sec-Fetch-Site: cross-site"):
        assert speak(machine, ABOUT, line, b"\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 403")
    rebound = ABOUT.replace(b"localhost", b"evil.example:80") + b"Connection: close\r\n\r\n"
    assert speak(machine, rebound).startswith(b"HTTP/1.1 403")
    down = b'{"verb": "down", "agents": true}'
    form = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Type: text/plain\r\n"
    assert b"403" in speak(machine, form, b"Content-Length: %d\r\n\r\n" % len(down), down).split(b"\r\n")[0]
    assert speak(machine, ABOUT, b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_garbage_and_smuggled_requests_do_no_harm(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "t", "--", "cat")
    pid = machine.daemon_pid()
    down = b'{"verb": "down", "agents": true}'
    hidden = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(down) + down
    for headers in (
        b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(hidden),
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: identity, chunked\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    ):
        speak(machine, b"POST /v1/about HTTP/1.1\r\nHost: localhost\r\n", headers)
    source = random.Random(4)
    for _ in range(60):
        speak(machine, source.randbytes(source.randint(1, 4000)))
        cut = source.randint(1, len(hidden) - 2)
        speak(machine, hidden[:cut])
    for body in (b"", b"null", b"[]", b'{"verb": "nope"}', b'{"verb": "down", "agents": 3}', b"\xff", b"[" * 100_000):
        request = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        assert speak(machine, request % len(body), body).startswith(b"HTTP/1.1 422"), body[:20]
    assert machine.daemon_pid() == pid
    assert machine.session("t")["state"] != "exited"


def test_a_client_that_is_killed_in_the_middle_of_a_command_leaves_no_trace(machine: Machine) -> None:
    machine.ok("ls")
    head = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    assert speak(machine, head, b'{"verb": "down"') == b""
    machine.ok("ls")
    assert "Traceback" not in machine.log()


def test_a_body_that_is_too_large_is_refused_before_it_is_taken_in(machine: Machine) -> None:
    machine.ok("ls")
    pid = machine.daemon_pid()
    before = _resident(pid)
    head = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    speak(machine, head, *([chunk] * 200))
    assert _resident(pid) - before < 100 << 20
    assert machine.daemon_pid() == pid


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_an_agent_that_launches_another_does_not_lend_it_its_voice(machine: Machine) -> None:
    work = 'echo \'{"type":"state","state":"done"}\' >> "$ORCHESTRATOR_EVENTS"; cat'
    outer = {"ORCHESTRATOR_EVENTS": str(machine.folder / "outer.jsonl"), "ORCHESTRATOR_PORT": "1", "CLAUDECODE": "1"}
    said = 'echo "${ORCHESTRATOR_PORT-none} ${CLAUDECODE-none}" > env;'
    machine.ok("run", "--agent", "command", "--name", "inner", "--", "sh", "-c", said + work, **outer)
    machine.ok("wait", "inner", "--for", "done", "--timeout", "20")
    assert not (machine.folder / "outer.jsonl").exists()
    assert (Path(machine.session("inner")["worktree"]) / "env").read_text() == "none none\n"


def test_set_up_and_checks_do_not_speak_for_the_session_that_asked(machine: Machine) -> None:
    told = 'echo "${ORCHESTRATOR_EVENTS-none}" >> ' + str(machine.folder / "told")
    machine.write(".orchestrator.toml", f"[worktree]\nrun = ['{told}']\n[merge]\nchecks = ['{told}']\n")
    machine.commit("commands")
    machine.ok("down")
    machine.ok("trust", "--yes")
    inside = {"ORCHESTRATOR_EVENTS": "/x"}  # also the daemon is started by an agent here
    machine.ok("down")
    machine.ok("run", "--agent", "command", "--name", "t", "--", "sh", "-c", "echo x > new", **inside)
    machine.ok("wait", "t", "--for", "exited", "--timeout", "20")
    machine.ok("merge", "t", **inside)
    assert (machine.folder / "told").read_text() == "none\nnone\n"


def test_what_a_kill_left_of_a_start_script_is_gone_after_the_next_start(machine: Machine) -> None:
    machine.ok("run", "--agent", "command", "--name", "t", "--", "cat")
    half = machine.state / "sessions" / machine.session("t")["id"] / ".launch-2.sh.x7d2.part"
    half.write_text("export TOKEN=sesame")
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    machine.ok("ls")
    assert not half.exists()
