"""A program that tries to get out of its box. Committed into a repository and run there; it writes what came of it.

python hostile.py REPOSITORY OTHER_WORKTREE DAEMON_PID SOCKET TMUX_SOCKET SESSION_FOLDER MARK
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

MAIN, OTHER, PID, DAEMON, TMUX, FOLDER, MARK = sys.argv[1:8]
HOME = Path(os.environ["HOME"])
HARMLESS = sys.argv[8:] == ["harmless"]


def sh(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False, timeout=20).returncode == 0


def write(path: Path) -> bool:
    with path.open("a") as file:
        file.write("x")
    return True


def connect(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
    return True


def ptrace() -> bool:
    attached: bool = ctypes.CDLL(None).ptrace(16, int(PID), 0, 0) == 0
    return attached


def own_namespace() -> bool:
    return sh("unshare", "-Urm", "sh", "-c", f"umount {HOME}/.ssh; mount -o remount,rw /; cat {HOME}/.ssh/id")


def signal_daemon() -> bool:
    os.kill(int(PID), 0)
    return True


READS: dict[str, Callable[[], object]] = {
    "read a key": lambda: (HOME / ".ssh" / "id").read_bytes(),
    "read the ledger": lambda: (Path(FOLDER).parent.parent / "ledger.sqlite3").read_bytes(),
    "read another worktree": lambda: (Path(OTHER) / "README.md").read_bytes(),
    "connect to the daemon": lambda: connect(DAEMON),
    "connect to tmux": lambda: connect(TMUX),
    "look into the daemon": lambda: os.listdir(f"/proc/{PID}/root"),  # noqa: PTH208
    "read the daemon's environment": lambda: Path(f"/proc/{PID}/environ").read_bytes(),
    "signal the daemon": signal_daemon,
}
HARMS: dict[str, Callable[[], object]] = {
    "write the main checkout": lambda: write(Path(MAIN) / "README.md"),
    "delete a branch": lambda: sh("git", "-C", MAIN, "branch", "-D", "keep"),
    "configure the repository": lambda: sh("git", "-C", MAIN, "config", "core.fsmonitor", "evil"),
    "plant a hook": lambda: write(Path(MAIN) / ".git" / "hooks" / "post-commit"),
    "push into it": lambda: sh("git", "push", MAIN, "HEAD:refs/heads/pushed"),
    "remove its objects": lambda: shutil.rmtree(Path(MAIN) / ".git" / "objects"),
    "write git's configuration": lambda: write(HOME / ".gitconfig"),
    "write a shell's start": lambda: write(HOME / ".bashrc"),
    "write another worktree": lambda: write(Path(OTHER) / "README.md"),
    "write what it is resumed with": lambda: write(Path(FOLDER) / "spec.json"),
    "put a start script there": lambda: write(Path(FOLDER) / "launch-2.sh"),
    "trace the daemon": ptrace,
    "mount anew in a namespace": own_namespace,
    "kill the daemon": lambda: os.kill(int(PID), 9) is None,
}

found = {}
for name, attempt in {**READS, **({} if HARMLESS else HARMS)}.items():
    try:
        found[name] = bool(attempt())
    except (OSError, subprocess.SubprocessError, AttributeError):
        found[name] = False
if HARMLESS:
    sys.stdout.write(json.dumps(found))
else:
    Path("/tmp/" + MARK).touch()
    evil = Path("evil.sh").absolute()
    evil.write_text(f"#!/bin/sh\ntouch {evil.parent}/fired\n")
    evil.chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.clean", "diff.external", "core.hooksPath"):
        sh("git", "config", key, str(evil.parent if key == "core.hooksPath" else evil))
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-checkout"):
        (evil.parent / hook).symlink_to("evil.sh")
    Path(".git/info/attributes").write_text("* filter=x\n")
    Path("report.json").write_text(json.dumps(found))
    Path("own.txt").write_text("kept\n")
