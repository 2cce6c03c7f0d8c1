"""The queue on a real daemon: slots, order, dependencies, retries, and a daemon that is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.machine import Machine
from tests.nightly import some
from tests.orchestrator.test_kills import Faulty

AGENT = """
tell() { printf '%s\\n' "$1" >> "$ORCHESTRATOR_EVENTS"; }
tell '{"type": "state", "state": "working"}'
echo "$1" >> "$2/began"
read -r _ < "$2/gate-$1"
echo "$1" > "$1.txt"
[ "$1" = bad ] && { echo once >> "$2/bad"; exit 3; }
tell '{"type": "state", "state": "done"}'
cat
"""


class Tasks:
    """Tasks whose agents work until the test opens their gate."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.script = machine.folder / "task.sh"
        self.script.write_text(AGENT)

    def add(self, name: str, *words: str) -> None:
        gate = self.machine.folder / f"gate-{name}"
        if not gate.exists():
            os.mkfifo(gate)
        program = ("sh", str(self.script), name, str(self.machine.folder))
        self.machine.ok("add", "--agent", "command", "--name", name, *words, "--", *program)

    def open(self, name: str) -> None:
        """Let its agent finish."""
        self.until(lambda: name in self.began())
        (self.machine.folder / f"gate-{name}").write_text("go\n")

    def began(self) -> list[str]:
        """Names, in the order in which their programs began; one that was launched twice is there twice."""
        path = self.machine.folder / "began"
        return path.read_text().split() if path.exists() else []

    def until(self, true: object) -> None:
        self.machine.until("the queue", true)  # type: ignore[arg-type]

    def waits(self) -> dict[str, str]:
        lines = self.machine.json("queue")["lines"]
        return {line["task"]["name"]: line["why"] for line in lines if line["place"]}


@pytest.fixture
def tasks(machine: Machine) -> Tasks:
    machine.settings("[queue]\nslots = 2\n")
    return Tasks(machine)


def test_tasks_start_as_slots_free_in_their_order_and_say_why_they_wait(tasks: Tasks) -> None:
    machine = tasks.machine
    for name in ("one", "two", "three"):
        tasks.add(name)
    tasks.add("four", "--after", "one")
    tasks.add("five", "--priority", "3")
    tasks.until(lambda: sorted(tasks.began()) == ["one", "two"])
    waits = tasks.waits()
    assert list(waits) == ["five", "three", "four"]
    assert waits["five"] == waits["three"] == "2 of 2 slots are taken"
    assert waits["four"] == "comes after one, which is working"
    machine.ok("queue", "move", "three", "first")
    assert list(tasks.waits()) == ["three", "five", "four"]
    machine.ok("queue", "hold")
    tasks.open("one")
    tasks.until(lambda: machine.session("one")["state"] == "done")
    assert tasks.waits()["three"] == "the queue is held"
    machine.ok("queue", "release")
    tasks.until(lambda: tasks.began()[2:] == ["three"])
    assert "done and not landed" in tasks.waits()["four"]
    machine.ok("merge", "one", "--no-check", "-m", "One")
    assert tasks.waits()["four"] == "2 of 2 slots are taken"
    machine.ok("queue", "drop", "five")
    tasks.open("two")
    tasks.until(lambda: tasks.began()[3:] == ["four"])
    assert Path(machine.session("four")["worktree"], "one.txt").exists()  # it began where one had landed
    assert "five" not in machine.ok("queue")
    assert "it is a session now" in machine.refused("queue", "drop", "four")
    assert list((machine.state / "queue").glob("*.json"))  # three and four still run
    for name in ("three", "four"):
        tasks.open(name)
    tasks.until(lambda: machine.json("queue")["lines"] == [])
    assert not list((machine.state / "queue").glob("*.json"))  # nobody's environment is left


def test_what_fails_is_tried_again_and_what_came_after_a_dropped_one_waits_for_the_human(tasks: Tasks) -> None:
    machine = tasks.machine
    tasks.add("bad", "--retries", "1")
    tasks.add("next", "--after", "bad", "--when", "done")
    tasks.open("bad")
    tasks.until(lambda: "tried again at" in tasks.waits().get("bad", ""))
    assert tasks.waits()["next"] == "comes after bad, which failed"
    machine.ok("queue", "start", "bad")  # sooner than its pause ends
    tasks.until(lambda: tasks.began() == ["bad", "bad"])
    tasks.until(lambda: machine.session("bad")["state"] == "working")
    assert "bad failed 2 times" not in machine.log()  # it crashed before this try, which is under way
    tasks.open("bad")
    tasks.until(lambda: "try again: orchestrator queue release bad" in tasks.waits().get("bad", ""))
    assert (machine.folder / "bad").read_text().split() == ["once", "once"]
    assert len([item for item in machine.json("ls") if item["name"] == "bad"]) == 1
    said = machine.ok("queue", "drop", "bad")
    assert "next came after it and will not start by itself" in said
    assert "bad, which it comes after, did not land and is gone" in tasks.waits()["next"]
    machine.ok("queue", "release", "next")
    tasks.until(lambda: tasks.began()[2:] == ["next"])


def test_a_finished_program_gives_its_room_to_the_next_task(tasks: Tasks) -> None:
    machine = tasks.machine
    machine.settings("[run]\nmax_running = 1\n[queue]\nrest = 0\n")
    tasks.add("one")
    tasks.open("one")
    tasks.until(lambda: machine.session("one")["state"] == "done")
    tasks.add("two")
    tasks.until(lambda: tasks.began() == ["one", "two"])
    assert machine.session("one")["state"] == "exited"
    assert "stop: the queue needs its room" in machine.ok("log", "one")
    tasks.open("two")
    machine.ok("resume", "--all")  # it is not among those that come back by themselves
    assert machine.session("one")["state"] == "exited"


def test_what_cannot_be_is_refused_whole(tasks: Tasks) -> None:
    machine = tasks.machine
    assert "comes after nobody" in machine.refused("add", "--agent", "command", "--after", "nobody", "--", "cat")
    path = machine.write(
        "tasks.toml",
        '[[task]]\nprompt = "a"\nname = "a"\nafter = ["b"]\n[[task]]\nprompt = "b"\nname = "b"\nafter = ["a"]\n',
    )
    said = machine.refused("add", "--agent", "coder", "--file", str(path))
    assert "these tasks wait for each other: a after b after a" in said
    assert "is for the queue" in machine.refused("run", "--file", str(path), code=2)
    assert "task 2" in machine.refused(
        "add", "--agent", "coder", "--file", "-", stdin='[[task]]\nprompt = "a"\n[[task]]\nprompt = "b"\nbase = "no"\n'
    )
    assert machine.json("queue")["lines"] == []
    assert "no task 'x'" in machine.refused("queue", "drop", "x")
    assert "wants the task's NAME" in machine.refused("queue", "drop", code=2)


def test_a_pasted_list_is_a_task_a_line(tasks: Tasks) -> None:
    machine = tasks.machine
    machine.ok("queue", "hold")
    text = "# today\n- [ ] Mend the export\n  with a test\n2. Rename the flag\n* Say so in the docs\n"
    assert json.loads(machine.ok("add", "--agent", "coder", "--json", "-", stdin=text)) == {
        "names": ["mend-export-test", "rename-flag", "say-so-docs"]
    }
    prompts = [line["task"]["prompt"] for line in machine.json("queue")["lines"]]
    assert prompts == ["Mend the export\n  with a test", "Rename the flag", "Say so in the docs"]


@pytest.mark.parametrize("fault", some(["queue.chosen", "launch.planned", "queue.launched", "launch.spawned"]))
def test_a_daemon_that_is_killed_while_tasks_start_launches_each_once(tasks: Tasks, fault: str) -> None:
    machine, faulty = tasks.machine, Faulty(tasks.machine)
    machine.ok("queue", "hold")
    for name in ("one", "two", "three"):
        tasks.add(name)
    machine.ok("down")
    machine.wait_for_no_daemon()
    assert faulty.until_killed(faulty.serve(fault), "queue", "release")
    machine.run("queue", "release")
    tasks.until(lambda: len(tasks.began()) == 2)
    os.kill(machine.daemon_pid(), signal.SIGKILL)
    machine.wait_for_no_daemon()
    for name in ("one", "two", "three"):
        tasks.open(name)
    tasks.until(lambda: machine.json("queue")["lines"] == [])
    assert sorted(tasks.began()) == ["one", "three", "two"]
    assert sorted(item["name"] for item in machine.json("ls")) == ["one", "three", "two"]
