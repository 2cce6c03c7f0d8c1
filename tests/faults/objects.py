"""What a repository's refs reach, read back byte by byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

GIT = shutil.which("git") or "git"
"""The real one, found before any guard was taken away."""


class Objects:
    """The objects of ``git_dir`` as its refs reach them now. Asks git itself, nothing of ours."""

    def __init__(self, git_dir: Path) -> None:
        self._git_dir = git_dir
        listed = self._git("rev-list", "--objects", "--all").split(b"\n")
        self._reached = {line.split(b" ", 1)[0].decode() for line in listed if line}

    @staticmethod
    def held(git_dir: Path) -> set[str]:
        """Commits that refs of ours hold, and those that an operation names: its own commit may be written anew."""
        said = _git(git_dir, "for-each-ref", "--format=%(refname) %(objectname) %(parent)", "refs/orchestrator/")
        found: set[str] = set()
        for line in said.decode().splitlines():
            ref, commit, *parents = line.split()
            found.update(parents if ref.startswith("refs/orchestrator/ops/") else [commit])
        return found

    def reaches(self, name: str) -> bool:
        return name in self._reached

    def size(self, commit: str) -> int:
        """Bytes of all that ``commit`` holds; at least 1, so that a loss always counts."""
        done = subprocess.run(
            [GIT, "--git-dir", self._git_dir, "ls-tree", "-r", "-l", commit], capture_output=True, check=False
        )
        sizes = [line.split()[3] for line in done.stdout.splitlines() if len(line.split()) > 3]
        return max(1, sum(int(size) for size in sizes if size.isdigit()))

    def read(self, content: bytes) -> bytes | None:
        """``content`` as the repository gives it back; None when no ref reaches it."""
        name = _blob(content)
        return self._git("cat-file", "blob", name) if name in self._reached else None

    def read_all(self) -> int:
        """Read every reachable blob and compare it with its name; returns the bytes read."""
        names = "\n".join(sorted(self._reached)).encode() + b"\n"
        answer = self._git("cat-file", "--batch", stdin=names)
        total = at = 0
        while at < len(answer):
            end = answer.index(b"\n", at)
            name, kind, *size = answer[at:end].split()
            assert kind != b"missing", f"a ref reaches {name.decode()}, which is not there"
            content = answer[end + 1 : end + 1 + int(size[0])]
            at = end + 1 + int(size[0]) + 1
            if kind == b"blob":
                assert _blob(content) == name.decode(), f"{name.decode()} is not what its name says"
                total += len(content)
        return total

    def _git(self, *words: str, stdin: bytes | None = None) -> bytes:
        return _git(self._git_dir, *words, stdin=stdin)


def _git(git_dir: Path, *words: str, stdin: bytes | None = None) -> bytes:
    # The index counts for nothing here: what only it holds is lost with it.
    argv = [GIT, "--git-dir", str(git_dir), *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(argv, input=stdin, env=env, capture_output=True, check=True).stdout


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
