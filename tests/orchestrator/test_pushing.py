"""What reaches a remote by the command line: a branch, and a pull request through a program on PATH."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrator.pushing import _forge, _host
from tests.machine import Machine
from tests.orchestrator.test_going_on import do, save, start

GH = r"""#!/bin/sh
printf '%s\n' "$PWD" "$@" > "$GH_SAID"
[ -z "$GH_THERE" ] || { echo "a pull request for branch already exists: https://forge.example/pull/7" >&2; exit 1; }
[ -z "$GH_FAILS" ] || { echo "no rights" >&2; exit 4; }
echo "https://forge.example/pull/7"
"""


@pytest.fixture
def origin(machine: Machine) -> Path:
    bare = machine.folder / "origin.git"
    machine.git("init", "-q", "--bare", "-b", "main", str(bare))
    machine.git("remote", "add", "origin", str(bare))
    machine.git("push", "-q", "origin", "main")
    return bare


def test_a_push_says_what_goes_where_and_does_it(machine: Machine, origin: Path) -> None:
    start(machine, "x")
    machine.write("a.txt", "a\n")
    tip = machine.commit("a")
    assert f"1 commits of main would go to {origin}" in machine.ok("push", "--dry-run")
    assert machine.git("ls-remote", "origin", "main").split()[0] != tip
    said = machine.json("push")
    assert said["operation"]
    assert machine.git("ls-remote", "origin", "main").split()[0] == tip
    assert "origin has it already" in machine.ok("push")
    assert "pushed main to origin" in machine.ok("ops")
    assert "there is no branch nope" in machine.refused("push", "nope")
    assert "there is nothing to undo" in machine.refused("undo", "--yes")


def test_a_pull_request_is_opened_with_the_drafted_words_and_remembered(machine: Machine, origin: Path) -> None:
    start(machine, "x")
    do(machine, "x", save("b.txt", "b\\n") + "; echo > left.txt")
    assert "x has 1 uncommitted files" in machine.refused("pr", "x")
    do(machine, "x", "rm left.txt")
    said = machine.folder / "gh-said"
    tools = machine.folder / "tools"
    tools.mkdir()
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "GH_SAID": str(said)}
    refusal = machine.refused("pr", "x")
    assert "gh is not installed" in refusal
    assert f"gh pr create --repo {origin} --head agent/x --base main --title b.txt" in refusal
    assert machine.git("ls-remote", "origin", "agent/x") == "", "refused before anything was sent"
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    assert "gh opened no pull request: no rights" in machine.refused("pr", "x", GH_FAILS="1", **env)
    assert machine.ok("pr", "x", **env) == "https://forge.example/pull/7\n"
    folder, *words = said.read_text().splitlines()
    assert words[:9] == ["pr", "create", "--repo", str(origin), "--head", "agent/x", "--base", "main", "--title"]
    assert not folder.startswith(str(machine.folder)), "gh must not run git under the repository's configuration"
    assert machine.git("ls-remote", "origin", "agent/x").split()[0] == machine.git("rev-parse", "agent/x")
    assert machine.session("x")["pull_request"] == "https://forge.example/pull/7"
    assert "https://forge.example/pull/7" in machine.ok("show", "x")
    do(machine, "x", save("c.txt", "c\\n"))
    again = json.loads(machine.ok("pr", "x", "--json", "-m", "Title\n\nBody", GH_THERE="1", **env))
    assert again == {"url": "https://forge.example/pull/7", "opened": False}
    assert said.read_text().splitlines()[9:] == ["--title", "Title", "--body", "Body"]
    assert machine.git("ls-remote", "origin", "agent/x").split()[0] == machine.git("rev-parse", "agent/x")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://github.com/a/b.git", "github.com"),
        ("git@gitlab.example:a/b.git", "gitlab.example"),
        ("ssh://git@forge.example:2222/a/b", "forge.example"),
        ("/srv/git/b.git", "/srv/git/b.git"),
    ],
)
def test_the_program_is_that_of_the_host(url: str, host: str, tmp_path: Path) -> None:
    assert _host(url) == host
    assert _forge(host, str(tmp_path)) == ("glab" if "gitlab" in host else "gh")
    (tmp_path / "glab").write_text("#!/bin/sh\n")
    (tmp_path / "glab").chmod(0o755)
    assert _forge(host, str(tmp_path)) == ("gh" if host == "github.com" else "glab")
