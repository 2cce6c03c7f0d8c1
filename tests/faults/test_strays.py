"""Agents that leave their place, approvals that grow old, and worktrees that many want at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.faults import shims
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.puppet import Puppet
from tests.faults.scene import Scene


@fault(10, Guard("an approval names the work that was looked at", {"worktrees.landing:land": "approved_anyway"}))
def test_10_the_branch_advances_after_it_was_approved(scene: Scene) -> None:
    """The agent goes on after the human has looked: what lands is what was looked at, or nothing."""
    agent = Puppet(scene)
    agent.run()
    agent.do("state working; echo looked at >one.txt; state done")
    machine = scene.machine
    scene.wait(lambda: machine.session("p")["state"] in ("done", "idle"), "the turn did not end")
    seen = machine.ok("merge", "p", "--dry-run", "--json")
    agent.do("echo never looked at >two.txt")
    merged = machine.run("merge", "p", "--work", json.loads(seen)["work"])
    held = machine.git("ls-tree", "--name-only", "main").split()
    scene.safe("two.txt" not in held, "work landed that nobody has looked at")
    if scene.guarded:
        assert merged.returncode == 1
        assert "not what was looked at" in merged.stderr


def _notices(scene: Scene) -> list[str]:
    words = "import json; from orchestrator import client; print(json.dumps(client.request('GET', '/v1/fleet')[1]))"
    done = subprocess.run(
        [sys.executable, "-c", words], env=scene.machine.env, capture_output=True, text=True, check=True
    )
    return [f"{one['event']['title']}: {one['event']['message']}" for one in json.loads(done.stdout)["notices"]]


@fault(13, Guard("the target's reflog is read whenever it moves", {"orchestrator.trespass:seen": "nothing"}))
def test_13_an_agent_commits_into_the_main_checkout(scene: Scene) -> None:
    """It left its worktree: the human is told at once, with the commit and the way back."""
    agent = Puppet(scene)
    agent.run()
    agent.do("state working")
    machine = scene.machine
    machine.ok("wait", "p", "--for", "working", "--timeout", "20")
    machine.ok("diff", "p")
    scene.wait(lambda: machine.session("p")["ahead"] == 0, "")
    before = machine.git("rev-parse", "main")
    there = machine.repository
    agent.do(f"(cd {there} && echo bad >bad.txt && git add bad.txt && git commit -qm Strayed)")
    scene.wait(lambda: any("not landed" in text for text in _notices(scene)), "nobody is told of it")
    (text,) = [text for text in _notices(scene) if "not landed" in text]
    assert "Strayed" in text
    assert f"reset --keep {before[:10]}" in text


@fault(17, Guard("what is checked out is asked of HEAD", {"orchestrator.timemachine:strayed": "never_strayed"}))
def test_17_the_branch_is_switched_by_hand(scene: Scene) -> None:
    """Its worktree is followed, the session is marked, and the work is kept under its own name."""
    agent = Puppet(scene)
    agent.run()
    agent.do("state working; git checkout -qb elsewhere; echo here >here.txt; state done")
    scene.wait(lambda: any("elsewhere is checked out" in text for text in _notices(scene)), "nobody is told")
    assert "elsewhere" in scene.machine.ok("show", "p")
    scene.wait(lambda: _holds(scene, "here.txt"), "the work on another branch is not kept")


def _holds(scene: Scene, name: str) -> bool:
    git = scene.machine.git
    refs = git("for-each-ref", "--format=%(refname)", "refs/orchestrator/snap/").split()
    return any(name in git("ls-tree", "--name-only", ref).split() for ref in refs)


@fault(23, Guard("registration is one at a time", {"worktrees.repository:Repository.registration": "no_lock"}))
def test_23_thirteen_worktrees_at_once(scene: Scene) -> None:
    """git itself races there; every one of ours is made, and none is left half made."""
    root = scene.root
    scene.shim("git", *shims.ALONE)
    with ThreadPoolExecutor(13) as pool, scene.attempt() as refusal:
        names = [f"s{number}" for number in range(13)]
        list(pool.map(lambda name: scene.worktree(name, f"agent/{name}"), names))
    scene.safe(refusal.error is None, f"worktrees were added at the same moment: {refusal.text}")
    assert len(scene.git(root, "worktree", "list").splitlines()) == 14
