"""How many agents a machine takes: the policy by tables, the measuring on recorded files, the whole by a daemon."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.admission import EACH, GIB, MIB, Admission, Limits, Machine, limits, room, size
from orchestrator.commands import Refused
from orchestrator.config import load_settings
from orchestrator.machine import free_of, memory_of, read
from tests.machine import Machine as Computer

PLENTY = Machine(64 * GIB, 60 * GIB, 500 * GIB)
LIMITS = Limits(max_running=10, min_free_memory=1 * GIB, min_free_disk=1 * GIB)


@pytest.mark.parametrize(
    ("wanted", "running", "launching", "machine", "tree", "fits", "why"),
    [
        (3, 0, 0, PLENTY, 0, 3, ""),
        (10, 0, 0, PLENTY, 0, 10, ""),
        (11, 0, 0, PLENTY, 0, 10, "0 sessions run, and [run] max_running is 10"),
        (40, 8, 0, PLENTY, 0, 2, "8 sessions run"),
        (1, 10, 0, PLENTY, 0, 0, "10 sessions run"),
        (1, 12, 0, PLENTY, 0, 0, "12 sessions run"),
        (5, 0, 0, Machine(8 * GIB, GIB + 2 * EACH, 500 * GIB), 0, 2, "[run] min_free_memory"),
        (5, 2, 2, Machine(8 * GIB, GIB + 2 * EACH, 500 * GIB), 0, 0, "of memory are free"),
        (1, 0, 0, Machine(8 * GIB, 0, 500 * GIB), 0, 0, "0 bytes of memory are free"),
        (4, 0, 0, Machine(64 * GIB, 60 * GIB, 2 * GIB), 500 * MIB, 2, "a worktree takes about 500 MiB"),
        (4, 3, 1, Machine(64 * GIB, 60 * GIB, 2 * GIB), 500 * MIB, 1, "[run] min_free_disk"),
        (1, 0, 0, Machine(64 * GIB, 60 * GIB, GIB), 0, 0, "1.0 GiB of the disk are free"),
        (4, 0, 0, Machine(None, None, None), GIB, 4, ""),
        (11, 0, 0, Machine(None, None, None), GIB, 10, "max_running"),
    ],
)
def test_what_fits_is_told_by_the_tightest_limit(
    wanted: int, running: int, launching: int, machine: Machine, tree: int, fits: int, why: str
) -> None:
    found = room(wanted, running, launching, LIMITS, machine, tree)
    assert found.fits == fits
    assert why in found.why
    assert bool(found.hint) == (fits < wanted)


@pytest.mark.parametrize(
    ("memory", "running", "free"),
    [
        (2 * GIB, 8, 256 * MIB),
        (8 * GIB, 16, 8 * GIB // 20),
        (24 * GIB, 48, GIB),
        (512 * GIB, 64, GIB),
        (None, 16, 8 * GIB // 20),
    ],
)
def test_defaults_follow_the_machine(memory: int | None, running: int, free: int) -> None:
    found = limits(Machine(memory, None, None), None, None, None)
    assert (found.max_running, found.min_free_memory, found.min_free_disk) == (running, free, 512 * MIB)
    assert limits(Machine(memory, None, None), 3, 1, 2) == Limits(3, 1, 2)


def test_sizes_are_for_humans() -> None:
    assert [size(n) for n in (0, MIB, 700 * MIB, 3 * GIB // 2)] == ["0 bytes", "1 MiB", "700 MiB", "1.5 GiB"]


def test_this_machine_is_measured(tmp_path: Path) -> None:
    now = read(tmp_path / "not" / "yet")
    assert now.memory is not None
    assert now.free_memory is not None
    assert now.free_disk is not None
    assert 0 < now.free_memory <= now.memory
    assert now.free_disk > 0


def test_the_limit_of_a_container_counts_and_its_cache_is_free(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n")
    assert memory_of(meminfo, []) == (16 * GIB, 8 * GIB)
    new, old, none = tmp_path / "v2", tmp_path / "v1", tmp_path / "none"
    for folder in (new, old, none):
        folder.mkdir()
    (new / "memory.max").write_text("4294967296\n")
    (new / "memory.current").write_text("3221225472\n")
    (new / "memory.stat").write_text("anon 5\ninactive_file 1073741824\n")
    assert memory_of(meminfo, [new, none]) == (4 * GIB, 2 * GIB)
    (none / "memory.max").write_text("max\n")
    assert memory_of(meminfo, [none]) == (16 * GIB, 8 * GIB)
    (old / "memory.limit_in_bytes").write_text("9223372036854771712\n")  # version 1 says "none" by a huge number
    (old / "memory.usage_in_bytes").write_text("1\n")
    assert memory_of(meminfo, [old]) == (16 * GIB, 8 * GIB)
    assert memory_of(tmp_path / "nothing", []) == (None, None)


def test_what_macos_prints_is_read() -> None:
    said = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            300000.
Pages inactive:                           20000.
Pages speculative:                         3000.
Pages purgeable:                            500.
"Translation faults":                 123456789.
"""
    assert free_of(said) == 16384 * 33500
    assert free_of("") is None


async def test_two_commands_at_once_do_not_take_the_same_place() -> None:
    door = Admission(set, lambda: PLENTY)
    fits: list[int] = []

    async def launch(name: str) -> None:
        async with door.turn():
            found = await door.room(6, lambda _: LIMITS)
            fits.append(found.fits)
            door.take([f"{name}{n}" for n in range(found.fits)], [])

    await asyncio.gather(launch("a"), launch("b"))
    assert fits == [6, 4]
    for number in range(6):
        door.give(f"a{number}", "")
    assert (await door.room(9, lambda _: LIMITS)).fits == 6


def test_a_repository_does_not_judge_the_machine(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator.toml").write_text("[run]\nmax_running = 500\n")
    with pytest.raises(Refused, match="max_running, which a repository may not"):
        load_settings(tmp_path, {"HOME": str(tmp_path)})


def test_more_than_fits_starts_what_fits_and_queues_the_rest(machine: Computer) -> None:
    machine.settings("[run]\nmax_running = 3\n")
    said = machine.run("run", "-n", "5", "--name", "t", "--agent", "command", "--", "cat")
    assert said.returncode == 0
    assert said.stdout.splitlines()[-2:] == ["t-4  queued", "t-5  queued"]
    assert "[run] max_running is 3; they start by themselves when there is room" in said.stderr
    assert sorted(item["name"] for item in machine.json("ls")) == ["t-1", "t-2", "t-3"]
    assert len(machine.git("branch", "--list", "agent/*").splitlines()) == 3  # nothing is made for those that wait
    assert "there is a task t-4 already" in machine.refused("run", "--name", "t-4", "--agent", "command", "--", "cat")
    assert "3 sessions run, and [run] max_running is 3" in machine.ok("queue")
    machine.ok("stop", "t-1")
    machine.until("t-4", lambda: "t-4" in [item["name"] for item in machine.json("ls")])
    assert "t-1 was not resumed: 3 sessions run" in machine.refused("resume", "t-1")
    machine.ok("queue", "drop", "t-5")
    machine.ok("stop", "t-2")
    machine.ok("resume", "t-1")


def test_memory_and_disk_that_are_short_hold_back_and_make_nothing(machine: Computer) -> None:
    for setting, said in (
        ('min_free_memory = "900 TiB"', "of memory are free"),
        ('min_free_disk = "900 TiB"', "of the disk are free"),
    ):
        machine.settings(f"[run]\n{setting}\n")
        done = machine.run("run", "--name", "t", "--agent", "command", "--", "cat")
        assert (done.stdout, said in done.stderr) == ("t  queued\n", True)
        assert said in machine.ok("queue")
        machine.ok("queue", "drop", "t")
    assert machine.json("ls") == []
    assert machine.git("branch", "--list", "agent/*") == ""


def test_a_file_of_tasks_goes_into_the_queue_where_the_machine_is_full(machine: Computer) -> None:
    machine.settings('[run]\nmax_running = 2\n[agents.command]\ncommand = ["cat"]\n')
    path = machine.write(
        "tasks.toml", '[[task]]\nprompt = "one"\ncount = 3\n[[task]]\nprompt = "two"\n[[task]]\nprompt = "three"\n'
    )
    done = machine.ok("run", "--agent", "command", "--json", "--file", str(path))
    assert json.loads(done) == {"names": ["one", "one-2"], "queued": ["one-3", "two", "three"]}
    assert len(machine.json("ls")) == 2


def test_the_same_task_from_several_terminals_at_once_gets_different_names(machine: Computer) -> None:
    machine.ok("ls")
    words = ["run", "--agent", "command", "--prompt", "same task", "--", "cat"]
    at_once(machine, *[words] * 4)
    names = sorted(item["name"] for item in machine.json("ls"))
    assert names == ["same-task", "same-task-2", "same-task-3", "same-task-4"]


def test_fifty_launches_at_once_without_one_failure(machine: Computer) -> None:
    """From five terminals, ten each, while agents work in git: real git, real tmux, one daemon."""
    machine.settings("[run]\nmax_running = 60\nmin_free_memory = 0\nmin_free_disk = 0\n")
    machine.ok("ls")
    work = "git commit -q --allow-empty -m work && git branch side-$$ && cat"
    words = ["run", "-n", "10", "--agent", "command", "--name"]
    at_once(machine, *([*words, f"w{n}", "--", "sh", "-c", work] for n in range(5)))
    items = machine.json("ls")
    assert len({item["name"] for item in items}) == 50
    assert len({item["pid"] for item in items}) == 50
    assert not [item for item in items if item["state"] in ("failed", "crashed", "lost")]
    assert len(machine.git("for-each-ref", "refs/orchestrator/made/").splitlines()) == 50
    for item in items:
        made = Path(item["worktree"])
        assert (made / "README.md").read_text() == "hello\n"
        assert (made / ".git").read_text().startswith("gitdir: ")


def at_once(machine: Computer, *commands: list[str]) -> None:
    """Run the commands side by side; all of them succeed."""
    where = {"cwd": machine.repository, "env": machine.env, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    runs = [subprocess.Popen([sys.executable, "-m", "orchestrator", *words], **where) for words in commands]
    said = [run.communicate()[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * len(commands), said
