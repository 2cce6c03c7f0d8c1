"""What comes from others: text that acts on terminals, and files that are torn."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress

from sessions.agents.contract import Mode
from sessions.follow import Follower
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.puppet import Puppet
from tests.faults.scene import Scene

INERT = {f"worktrees.inert:{name}": "as_it_is" for name in ("line", "block", "escaped")}
EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202egnp.exe\x1bP1$r"


@fault(30, Guard("all text of others is made inert before it is shown", INERT))
def test_30_text_of_others_acts_on_the_terminal(scene: Scene) -> None:
    """Clipboard writes, clears, C1 and direction overrides in a question, a file name, a diff and a commit message."""
    agent = Puppet(scene)
    agent.run()
    evil = json.dumps({"type": "question", "id": "q1", "title": EVIL, "text": EVIL, "options": []})
    (agent.folder / "evil.json").write_text(evil + "\n")
    (agent.folder / "name").write_text(EVIL.replace("/", ""))
    agent.do('echo content >"$(cat $here/name)"; cat $here/name >plain.txt; git add -A; git commit -qF $here/name')
    agent.do('cat $here/evil.json >>"$ORCHESTRATOR_EVENTS"')
    scene.wait(lambda: _blocked(scene), "its question is not seen")
    for words in ("ls", "show p", "why p", "diff p", "diff p --stat", "log p", "ls --json", "snapshots p"):
        said = re.sub("\x1b\\[[0-9;]*m", "", _on_a_terminal(scene, *words.split()))
        acts = [char for char in said if char in "\x1b\x9b\x07\u202e\x90"]
        scene.safe(not acts, f"{words} lets {acts!r} through to the terminal")


def _on_a_terminal(scene: Scene, *words: str) -> str:
    """What a command writes to a terminal, byte for byte."""
    ours, theirs = os.openpty()
    argv = [sys.executable, "-m", "orchestrator", *words]
    machine = scene.machine
    process = subprocess.Popen(argv, cwd=machine.repository, env=machine.env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the end of a terminal is an error
        while piece := os.read(ours, 1 << 16):
            said += piece
    os.close(ours)
    process.wait()
    return said.decode("utf-8", "surrogateescape")


def _blocked(scene: Scene) -> bool:
    # Not `ls`: without the guard its JSON may be none.
    return '"blocked"' in scene.machine.run("ls", "--json").stdout


@fault(32, Guard("a file that shrank is read from its beginning", {"sessions.follow:os.fstat": "never_shrinks"}))
def test_32_records_are_torn_huge_and_shrink(scene: Scene) -> None:
    """Invalid UTF-8, half a line, one of 9 MB, and a file that begins anew: skipped, counted, and read on."""
    path = scene.folder / "events.jsonl"
    path.write_bytes(b'{"n": 1}\n\xff\xfe not json\n')
    follower = Follower("events", path, Mode.LINES)
    first = follower.read()
    assert first is not None
    assert first.lines == (b'{"n": 1}', b"\xff\xfe not json")
    with path.open("ab") as file:
        file.write(b"x" * (9 << 20) + b'\n{"n": 2}\n{"n": 3')
    second = follower.read()
    assert second is not None
    assert second.lines == (b'{"n": 2}',)
    assert follower.skipped == 1
    path.write_bytes(b'{"n": 4}\n')  # shorter than before
    third = follower.read()
    scene.safe(third is not None and third.lines == (b'{"n": 4}',), "what a shortened file tells is not read")
