"""``orchestrator stats`` of a real daemon: usage, a wait, a daemon that was killed, and outputs for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from tests.machine import Machine

WORKS = """\
import json, os
def tell(**event):
    with open(os.environ["ORCHESTRATOR_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
tell(type="usage", id="r1", model="nobody-prices-this", input=900, output=40, cache_read=100,
     started_at="2026-03-01T10:00:00Z", ended_at="2026-03-01T10:00:04Z")
tell(type="usage", id="r2", model="claude-sonnet-4-5", input=100000, output=0)
tell(type="question", id="q1", title="go on?", options=[{"key": "1", "label": "Yes"}])
print("go on?", flush=True)
input()
tell(type="answered", id="q1")
tell(type="state", state="done")
input()
"""


@pytest.fixture
def asked(machine: Machine) -> Machine:
    program = machine.folder / "works.py"
    program.write_text(WORKS)
    machine.ok("run", "--agent", "command", "--name", "a", "--", sys.executable, str(program))
    machine.ok("wait", "a", "--for", "blocked", "--timeout", "20")
    return machine


def test_what_a_session_took(asked: Machine) -> None:
    asked.ok("answer", "a", "1")
    asked.ok("wait", "a", "--for", "done", "--timeout", "20")
    found = asked.json("stats", "--since", "all")
    (group,) = found["groups"]
    assert found["names"][group["key"]] == "a"
    assert (group["spending"]["input"], group["spending"]["output"]) == (100_900, 40)
    assert group["spending"]["cost_usd"] == pytest.approx(0.3)
    assert (group["spending"]["unpriced"], group["spending"]["cost_sources"]) == (1, ["genai-prices"])
    assert group["askings"] == 1
    waits = found["waits"]
    assert waits["longest"] == "a"
    assert waits["unnoticed_s"] + waits["queued_s"] + waits["handled_s"] == pytest.approx(group["lost_s"])
    assert found["fit"]["enough"] is False
    by_model = asked.json("stats", "--since", "all", "--by", "model")["groups"]
    assert [one["key"] for one in by_model] == ["claude-sonnet-4-5", "nobody-prices-this"]
    (row,) = csv.DictReader(io.StringIO(asked.ok("stats", "--since", "all", "--csv")))
    assert (row["name"], row["input"], row["askings"]) == ("a", "100900", "1")
    said = asked.ok("stats", "--since", "all")
    assert "≥$0.30" in said
    assert "not enough data" in said


def _attend(machine: Machine, **fields: object) -> None:
    """As a dashboard does it."""
    ask = "client.request('POST', '/v1/call', json.load(sys.stdin))"
    code = f"import json, sys; from orchestrator import client; assert {ask}[0] == 200"
    said = json.dumps({"verb": "attend", **fields})
    subprocess.run([sys.executable, "-c", code], env=machine.env, input=said, text=True, check=True)


def test_what_the_human_looked_at_splits_the_wait(asked: Machine) -> None:
    session = asked.session("a")["id"]
    _attend(asked, noticed=[session])
    _attend(asked, noticed=[session], focus=session)
    _attend(asked, noticed=[session], focus=session)  # nothing new
    asked.ok("answer", "a", "1")
    asked.ok("wait", "a", "--for", "done", "--timeout", "20")
    found = asked.json("stats", "--since", "all")
    parts = [found["waits"][name] for name in ("unnoticed_s", "queued_s", "handled_s")]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(found["total"]["lost_s"])
    assert found["fit"]["interactions"] == 1
    log = asked.ok("log", "a")
    assert (log.count("you turned to it"), log.count("you had its question on the screen")) == (1, 1)


def test_an_hour_in_which_no_daemon_ran_is_known_by_what_came_before_and_after(asked: Machine) -> None:
    os.kill(asked.daemon_pid(), signal.SIGKILL)
    asked.wait_for_no_daemon()
    with closing(sqlite3.connect(asked.state / "ledger.sqlite3")) as ledger, ledger:
        for seq, at in ledger.execute("SELECT seq, at FROM events").fetchall():
            before = datetime.fromisoformat(at) - timedelta(hours=1)
            ledger.execute("UPDATE events SET at = ? WHERE seq = ?", (before.isoformat(), seq))
        ledger.execute("DROP TABLE meta")  # what is derived from them is made anew
    found = asked.json("stats", "--since", "all")
    (group,) = found["groups"]
    began = datetime.fromisoformat(asked.session("a")["created_at"])
    assert group["time"]["blocked"] >= 3600
    assert "unknown" not in group["time"]
    assert sum(group["time"].values()) == pytest.approx(
        (datetime.fromisoformat(found["until"]) - began).total_seconds()
    )
    with closing(sqlite3.connect(asked.state / "ledger.sqlite3")) as ledger:
        told = ledger.execute('SELECT event FROM events WHERE event LIKE \'{"event":"unobserved"%\'').fetchall()
    (gap,) = (json.loads(row[0]) for row in told)
    assert gap["why"] == "daemon"


def test_a_wrong_time_is_said(machine: Machine) -> None:
    assert "is no time" in machine.refused("stats", "--since", "yesterdayish", code=2)
    assert "Nothing happened" in machine.ok("stats")


def test_a_report_is_written_and_nothing_is_written_over(asked: Machine) -> None:
    asked.ok("report", "-o", "page.html")
    text = (asked.repository / "page.html").read_text()
    assert text.startswith("<!doctype html>")
    assert ">a</text>" in text
    assert "there is a file already" in asked.refused("report", "-o", "page.html")
    asked.ok("report", "-o", "page.html", "--force")
