"""Names and revisions of others: either refused in words with nothing made, or safe wherever they go."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.commands import Refused
from orchestrator.launches import check_name, slug
from tests.machine import Machine
from tests.orchestrator.test_door import speak

NASTY = ["..", ".lock", "/", "-", "--upload-pack=x", "\n", "\0", "🎉", "@{", "~", "^", ":", " ", "\x1b]0;x", "\u202e"]
PARTS = st.lists(st.one_of(st.sampled_from(NASTY), st.sampled_from("aZ09._-"), st.characters()), max_size=80)
TEXTS = st.one_of(PARTS.map("".join), st.text(alphabet="aZ09._-", max_size=70), st.just("x" * 300))


@given(TEXTS)
def test_a_name_is_refused_or_safe_as_a_branch_a_folder_and_an_argument(name: str) -> None:
    try:
        check_name(name)
    except Refused:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name)
    assert ".." not in name
    assert subprocess.run(["git", "check-ref-format", f"refs/heads/agent/{name}"], check=False).returncode == 0
    check_name(f"{name}"[:63])


@given(TEXTS)
def test_a_name_from_a_task_is_always_a_name(task: str) -> None:
    check_name(slug(task))


BAD = ["a\nb", "../x", "x.lock", "🎉", "-x", "x" * 300, "a b", "a\0b", "a\ud800b"]


def test_what_comes_by_the_socket_is_judged_alike(machine: Machine) -> None:
    """The command line cannot carry all of it; the daemon must not rely on that."""
    machine.ok("ls")
    common = {"verb": "run", "prompt": "", "agent": "command", "command": ["cat"], "env": machine.env}
    common["repository"] = str(machine.repository)
    asked = [(key, bad) for key in ("name", "base", "agent", "repository") for bad in BAD]
    for key, bad in [*asked, ("name", ""), ("prompt", "\0"), ("repository", "~nobody-of-that-name")]:
        status, said = _call(machine, {**common, key: bad})
        assert status in (409, 422), (key, bad, said)
        assert said["error"], (key, bad)
        assert len(said["error"]) < 1000
    assert machine.json("ls") == []
    assert machine.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert "Traceback" not in machine.log()


def _call(machine: Machine, body: dict[str, object]) -> tuple[int, dict[str, str]]:
    data = json.dumps(body).encode()
    head = b"POST /v1/call HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(data)
    head_, _, rest = speak(machine, head, data, leave=False).partition(b"\r\n\r\n")
    return int(head_.split()[1]), json.loads(rest)


@pytest.mark.parametrize("task", ["a\0b", "\0"])
def test_a_task_with_a_nul_byte_is_refused(machine: Machine, task: str) -> None:
    assert "NUL byte" in machine.refused("run", "--agent", "coder", "-", stdin=task)
    assert machine.json("ls") == []
