"""Variants on a real daemon: launched together or not at all, compared, one picked, the others back from the attic."""

from __future__ import annotations

import json
from pathlib import Path

from tests.machine import Machine
from tests.modelserver import ModelServer

STEPS = [{"use": [{"tool": "write", "path": "b.txt", "content": "b\n"}]}, {"say": "Done."}]


def test_one_task_to_two_models_is_compared_and_one_of_them_picked(machine: Machine) -> None:
    with ModelServer() as server:
        machine.settings(f'[agents.coder]\nbase_url = "{server.url}"\n')
        words = ("--name", "sort", f"Sort. [[steps:{json.dumps(STEPS)}]]")
        key = {"ANTHROPIC_API_KEY": "k"}
        refused = machine.refused("run", "--variants", "coder,nobody", *words, **key)
        assert "nobody" in refused
        assert machine.json("ls") == []
        assert "2 and 20" in machine.refused("run", "--variants", "coder", *words, code=2)
        assert "contradicts" in machine.refused("run", "--model", "x", "--models", "a,b", *words, code=2)
        started = machine.run("run", "--variants", "coder:m1,coder:m2", *words, **key)
        assert (started.returncode, started.stdout) == (0, "sort-m1  launched\nsort-m2  launched\n")
        assert "orchestrator compare sort" in started.stderr
        assert "choose another --name" in machine.refused("run", "--models", "m1,m2", "--agent", "coder", *words, **key)
        for name in ("sort-m1", "sort-m2"):
            machine.until(name, lambda name=name: machine.session(name)["state"] in ("done", "idle"))  # type: ignore[misc]
            machine.until(name, lambda name=name: machine.session(name)["diff"]["files"] == 1)  # type: ignore[misc]
        asked = {record["model"]: record["usage"]["output"] for record in server.records() if record["step"] == 1}
    assert set(asked) == {"m1", "m2"}
    one, other = machine.json("compare", "sort")["variants"]
    assert [(seen["name"], seen["model"], seen["files"], seen["added"]) for seen in (one, other)] == [
        *(("sort-m1", "m1", 1, 1), ("sort-m2", "m2", 1, 1))
    ]
    assert one["usage"]["output"] > 0
    assert machine.session("sort-m1")["group"] == "sort"
    worktree = Path(machine.session("sort-m2")["worktree"])
    (worktree / "c.txt").write_text("c\n")
    shown = machine.ok("compare", "sort-m1")
    assert "sort-m2  coder:m2  " in shown
    patch = machine.ok("compare", "sort", "--diff", "sort-m1", "sort-m2")
    assert "+++ b/c.txt" in patch
    assert "b.txt" not in patch  # the same in both
    assert "no group of variants 'nobody'" in machine.refused("compare", "nobody")

    assert "nothing was picked" in machine.refused("pick", "sort-m1")
    assert len(machine.json("ls")) == 2
    said = machine.ok("pick", "sort-m1", "--yes")
    assert "sort-m2  in the attic; it comes back with: orchestrator attic restore sort-m2" in said
    assert [item["name"] for item in machine.json("ls")] == ["sort-m1"]
    assert not worktree.exists()
    assert "the only one left of sort" in machine.refused("pick", "sort-m1", "--yes")
    machine.ok("undo", "--yes")
    assert (worktree / "c.txt").read_text() == "c\n"
    assert [seen["name"] for seen in machine.json("compare", "sort")["variants"]] == ["sort-m1", "sort-m2"]


def test_what_does_not_fit_waits_in_its_group(machine: Machine) -> None:
    machine.settings("[run]\nmax_running = 1\n")
    script = machine.folder / "script.json"
    script.write_text('{"steps": []}')
    machine.settings(
        f'[run]\nmax_running = 1\n[agents.coder]\nargs = ["--provider", "scripted", "--script", "{script}"]\n'
    )
    machine.ok("queue", "hold")
    said = machine.ok("run", "--variants", "coder:a,coder:b", "--name", "sort", "Sort")
    assert "sort-a  launched\nsort-b  waits: " in said
    (line,) = machine.json("queue")["lines"]
    assert (line["task"]["name"], line["task"]["group"]) == ("sort-b", "sort")
    machine.ok("queue", "release")
    machine.ok("rm", "sort-a", "--yes")
    machine.until("sort-b", lambda: [item["group"] for item in machine.json("ls")] == ["sort"])
