"""Two real agents change the same line; a human resolves it on the screen, by keys; both land; undo, redo."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Agents
from tests.orchestrator.test_tui_attach import Tmux


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:  # short: the path of a socket has about 100 bytes
        made = Tmux(Path(folder))
        yield made
        subprocess.run(["tmux", "-L", made.socket, "kill-server"], env=made.env, capture_output=True, check=False)


def _writes(line: str) -> dict[str, Any]:
    return {"tool": "run", "command": f"printf '1\\n{line}\\n3\\n' > a.txt", "why": "Change the second line"}


def _goes_on() -> dict[str, Any]:
    """A second command, so that the agent waits with its change made and its work not finished."""
    return {"tool": "run", "command": "echo more > more-$(basename $PWD).txt", "why": "And more"}


def _until_written(agents: Agents, name: str, line: str) -> None:
    """Say yes until its change is made and it asks for the next; a sandbox that cannot be had asks once more."""
    file = Path(agents.session(name)["worktree"]) / "a.txt"
    for _ in range(6):
        agents.ok("wait", name, "--for", "blocked", "--timeout", "60")
        if line in file.read_text():
            return
        agents.ok("answer", name, "y")
    raise AssertionError(f"{name} never wrote: {agents.session(name)}")


def _finish(agents: Agents, name: str) -> None:
    """Answer whatever else it asks (a sandbox that cannot be had asks once more) until it is done."""
    for _ in range(6):
        agents.ok("wait", name, "--for", "blocked,done", "--timeout", "60")
        if agents.session(name)["state"] == "done":
            return
        agents.ok("answer", name, "y")
    raise AssertionError(f"{name} asks on: {agents.session(name)}")


def _dashboard(agents: Agents, tmux: Tmux) -> Callable[..., None]:
    """A real dashboard in a tmux of its own; returns what presses keys in it."""
    tmux.env = {**agents.env, **{name: tmux.env[name] for name in ("TMUX_TMPDIR", "TERM", "LANG")}}
    argv = ("env", "-u", "TMUX_TMPDIR", "-u", "TMUX", sys.executable, "-m", "orchestrator")
    tmux.start("human", "-c", str(agents.repository), *argv)

    def press(*keys: str) -> None:
        tmux.run("send-keys", "-t", "=human:", *keys)

    return press


def test_a_conflict_is_foreseen_resolved_by_keys_landed_undone_and_redone(agents: Agents, tmux: Tmux) -> None:
    agents.write("a.txt", "1\n2\n3\n")
    agents.commit("begin")
    for name, agent, line in (("c", "claude", "claude"), ("x", "codex", "codex")):
        task = agents.prompt({"use": [_writes(line)]}, {"say": "On.", "use": [_goes_on()]}, {"say": "Done."})
        agents.ok("run", "--agent", agent, "--name", name, "--", task)
    for name, line in (("c", "claude"), ("x", "codex")):
        _until_written(agents, name, line)
    agents.until("x", lambda: bool(agents.session("x")["rivals"]))  # the radar says so …
    assert agents.session("x")["rivals"][0]["paths"] == ["a.txt"]
    assert [agents.session(name)["state"] for name in ("c", "x")] == ["blocked", "blocked"]  # … before either is done
    for name in ("c", "x"):
        _finish(agents, name)
    agents.ok("merge", "c", "--no-check", "-m", "Claude's")
    agents.until("x", lambda: agents.session("x")["conflicts"] == ["a.txt"])

    press = _dashboard(agents, tmux)
    tmux.sees("2 sessions", "human")
    tmux.sees("CONF  x", "human")
    press("g")  # it needs its human more than what landed: the first
    tmux.sees("▌≠ CONF  x", "human")
    tmux.sees("2 x — live", "human")
    press("X")
    tmux.sees("0 of 1 decided", "human")
    press("b")
    tmux.sees("1 of 1 decided", "human")
    press("Enter")
    tmux.sees("Accept what was decided?", "human")
    press("Tab", "Enter")
    agents.until("x", lambda: agents.session("x")["conflicts"] == [])
    tmux.sees("1 Fleet", "human")
    worktree = Path(agents.session("x")["worktree"])
    assert (worktree / "a.txt").read_text() == "1\nclaude\ncodex\n3\n"
    landed = agents.json("merge", "x", "--no-check", "-m", "Codex's")
    assert agents.git("show", "main:a.txt") == "1\nclaude\ncodex\n3"
    agents.ok("undo", landed["operation"], "--yes")
    assert agents.git("show", "main:a.txt") == "1\nclaude\n3"
    agents.ok("undo", "--yes")  # the undo is the newest: taking it back is the redo
    assert agents.git("show", "main:a.txt") == "1\nclaude\ncodex\n3"
    assert agents.git("status", "--porcelain") == ""


def test_a_real_agent_proposes_and_a_human_takes_it_on_the_screen(agents: Agents, tmux: Tmux) -> None:
    agents.write("a.txt", "1\n2\n3\n")
    agents.commit("begin")
    script = agents.folder / "agent.sh"
    script.write_text("printf '1\\nsession\\n3\\n' > a.txt\n")
    # The model does what the task says; the one that is asked is told that task too, and does this.
    task = agents.prompt({"use": [_writes("both")]}, {"say": "Resolved."})
    agents.ok("run", "--agent", "command", "--name", "x", "--prompt", task, "--", "sh", str(script))
    agents.ok("wait", "x", "--for", "exited", "--timeout", "20")
    agents.write("a.txt", "1\ntarget\n3\n")
    agents.commit("target")
    agents.ok("resolve", "x", "--agent", "claude")
    _finish(agents, "resolve-x")
    agents.until("resolve-x", lambda: agents.json("conflicts", "x")["proposals"][0]["state"] == "ready")
    assert "only proposes" in agents.refused("merge", "resolve-x", "--no-check")
    press = _dashboard(agents, tmux)
    tmux.sees("CONF  x", "human")
    press("g")
    tmux.sees("▌≠ CONF  x", "human")
    press("X")
    tmux.sees("resolve-x: P takes all that it proposes", "human")
    press("P")
    tmux.sees("+ both", "human")
    press("Enter")
    tmux.sees("Accept what was decided?", "human")
    press("Tab", "Enter")
    agents.until("x", lambda: [item["name"] for item in agents.json("ls")] == ["x"])
    assert (Path(agents.session("x")["worktree"]) / "a.txt").read_text() == "1\nboth\n3\n"
    assert agents.git("show", "main:a.txt") == "1\ntarget\n3"  # it lands by a human's word alone
    agents.ok("merge", "x", "--no-check", "-m", "Both")
    assert agents.git("show", "main:a.txt") == "1\nboth\n3"
    assert "resolve-x" in agents.ok("attic")
