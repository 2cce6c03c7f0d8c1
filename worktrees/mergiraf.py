"""What mergiraf makes of a conflict, where it is installed: it merges by syntax (https://mergiraf.org/usage.html).

It is a program of its own under the GPL: never bundled, looked for on PATH, asked as one asks a merge driver, and only
offered to a human. Exit code 0 means that it left no conflict.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from worktrees.problems import Problem
from worktrees.text_merge import marks

DEADLINE_S = 5.0


def offer(problem: Problem) -> str | None:
    """The whole file as mergiraf merges it; None without mergiraf, or when it leaves a conflict."""
    program = shutil.which("mergiraf")
    if program is None or not problem.hunks:
        return None
    versions = {"base": "base", "left": "ours", "right": "theirs"}
    with tempfile.TemporaryDirectory(prefix="mergiraf-") as folder:
        # It knows the language by the name.
        suffix = PurePosixPath(problem.path).suffix
        files = {name: Path(folder) / f"{name}{suffix}" for name in (*versions, "merged")}
        for name, side in versions.items():
            files[name].write_text(_version(problem, side), encoding="utf-8", newline="")
        words = [program, "merge", *(str(files[name]) for name in versions), "-p", problem.path]
        try:
            done = subprocess.run(
                [*words, "-o", str(files["merged"])],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "HOME": folder},
                timeout=DEADLINE_S,
                check=False,
            )
            text = files["merged"].read_bytes().decode() if done.returncode == 0 else None
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
            return None
    return text if text is not None and marks(text) is None else None


def _version(problem: Problem, side: str) -> str:
    return "".join("".join(part.lines if part.hunk is None else getattr(part.hunk, side)) for part in problem.parts)
