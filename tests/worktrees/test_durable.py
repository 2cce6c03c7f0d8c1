from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from worktrees import durable


def test_a_reader_sees_the_old_or_the_new_file_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "own" / "file"
    contents = ["a" * 300_000, "b" * 500_000]
    durable.write(path, contents[0])
    over = threading.Event()

    def writing() -> None:
        for turn in range(60):
            durable.write(path, contents[turn % 2])
        over.set()

    writer = threading.Thread(target=writing)
    writer.start()
    seen = set()
    while not over.is_set():
        seen.add(path.read_text())
    writer.join()
    assert seen <= set(contents)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own" / "file"
    durable.write(path, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.write(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        durable.write(tmp_path / "made" / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made" / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(precious)
    durable.write(link, "ours")
    assert (precious.read_text(), link.read_text(), link.is_symlink()) == ("mine", "ours", False)


def test_bytes_that_are_no_text_come_back(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", os.fsdecode(b"\xff\xfe"))
    assert (tmp_path / "file").read_bytes() == b"\xff\xfe"


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "count"
    durable.write(path, "0")

    def add() -> None:
        for _ in range(25):
            with durable.locked(path):
                durable.write(path, str(int(path.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "100"


def test_what_a_kill_left_of_a_write_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    """A start script holds the caller's environment: half of one must not stay."""
    folder = tmp_path / "own"
    durable.write(folder / "kept", "x")
    script = f"""
import os, signal, sys
from pathlib import Path
from worktrees import durable
os.fsync = lambda _handle: os.kill(os.getpid(), signal.SIGKILL)
durable.write(Path({str(folder)!r}) / "launch.sh", "export TOKEN=sesame")
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (folder / "launch.sh").exists()
    assert [path.read_text() for path in folder.glob(".launch.sh.*")] == ["export TOKEN=sesame"]
    assert durable.sweep(folder) == 1
    assert list(folder.iterdir()) == [folder / "kept"]
