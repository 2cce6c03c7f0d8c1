"""Commands that Codex leaves running when its turn is over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.codex_reader import OSC, CodexReader
from sessions.agents.contract import Findings, Place, Reading
from sessions.models import Spec, State

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLACE = Place(Path("/s"), Path("/w"), {"HOME": "/h", "PATH": "/bin"})


def codex(**spec: Any) -> CodexReader:
    return CodexReader(Spec(agent="codex", name="a", **spec), PLACE)


def rollout(kind: str, after: float = 0.0, **payload: Any) -> Reading:
    at = NOW + timedelta(seconds=after)
    record = {"timestamp": at.isoformat(), "type": kind, "payload": payload}
    return Reading("rollout", Path("/f"), at, lines=(json.dumps(record).encode(),))


def osc(state: str, after: float = 0.0) -> Reading:
    data = f"\x1b]7501;v=1:state={state}\x07".encode()
    return Reading("pane", Path("/p"), NOW + timedelta(seconds=after), data=data)


def hook(event: str) -> Reading:
    return Reading("hooks", Path("/h"), NOW, lines=(json.dumps({"hook_event_name": event}).encode(),))


RUNS = rollout(
    "response_item",
    type="function_call_output",
    output="Wall time: 0.5 seconds\nProcess running with session ID 43832\nOutput:\n",
)
OVER = rollout("event_msg", 1, type="task_complete", last_agent_message="It runs now.")
ENDED = rollout("event_msg", 9, type="item_completed", item={"type": "CommandExecution", "process_id": "43832"})


def told(findings: Findings) -> dict[str, State | None]:
    return {item.channel: item.state for item in findings.evidence}


def test_a_turn_is_not_done_while_a_command_of_it_runs_on() -> None:
    reader = codex()
    reader.read(osc("working"))
    reader.read(RUNS)
    assert told(reader.read(OVER)) == {"rollout": State.BACKGROUND}
    assert told(reader.read(osc("done", 1))) == {OSC: State.BACKGROUND}
    assert told(reader.read(hook("Stop"))) == {"hook": State.BACKGROUND}
    assert told(reader.read(ENDED)) == {"rollout": State.DONE, OSC: State.DONE, "hook": State.DONE}


def test_the_order_in_which_the_channels_are_read_does_not_matter() -> None:
    reader = codex()
    assert told(reader.read(osc("done", 1))) == {OSC: State.DONE}
    assert told(reader.read(hook("Stop"))) == {"hook": State.DONE}
    assert told(reader.read(RUNS)) == {OSC: State.BACKGROUND, "hook": State.BACKGROUND}
    assert told(reader.read(OVER)) == {"rollout": State.BACKGROUND}


def test_a_command_that_ended_within_the_turn_is_no_background_work() -> None:
    reader = codex()
    reader.read(osc("working"))
    reader.read(RUNS)
    assert told(reader.read(ENDED)) == {}
    assert told(reader.read(OVER)) == {"rollout": State.DONE}


def test_a_new_turn_works_and_an_interrupted_one_rests() -> None:
    reader = codex()
    for reading in (osc("working"), RUNS, OVER, osc("done")):
        reader.read(reading)
    assert told(reader.read(osc("working", 2))) == {OSC: State.WORKING}
    assert told(reader.read(rollout("event_msg", 3, type="turn_aborted", reason="interrupted"))) == {
        "rollout": State.IDLE
    }
    assert told(reader.read(osc("idle", 3))) == {OSC: State.IDLE}
    assert told(reader.read(ENDED)) == {}


def test_what_an_earlier_launch_left_running_ended_with_it() -> None:
    reader = codex(started_at=NOW + timedelta(seconds=0.5))
    reader.read(RUNS)
    assert told(reader.read(OVER)) == {"rollout": State.DONE}
