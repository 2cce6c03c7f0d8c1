"""The soak (``make soak``), short: many agents and a daemon that is killed, and a judge that sees what is missing."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks.soak import Soak
from benchmarks.soak_ledger import judge
from benchmarks.soak_stage import Stage
from orchestrator import client


@pytest.mark.timeout(300)
def test_a_short_soak_loses_nothing_and_its_judge_is_no_friend() -> None:
    with Stage() as stage:
        soak = Soak(stage, minutes=0.4, agents=5, seed=7)
        soak.next["daemon"] = 6.0
        soak.run()
        soak.end()
        client.request("POST", "/v1/call", {"verb": "down"})
        client.wait_gone()
        found = judge(stage)
        assert found.whole, found.lines()
        assert soak.kills["daemon"] > 0
        assert min(found.starts, found.files, found.told) >= 5
        untrue = (
            {"what": "start", "pid": 1, "beside": 2},
            {"what": "usage", "id": "never told"},
            {"what": "asked", "id": "never seen"},
            {"what": "wrote", "path": "work/never", "content": "written"},
        )
        record = next(stage.records.glob("*.jsonl"))
        with record.open("a") as file:
            for note in untrue:
                file.write(json.dumps({"at": time.time() + 60, **note}) + "\n")
        again = judge(stage)
        assert len(again.twice) == 1
        assert len(again.events_lost) == 3
        assert again.work_lost == ["work/never"]
