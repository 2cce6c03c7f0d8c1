"""Knowing that something changed: files, panes and processes, by push and by the poll."""

from __future__ import annotations

import asyncio
import itertools
import os
import pty
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Mode, Reading, Watch
from sessions.follow import Follower
from sessions.sensing import QUIET, SETTLED, Sensor


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


async def test_a_pane_prints_and_falls_quiet() -> None:
    sensor = Sensor(push=True)
    ours, theirs = pty.openpty()
    output, quiet = Heard(), Heard()
    sensor.watch_pane("k", os.ttyname(theirs), output, quiet)
    await asyncio.sleep(0)
    os.write(theirs, b"hello")
    assert await output.next() == "k"
    assert await quiet.next() == ("k", SETTLED)
    assert await quiet.next() == ("k", QUIET)
    assert timedelta(0) < SETTLED < QUIET
    sensor.close()
    os.close(ours)
    os.close(theirs)


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
