"""Event streams and requests of agents' own servers, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sessions import channels, streams
from sessions.agents.contract import Ask, Post, Reading, Stream
from sessions.errors import QuestionGone, SubmitFailed
from sessions.sensing import Sensor
from tests.sessions.event_server import GREETING, EventServer

STATUS = Ask("status", "/status")


class Heard:
    """Readings, and how to wait for them."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self._news = asyncio.Event()

    def take(self, reading: Reading) -> None:
        self.readings.append(reading)
        self._news.set()

    async def until(self, true: Callable[[list[Reading]], bool]) -> None:
        async with asyncio.timeout(10):
            while not true(self.readings):
                self._news.clear()
                await self._news.wait()

    def told(self) -> list[object]:
        """Lines of the stream one by one, bodies of answers, None for a cut."""
        found: list[object] = []
        for reading in self.readings:
            if reading.data is not None:
                found.append((reading.feed, reading.data.decode()))
            else:
                found += [line.decode() for line in reading.lines] or [None]
        return found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EventServer]:
    made = EventServer(tmp_path, {"/status": (200, {"a": 1}), "/more": (200, [2])})
    yield made
    await made.stop()


@pytest.fixture
async def sensor() -> AsyncIterator[Sensor]:
    made = Sensor()
    yield made
    made.close()


def _stream(server: EventServer, *asks: Ask) -> Stream:
    return Stream("events", server.file, "/event", asks)


async def test_what_is_asked_for_comes_before_what_the_stream_brings(server: EventServer, sensor: Sensor) -> None:
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, Ask("none", "/none"), STATUS), heard.take)
    await heard.until(lambda _: GREETING in heard.told())
    await server.push('{"n": 1}', '{"n": 2}')
    await heard.until(lambda _: '{"n": 2}' in heard.told())
    assert heard.told() == [("status", '{"a": 1}'), GREETING, '{"n": 1}', '{"n": 2}']
    assert (heard.readings[0].replay, heard.readings[0].path) == (True, Path("/status"))


async def test_a_server_that_comes_later_is_found(server: EventServer, sensor: Sensor) -> None:
    heard = Heard()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await asyncio.sleep(0)
    await server.start()
    await heard.until(lambda _: GREETING in heard.told())


async def test_a_cut_is_told_and_all_is_asked_again(server: EventServer, sensor: Sensor) -> None:
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await heard.until(lambda _: GREETING in heard.told())
    server.answers["/status"] = (200, {"a": 2})
    await server.cut()
    await heard.until(lambda _: heard.told().count(GREETING) == 2)
    assert heard.told() == [("status", '{"a": 1}'), GREETING, None, ("status", '{"a": 2}'), GREETING]


async def test_what_is_wanted_later_is_asked_at_once_and_once(server: EventServer, sensor: Sensor) -> None:
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await heard.until(lambda _: GREETING in heard.told())
    for _ in range(3):
        sensor.watch_stream("k", _stream(server, Ask("more", "/more"), STATUS), heard.take)
    await heard.until(lambda _: ("more", "[2]") in heard.told())
    await server.push('{"n": 1}')
    await heard.until(lambda _: '{"n": 1}' in heard.told())
    assert server.paths().count("/more") == 1


async def test_a_stream_that_is_never_served_is_opened_again(
    server: EventServer, sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FIRST_EVENT_S", 0.2)
    server.greets = False
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await server.until_asked("/event")
    server.greets = True
    await heard.until(lambda _: GREETING in heard.told())


async def test_a_silent_stream_is_opened_again(
    server: EventServer, sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENCE_S", 0.3)
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await heard.until(lambda _: heard.told().count(GREETING) == 2)


async def test_a_stream_is_only_opened_to_a_server_that_answers(server: EventServer, sensor: Sensor) -> None:
    """Each listener too many is one that opencode keeps, and warns of on its own screen."""
    server.answers["/status"] = (503, {})
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await server.until_asked("/status", times=3)
    assert "/event" not in server.paths()
    server.answers["/status"] = (200, {})
    await heard.until(lambda _: GREETING in heard.told())
    assert server.paths().count("/event") == 1


async def test_a_server_that_is_not_reached_is_told_once(
    server: EventServer, sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_S", 0.0)
    monkeypatch.setattr(streams, "LONGEST_PAUSE_S", 0.01)
    server.answers["/status"] = (503, {})
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await server.until_asked("/status", times=4)
    server.answers["/status"] = (200, {"a": 1})
    await heard.until(lambda _: GREETING in heard.told())
    assert heard.told() == [None, ("status", '{"a": 1}'), GREETING]


async def test_a_stream_that_is_served_is_kept(
    server: EventServer, sensor: Sensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FIRST_EVENT_S", 0.2)
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await heard.until(lambda _: GREETING in heard.told())
    (tmp_path / "never").mkdir()
    never = EventServer(tmp_path / "never", {"/status": (200, {})}, greets=False)
    await never.start()
    sensor.watch_stream("never", _stream(never, STATUS), Heard().take)
    await never.until_asked("/event", times=2)  # by then the time for a greeting is over
    assert server.paths().count("/event") == 1
    await never.stop()


async def test_a_proxy_of_the_environment_is_not_asked(
    server: EventServer, sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    heard = Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await heard.until(lambda _: GREETING in heard.told())


async def test_nothing_is_heard_after_it_is_forgotten(server: EventServer, sensor: Sensor) -> None:
    heard, other = Heard(), Heard()
    await server.start()
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    sensor.watch_stream("other", _stream(server, STATUS), other.take)
    await heard.until(lambda _: GREETING in heard.told())
    await other.until(lambda _: GREETING in other.told())
    sensor.unwatch("k")
    sensor.unwatch("k")
    before = heard.told()
    await server.push('{"n": 1}')
    await other.until(lambda _: '{"n": 1}' in other.told())
    assert heard.told() == before


async def test_a_wrong_password_is_no_reason_to_hurry(server: EventServer, sensor: Sensor) -> None:
    heard = Heard()
    await server.start()
    server.password = "another"
    sensor.watch_stream("k", _stream(server, STATUS), heard.take)
    await server.until_refused(2)
    assert heard.told() == []


async def test_a_post_carries_its_body_and_the_password(server: EventServer) -> None:
    server.answers["/reply"] = (200, True)
    await server.start()
    await channels.post(Post("server.json", "/reply", {"reply": "once"}), server.folder)
    assert server.asked == [("POST", "/reply", '{"reply":"once"}')]


async def test_a_post_about_the_conversation_waits_until_it_is_known(server: EventServer) -> None:
    server.answers["/session/s1/abort"] = (200, True)
    await server.start()
    request = Post("server.json", "/session/{session}/abort", {})
    with pytest.raises(SubmitFailed):
        await channels.post(request, server.folder)
    await channels.post(request, server.folder, "s1")
    assert server.paths() == ["/session/s1/abort"]


@pytest.mark.parametrize(("status", "error"), [(404, QuestionGone), (500, SubmitFailed), (401, SubmitFailed)])
async def test_a_post_that_is_refused_says_so(server: EventServer, status: int, error: type[Exception]) -> None:
    server.answers["/reply"] = (status, {})
    await server.start()
    with pytest.raises(error):
        await channels.post(Post("server.json", "/reply", {}), server.folder)


@pytest.mark.parametrize("content", [None, "", "[]", '{"url": 1}', '{"url": "http://127.0.0.1:9"}'])
async def test_a_post_without_a_server_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "server.json").write_text(content)
    with pytest.raises(SubmitFailed):
        await channels.post(Post("server.json", "/reply", {}), tmp_path)
