"""Files of agents that are torn, huge, no text, or shrink: what is whole comes once, what is not is counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sessions import agents
from sessions.agents.contract import Mode, Place, Reading
from sessions.agents.hooks import parse
from sessions.follow import LONGEST_LINE, Follower
from sessions.models import Spec

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


def lines(follower: Follower) -> tuple[bytes, ...]:
    reading = follower.read()
    return reading.lines if reading is not None else ()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_line_of_50_mb_is_counted_once_and_the_next_one_comes(path: Path) -> None:
    follower = Follower("x", path, Mode.LINES)
    append(path, b'{"a": 1}\n')
    assert lines(follower) == (b'{"a": 1}',)
    for _ in range(5):  # as a slow writer writes it
        append(path, b"x" * (10 << 20))
        assert lines(follower) == ()
    append(path, b'\n{"b": 2}\n')
    assert lines(follower) == (b'{"b": 2}',)
    assert follower.skipped == 1
    append(path, b"y" * (LONGEST_LINE + 1) + b'\n{"c": 3}\n')
    assert lines(follower) == (b'{"c": 3}',)
    assert follower.skipped == 2


def test_a_torn_line_waits_for_its_rest_also_within_a_character(path: Path) -> None:
    follower = Follower("x", path, Mode.LINES)
    whole = '{"text": "größer 👩"}\n'.encode()
    for at in range(1, len(whole)):
        append(path, whole[:at])
        assert lines(follower) == ()
        append(path, whole[at:])
        assert [parse(line) for line in lines(follower)] == [{"text": "größer 👩"}]


def test_a_file_that_shrinks_is_read_again_as_what_stood_there_before(path: Path) -> None:
    follower = Follower("x", path, Mode.LINES)
    append(path, b"one\ntwo\nthr")
    assert lines(follower) == (b"one", b"two")
    path.write_bytes(b"one\n")
    reading = follower.read()
    assert reading is not None
    assert (reading.lines, reading.replay) == ((b"one",), True)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"\xff\xfe{}", {}),
        (b"[" * 100_000, {}),
        (b'{"a": ' * 100_000, {}),
        (b'{"n": ' + b"9" * 10_000 + b"}", {}),
        (b"", {}),
        (b"[1]", {}),
        (b'{"said": "\\ud83d", "\\udc00": ["\\ud83d\\ude00"]}', {"said": "‹U+D83D›", "‹U+DC00›": ["😀"]}),
    ],
    ids=["no UTF-8", "deep list", "deep object", "huge number", "nothing", "no object", "half a pair"],
)
def test_a_line_that_is_none_is_empty_and_half_a_character_can_be_stored(line: bytes, value: object) -> None:
    assert parse(line) == value
    json.dumps(parse(line), ensure_ascii=False).encode()


def test_usage_never_counts_backwards(tmp_path: Path) -> None:
    place = Place(folder=tmp_path, worktree=tmp_path, env={"HOME": str(tmp_path)})
    reader = agents.get("command").reader(Spec(agent="command", name="x"), place)
    (watch,) = reader.watches()
    numbers = (b"-5", b"1e400", b"NaN", b"null", b'"7"', b"true", b"[]", b"9" * 400)
    given = tuple(b'{"type": "usage", "input": %b, "output": %b, "cost_usd": %b}' % (n, n, n) for n in numbers)
    found = reader.read(Reading(watch.feed, watch.path, NOW, lines=given))
    for response in found.responses:
        assert response.usage.input >= 0
        assert response.usage.output >= 0
        assert response.cost_usd is None or 0 <= response.cost_usd < 1e9
        response.model_dump_json()
