"""The set-up says in one line what a fresh machine lacks, and makes nothing before it is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "sed", "head", "cat", "cksum", "rm", "env")


class Fresh:
    """A copy of what set-up reads, and a PATH with nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "with a blank"
        (self.folder / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "setup.sh", self.folder / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder)
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.path / tool).symlink_to(found)
        self.tool("python3", f'exec {sys.executable} "$@"')
        self.tool("git", "echo git version 2.39.5")
        self.tool("tmux", "echo tmux 3.3a")

    def tool(self, name: str, script: str) -> None:
        (self.path / name).unlink(missing_ok=True)
        (self.path / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.path / name).chmod(0o755)

    def run(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / "scripts" / "setup.sh"), "run"],
            env={"PATH": str(self.path), "HOME": str(self.folder), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    return Fresh(tmp_path)


@pytest.mark.parametrize(
    ("tool", "script", "said"),
    [
        ("python3", None, "python3 3.11 or newer is needed, and there is none"),
        ("python3", "echo 3.10", "python3 3.11 or newer is needed, this one is 3.10"),
        ("python3", 'case "$2" in *venv*) exit 1;; *) echo 3.12;; esac', "comes without venv"),
        ("git", None, "git 2.38 or newer is needed, and there is none"),
        ("git", "echo git version 2.30.2", "git 2.38 or newer is needed, this is git version 2.30.2"),
        ("tmux", None, "tmux 3.2 or newer is needed, and there is none"),
        ("tmux", "echo tmux 2.9a", "tmux 3.2 or newer is needed, this is tmux 2.9a"),
    ],
)
def test_what_is_missing_is_one_line(fresh: Fresh, tool: str, script: str | None, said: str) -> None:
    if script is None:
        (fresh.path / tool).unlink()
    else:
        fresh.tool(tool, script)
    done = fresh.run()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    for manager in ("apt install", "dnf install", "pacman -S", "brew install"):
        assert manager in done.stderr
    assert not (fresh.folder / ".venv").exists()


@pytest.mark.parametrize("said", ["tmux 3.2", "tmux 3.5a", "tmux next-3.6", "tmux master", "tmux 4.0"])
def test_newer_tools_are_taken(fresh: Fresh, said: str) -> None:
    fresh.tool("tmux", f"echo {said}")
    fresh.tool("python3", 'case "$*" in *"-m venv"*) echo made; exit 7;; esac; ' + f'exec {sys.executable} "$@"')
    assert fresh.run().returncode == 7


def test_an_interrupted_set_up_is_done_again(fresh: Fresh) -> None:
    venv = fresh.folder / ".venv" / "bin"
    venv.mkdir(parents=True)
    calls = fresh.folder / "calls"
    (venv / "python").write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "$*" >>"{calls}"\n')
    (venv / "python").chmod(0o755)
    fresh.tool("python3", f'exec {sys.executable} "$@"')
    assert fresh.run().returncode == 0  # no stamp: pip runs
    assert "pip install" in calls.read_text()
    calls.unlink()
    assert fresh.run().returncode == 0  # stamped: nothing to do
    assert not calls.exists()
    (fresh.folder / "constraints.txt").write_text("# other\n")
    assert fresh.run().returncode == 0
    assert "pip install" in calls.read_text()


def test_make_targets_are_the_documented_ones() -> None:
    said = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=True
    ).stdout
    for target in ("demo", "test", "check", "e2e", "bench", "clean"):
        assert f"make {target}" in said
