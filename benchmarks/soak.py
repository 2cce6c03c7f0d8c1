"""The soak: many scripted agents for a long time, while the daemon and the dashboard are killed at random.

``python -m benchmarks.soak [MINUTES] [AGENTS] [SEED]``. All of it happens: writes, commits, questions and answers,
merges, updates, removals, undo, resumes. At the end each agent's own record is held against the ledger and the
repository: sessions launched twice, events lost, work lost. The daemon is not killed in the last third, whose memory
tells whether it grows.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from benchmarks.soak_ledger import judge
from benchmarks.soak_stage import Stage
from benchmarks.stage import memory_mb
from orchestrator import client

QUIET_FROM = 2 / 3
"""Share of the time after which the daemon is left alone."""


class Soak:
    def __init__(self, stage: Stage, minutes: float, agents: int, seed: int) -> None:
        self.stage = stage
        self.agents = agents
        self.chance = random.Random(seed)
        self.began = time.monotonic()
        self.length = minutes * 60
        self.names = 0
        self.done: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.memory: list[tuple[float, int, float]] = []  # share of the time, pid, MB
        self.kills = {"daemon": 0, "dashboard": 0}
        self.next = {"daemon": self.wait("daemon"), "dashboard": self.wait("dashboard"), "memory": 0.0}

    @property
    def share(self) -> float:
        return (time.monotonic() - self.began) / self.length

    def wait(self, whom: str) -> float:
        return time.monotonic() - self.began + self.chance.uniform(10, 40 if whom == "daemon" else 60)

    def run(self) -> None:
        dashboard = self.stage.dashboard()
        while self.share < 1:
            now = time.monotonic() - self.began
            if now > self.next["daemon"] and self.share < QUIET_FROM:
                self.next["daemon"] = self.wait("daemon")
                self.kill_daemon()
            if now > self.next["dashboard"]:
                self.next["dashboard"] = self.wait("dashboard")
                os.kill(dashboard, signal.SIGKILL)
                self.kills["dashboard"] += 1
                dashboard = self.stage.dashboard()
            if now > self.next["memory"]:
                self.next["memory"] = now + 2
                self.look_at_memory()
            self.act()
            time.sleep(self.chance.uniform(0.05, 0.4))

    def kill_daemon(self) -> None:
        pid = self.stage.daemon()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.kills["daemon"] += 1
            time.sleep(self.chance.uniform(0, 2))

    def look_at_memory(self) -> None:
        pid = self.stage.daemon()
        if pid is not None:
            self.memory.append((self.share, pid, memory_mb(pid)))

    def act(self) -> None:
        """One thing that a human does."""
        sessions = self.sessions()
        self.answer(sessions)
        alive = [item for item in sessions if item["state"] not in ("exited", "crashed", "lost", "failed")]
        if len(alive) < self.agents:
            gone = [item for item in sessions if item not in alive]
            if gone and self.chance.random() < 0.7:
                self.call("resume", session=self.chance.choice(gone)["id"], env=dict(os.environ))
            else:
                self.launch()
            return
        item = self.chance.choice(alive)
        what = self.chance.choices(
            ("merge", "update", "remove", "undo", "snapshot", "stop", "restore", "nothing"), (6, 2, 1, 2, 3, 1, 1, 8)
        )[0]
        if what == "merge":
            self.call("merge", session=item["id"], checks=[])
        elif what == "undo":
            self.call("undo", operation="")
        elif what in ("update", "remove", "snapshot", "stop", "restore"):
            self.call(what, session=item["id"])

    def answer(self, sessions: list[dict[str, Any]]) -> None:
        for item in sessions:
            if item["state"] == "blocked" and item["question"]:
                choice = self.chance.choice("12")
                self.call("answer", session=item["id"], choice=choice, question=item["question"]["id"])

    def launch(self) -> None:
        self.names += 1
        name = f"n{self.names}"
        argv = [sys.executable, "-m", "benchmarks.soak_agent", str(self.stage.records), name]
        self.call(
            "run",
            repository=str(self.stage.repository),
            prompt="",
            agent="command",
            name=name,
            command=argv,
            env=dict(os.environ),
        )

    def sessions(self) -> list[dict[str, Any]]:
        with suppress(client.DaemonError):
            client.ensure_daemon()
            found: list[dict[str, Any]] = client.request("GET", "/v1/fleet?json=ls")[1]["sessions"]
            return found
        return []

    def call(self, verb: str, **given: object) -> None:
        """Whether it was done is for the records to say: the daemon may have been killed in the middle."""
        try:
            client.ensure_daemon()
            status, said = client.request("POST", "/v1/call", {"verb": verb, **given}, 60.0)
        except client.DaemonError as error:
            status, said = 0, {"error": error.message}
        counted = self.done if status == 200 else self.refused
        key = verb if status == 200 else f"{verb}: {' '.join(said['error'].split()[:12])}"
        counted[key] = counted.get(key, 0) + 1

    def end(self) -> None:
        """Let all agents come to rest, questions included."""
        (self.stage.records / "stop").touch()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            sessions = self.sessions()
            self.answer(sessions)
            if sessions and all(item["state"] in ("exited", "crashed", "lost", "failed") for item in sessions):
                return
            time.sleep(0.2)
        raise SystemExit("agents did not come to rest: " + ", ".join(f"{i['name']} {i['state']}" for i in sessions))


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    agents = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with Stage() as stage:
        soak = Soak(stage, minutes, agents, seed)
        soak.run()
        soak.end()
        took = time.monotonic() - soak.began
        client.request("POST", "/v1/call", {"verb": "down"})
        client.wait_gone()
        found = judge(stage)
        _tell(soak, took)
    for line in found.lines():
        print(line)
    return 0 if found.whole else 1


def _tell(soak: Soak, took: float) -> None:
    print(f"{took / 60:.1f} minutes, {soak.agents} agents at a time, {soak.names} sessions in all")
    print(f"killed: the daemon {soak.kills['daemon']} times, the dashboard {soak.kills['dashboard']} times")
    print("done: " + ", ".join(f"{verb} {count}" for verb, count in sorted(soak.done.items())))
    for what, count in sorted(soak.refused.items(), key=lambda item: -item[1]):
        print(f"  refused {count}: {what}")
    last = soak.memory[-1][1] if soak.memory else 0
    life = [(share, mb) for share, pid, mb in soak.memory if pid == last]
    early = [mb for share, _pid, mb in soak.memory if share >= 0.1][:5]
    print(
        f"the daemon's memory: {max(early, default=0):.1f} MB at 10 %, {life[-1][1] if life else 0:.1f} MB at the end; "
        f"its last life from {life[0][0]:.0%}: "
        + " → ".join(f"{life[int((len(life) - 1) * part)][1]:.1f}" for part in (0, 0.25, 0.5, 0.75, 1) if life)
        + " MB"
    )


if __name__ == "__main__":
    sys.exit(main())
