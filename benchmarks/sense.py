"""What it costs to know that an agent waits, beside a loop that polls: ``make bench``.

For 10, 50 and 100 agents: the real daemon on real panes, idle and with 10 printing (5 of 10); then the same panes
alone (tmux's own cost); then the polling loop on them. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.stage import DIALOG, IDLE, Agent, Stage, cpu, events, memory_mb
from orchestrator import client

PRINTING = 10
FLAGS = 30
POLL_FLAGS = 15
REST_S = 10.0  # the kernel counts CPU in hundredths of a second


@dataclass
class Result:
    """One size. CPU in percent of a core, latencies in milliseconds."""

    agents: int
    flagged_median_ms: float
    flagged_p95_ms: float
    flagged_max_ms: float
    cpu_idle: float  # the daemon alone, nothing prints
    cpu_printing: float  # daemon, logs and tmux above what tmux uses by itself, 10 print
    tmux_alone: float
    memory_mb: float
    poll_median_ms: float
    poll_max_ms: float
    poll_cpu: float  # the loop, its tmux processes and tmux above what it uses by itself

    @property
    def ratio(self) -> float:
        """How many times our CPU the polling loop uses."""
        return self.poll_cpu / max(self.cpu_printing, 0.01)


def measure(count: int) -> Result:
    with Stage(count) as stage:
        _settle()
        daemon, tmux = stage.daemon, stage.tmux
        pipes = stage.pipes()
        idle = _percent(lambda: time.sleep(REST_S), daemon)
        printing = min(PRINTING, count // 2)
        with stage.printing(printing):
            _settle()
            latencies: list[float] = []
            used = _percent(lambda: latencies.extend(_flag(stage, printing)), daemon, tmux, *pipes)
            memory = memory_mb(daemon)
        stage.end_daemon()
        with stage.printing(printing):
            _settle()
            alone = _percent(lambda: _write_only(stage, printing), tmux)
            poll_latencies, poll_cpu = _poll(stage, printing)
    ordered = sorted(latencies)
    return Result(
        agents=count,
        flagged_median_ms=statistics.median(ordered),
        flagged_p95_ms=ordered[int(len(ordered) * 0.95) - 1],
        flagged_max_ms=ordered[-1],
        cpu_idle=idle,
        cpu_printing=max(0.0, used - alone),
        tmux_alone=alone,
        memory_mb=memory,
        poll_median_ms=statistics.median(poll_latencies),
        poll_max_ms=max(poll_latencies),
        poll_cpu=max(0.0, poll_cpu - alone),
    )


def _flag(stage: Stage, printing: int) -> list[float]:
    """Milliseconds from the write of a dialog to ``blocked`` in the ledger, for quiet agents one after the other.

    The ledger is read afterwards: a listener would be paid for by what is measured.
    """
    wrote: list[tuple[str, float]] = []
    seq = client.request("GET", "/v1/about")[1]["seq"]
    for agent in _quiet(stage, printing):
        wrote.append((agent.session, agent.write(DIALOG)))
        time.sleep(0.5)
        agent.write(IDLE)
        time.sleep(0.5)
    flagged: dict[str, list[float]] = {}
    for envelope in events(seq, 2):
        event = envelope["event"]
        if event["event"] == "status" and event["status"]["state"] == "blocked":
            at = datetime.fromisoformat(envelope["at"]).timestamp()
            flagged.setdefault(envelope["session"], []).append(at)
    found = []
    for session, moment in wrote:
        after = [at for at in flagged.get(session, ()) if at >= moment]
        if not after:
            raise SystemExit(f"{session} was never flagged")
        found.append((min(after) - moment) * 1000)
    return found


def _write_only(stage: Stage, printing: int) -> None:
    """The same writes as in :func:`_flag`, with nobody to see them."""
    for agent in _quiet(stage, printing):
        agent.write(DIALOG)
        time.sleep(0.5)
        agent.write(IDLE)
        time.sleep(0.5)


def _poll(stage: Stage, printing: int) -> tuple[list[float], float]:
    panes = [agent.pane for agent in stage.agents]
    poller = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.poller", stage.socket, *panes], stdout=subprocess.PIPE, text=True
    )
    assert poller.stdout is not None
    time.sleep(2)
    found = []
    began, used = time.monotonic(), cpu(poller.pid, stage.tmux)
    for number, agent in enumerate(_quiet(stage, printing)[:POLL_FLAGS]):
        wrote = agent.write(DIALOG)
        pane, at = poller.stdout.readline().split()
        assert pane == agent.pane
        found.append((float(at) - wrote) * 1000)
        agent.write(IDLE)
        time.sleep(0.1 + number / POLL_FLAGS)  # it was just seen: each write comes at another phase of the loop
    used = (cpu(poller.pid, stage.tmux) - used) / (time.monotonic() - began) * 100
    poller.kill()
    poller.wait()
    return found, used


def _quiet(stage: Stage, printing: int) -> list[Agent]:
    quiet = stage.agents[printing:]
    return [quiet[number % len(quiet)] for number in range(FLAGS)]


def _percent(work: object, *pids: int) -> float:
    """Percent of a core that ``pids`` used while ``work`` ran."""
    began, before = time.monotonic(), cpu(*pids)
    work()  # type: ignore[operator]
    return (cpu(*pids) - before) / (time.monotonic() - began) * 100


def _settle() -> None:
    time.sleep(4.0)  # starts, the first looks and the three seconds of silence are over


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,50,100", help="numbers of agents")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    results = []
    print(_HEAD)  # noqa: T201
    for size in options.sizes.split(","):
        result = measure(int(size))
        results.append(result)
        print(_row(result), flush=True)  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2))
    last = results[-1]
    checks = {
        f"flagged within 60 ms (median {last.flagged_median_ms:.0f} ms)": last.flagged_median_ms <= 60,
        f"at most 3 % of a core above tmux's own ({last.cpu_printing:.1f} %)": last.cpu_printing <= 3,
        f"at most a tenth of the polling loop's CPU (1/{last.ratio:.0f})": last.ratio >= 10,
    }
    print(f"\nat {last.agents} agents, {PRINTING} printing:")  # noqa: T201
    for words, held in checks.items():
        print(f"  {'✓' if held else '✗'} {words}")  # noqa: T201
    return 0 if all(checks.values()) else 1


_HEAD = (
    "                orchestrator                                            polling loop, 1 Hz\n"
    "agents  flagged: median   p95    max   CPU idle  CPU 10 print  memory   median     max     CPU   CPU ratio"
)


def _row(r: Result) -> str:
    return (
        f"{r.agents:>6}  {r.flagged_median_ms:>12.0f} ms {r.flagged_p95_ms:>3.0f} ms {r.flagged_max_ms:>3.0f} ms"
        f"  {r.cpu_idle:>6.2f} %  {r.cpu_printing:>10.2f} %  {r.memory_mb:>4.0f} MB  {r.poll_median_ms:>4.0f} ms"
        f"  {r.poll_max_ms:>4.0f} ms  {r.poll_cpu:>4.1f} %  {r.ratio:>8.0f} x"
    )


if __name__ == "__main__":
    sys.exit(main())
