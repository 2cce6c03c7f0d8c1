"""Knowing that something changed: files, panes and processes, by push and by the poll."""

from __future__ import annotations

import asyncio
import itertools
import os
import pty
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import follow
from sessions.agents.contract import Mode, Reading, Watch
from sessions.follow import Follower
from sessions.sensing import GAP_S, LEAD_S, LONG_GAP_S, QUIET, SETTLED, STREAK, Sensor


class Heard:
    """Collects what a sensor says and lets a test wait for it."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self._news = asyncio.Event()

    def __call__(self, *items: object) -> None:
        self.items.append(items[0] if len(items) == 1 else items)
        self._news.set()

    async def next(self) -> object:
        async with asyncio.timeout(5):
            while not self.items:
                self._news.clear()
                await self._news.wait()
        return self.items.pop(0)


@pytest.fixture(params=[True, False], ids=["push", "poll"])
async def sensor(request: pytest.FixtureRequest) -> AsyncIterator[Sensor]:
    made = Sensor(push=request.param)
    yield made
    made.close()


async def _reading(heard: Heard) -> Reading:
    found = await heard.next()
    assert isinstance(found, Reading)
    return found


async def test_a_folder_made_before_the_watch_above_it_is_there_is_not_missed(
    sensor: Sensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, heard = tmp_path / "a" / "b" / "log", Heard()
    watch = sensor._watcher.folder

    def late(*words: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        watch(*words)

    monkeypatch.setattr(sensor._watcher, "folder", late)
    sensor.watch_file("k", Watch("f", path), heard)
    path.write_bytes(b"news\n")
    assert (await _reading(heard)).lines == (b"news",)


async def test_lines_are_read_as_they_come_and_torn_ones_wait(sensor: Sensor, tmp_path: Path) -> None:
    path, heard = tmp_path / "log", Heard()
    path.write_bytes(b"old\n")
    sensor.watch_file("k", Watch("f", path), heard)
    first = await _reading(heard)
    assert (first.lines, first.replay) == ((b"old",), True)
    with path.open("ab", buffering=0) as file:
        file.write(b"one\ntw")
        assert (await _reading(heard)).lines == (b"one",)
        file.write(b"o\n")
        second = await _reading(heard)
    assert (second.lines, second.replay) == ((b"two",), False)


async def test_a_file_in_a_folder_that_is_not_there_yet(sensor: Sensor, tmp_path: Path) -> None:
    heard = Heard()
    sensor.watch_file("k", Watch("f", tmp_path / "a" / "b" / "log"), heard)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").mkdir()
    (tmp_path / "a" / "b" / "log").write_bytes(b"late\n")
    found = await _reading(heard)
    assert (found.lines, found.replay) == ((b"late",), False)


async def test_every_file_of_a_pattern(sensor: Sensor, tmp_path: Path) -> None:
    heard = Heard()
    sensor.watch_file("k", Watch("f", tmp_path, Mode.WHOLE, "*.json"), heard)
    (tmp_path / "one.json").write_bytes(b"1")
    assert (await _reading(heard)).data == b"1"
    (tmp_path / "other.txt").write_bytes(b"x")
    (tmp_path / "two.json").write_bytes(b"2")
    assert (await _reading(heard)).path.name == "two.json"
    (tmp_path / "one.json").unlink()
    assert (await _reading(heard)).data is None


async def test_nothing_is_heard_of_what_is_not_watched_any_more(sensor: Sensor, tmp_path: Path) -> None:
    heard, other = Heard(), Heard()
    one, two = Watch("f", tmp_path / "one"), Watch("f", tmp_path / "two")
    sensor.watch_file("k", one, heard)
    sensor.watch_file("k", two, other)
    sensor.unwatch_file("k", one)
    (tmp_path / "one").write_bytes(b"x\n")
    (tmp_path / "two").write_bytes(b"y\n")
    assert (await _reading(other)).lines == (b"y",)
    assert heard.items == []


class Terminal:
    """A tty and its log, as tmux and ``pipe-pane`` make them."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._ours, self._theirs = pty.openpty()
        self.tty = Path(os.ttyname(self._theirs))

    def print(self, data: bytes) -> None:
        os.write(self._theirs, data)
        with self.log.open("ab") as file:
            file.write(data)

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path / "pane.log")
    yield made
    made.close()


async def test_a_pane_prints_and_falls_quiet(sensor: Sensor, terminal: Terminal) -> None:
    output, quiet = Heard(), Heard()
    sensor.watch_pane("k", terminal.tty, terminal.log, output, quiet)
    for _ in range(2):
        terminal.print(b"hello")
        assert await output.next() == "k"
    assert await quiet.next() == ("k", SETTLED)
    assert await quiet.next() == ("k", QUIET)
    assert timedelta(0) < SETTLED < QUIET


async def test_the_end_of_a_process_is_told_once(sensor: Sensor) -> None:
    heard = Heard()
    process = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE)
    sensor.watch_exit("k", process.pid, heard)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()
    assert await heard.next() == "k"
    sensor.unwatch("k")
    assert heard.items == []


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_lines_do_not_depend_on_where_writes_were_torn(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("torn") / "log"
    path.touch()
    follower = Follower("f", path, Mode.LINES)
    follower.read()
    found: list[bytes] = []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for begin, end in itertools.pairwise(places):
        with path.open("ab") as file:
            file.write(data[begin:end])
        reading = follower.read()
        found += reading.lines if reading else ()
    assert found == [line for line in data.split(b"\n")[:-1] if line.strip()]


def test_a_file_that_shrank_or_was_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\n")
    follower = Follower("f", path, Mode.LINES)
    follower.read()
    path.write_bytes(b"new\n")
    assert (reading := follower.read()) is not None
    assert reading.lines == (b"new",)
    (tmp_path / "other").write_bytes(b"another file that is longer\n")
    (tmp_path / "other").replace(path)
    assert (reading := follower.read()) is not None
    assert reading.lines == (b"another file that is longer",)


def test_a_line_without_an_end_is_dropped_once_and_what_follows_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "LONGEST_LINE", 1000)
    path = tmp_path / "log"
    path.touch()
    follower = Follower("f", path, Mode.LINES)
    follower.read()
    found: list[bytes] = []
    with path.open("ab", buffering=0) as file:
        for piece in (b"one\n", b"x" * 1500, b"x" * 1500, b"x" * 10, b"x\ntwo\n", b"y" * 1001 + b"\nthree\n"):
            file.write(piece)
            reading = follower.read()
            found += reading.lines if reading else ()
    assert found == [b"one", b"two", b"three"]
    assert follower.skipped == 2


def test_bytes_and_stamps(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"ab")
    raw, stamp = Follower("f", path, Mode.BYTES), Follower("f", path, Mode.STAMP)
    assert (reading := raw.read()) is not None
    assert (reading.data, reading.replay) == (b"ab", True)
    first = stamp.read()
    assert first is not None
    assert stamp.read() is None
    with path.open("ab") as file:
        file.write(b"\xffc")
    assert (reading := raw.read()) is not None
    assert (reading.data, reading.replay) == (b"\xffc", False)
    assert (second := stamp.read()) is not None
    assert second.data != first.data
    path.unlink()
    assert raw.read() is None
    assert (gone := stamp.read()) is not None
    assert gone.data is None


async def test_a_spinner_is_looked_at_less_often_and_its_end_at_once(terminal: Terminal) -> None:
    sensor = Sensor(push=True)
    output, quiet = Heard(), Heard()
    loop = asyncio.get_running_loop()
    sensor.watch_pane("k", terminal.tty, terminal.log, output, quiet)
    began = loop.time()
    looks = []
    for _ in range(STREAK + 3):
        terminal.print(b"-")
        assert await output.next() == "k"
        looks.append(loop.time() - began)
    gaps = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert looks[0] >= LEAD_S  # a burst is let finish
    assert all(gap >= GAP_S * 0.9 for gap in gaps)
    assert all(gap >= LONG_GAP_S * 0.9 for gap in gaps[STREAK:])
    assert await quiet.next() == ("k", SETTLED)
    sensor.close()


async def test_a_pane_that_is_watched_no_more_is_not_looked_at(sensor: Sensor, terminal: Terminal) -> None:
    gone, output, quiet = Heard(), Heard(), Heard()
    sensor.watch_pane("a", terminal.tty, terminal.log, gone, gone)
    terminal.print(b"-")
    assert await gone.next() == "a"
    sensor.unwatch("a")
    sensor.watch_pane("b", terminal.tty, terminal.log, output, quiet)
    terminal.print(b"-")
    assert await output.next() == "b"
    assert await quiet.next() == ("b", SETTLED)
    assert gone.items == []


async def test_what_was_written_before_the_watch_is_output_once(tmp_path: Path) -> None:
    sensor = Sensor()
    told: asyncio.Queue[str] = asyncio.Queue()
    log = tmp_path / "pane.log"
    log.touch()
    sensor.watch_pane("a", log, log, told.put_nowait, lambda key, silence: told.put_nowait(f"quiet {silence}"))
    sensor.wrote_before("a")
    sensor.wrote_before("a")
    sensor.wrote_before("nobody")
    async with asyncio.timeout(10):
        assert await told.get() == "a"
        assert (await told.get()).startswith("quiet 0:00:00.3")
        assert (await told.get()).startswith("quiet 0:00:03")
    assert told.empty()
    sensor.close()
