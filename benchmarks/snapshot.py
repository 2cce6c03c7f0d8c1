"""What a snapshot costs beside ``git status`` on the same files: ``make bench-snapshot``.

For a small and a large repository: git's own ``status`` in the worktree, then a snapshot in which nothing changed and
one in which a file changed, in turns, so that both meet the same load. Exit code 1 when a warm snapshot costs more than
three times a status.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

GOAL = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="200,50000", help="numbers of files")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    held = True
    print("  files   git status   nothing changed       one file changed      first one")  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="snapshot-") as folder:
        os.environ["ORCHESTRATOR_HOME"] = str(Path(folder) / "home")
        for size in options.sizes.split(","):
            status, same, changed, first = measure(Path(folder) / size, int(size), options.rounds)
            ratios = same / status, changed / status
            held = held and max(ratios) <= GOAL
            print(  # noqa: T201
                f"{size:>7}  {status:>8.1f} ms  {same:>8.1f} ms = {ratios[0]:.1f} x  "
                f"{changed:>8.1f} ms = {ratios[1]:.1f} x  {first:>8.0f} ms",
                flush=True,
            )
    print(f"  {'✓' if held else '✗'} at most {GOAL:.0f} x git status, warm")  # noqa: T201
    return 0 if held else 1


def measure(folder: Path, files: int, rounds: int) -> tuple[float, float, float, float]:
    """Milliseconds: a status, a snapshot of nothing new, one of a changed file (medians), and the first of all."""
    from worktrees import snapshots
    from worktrees.repository import open_repository

    root = folder / "shop"
    for number in range(files):
        path = root / f"d{number // 100}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n")
    (root / ".gitignore").write_text("*.log\n")
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "Begin")):
        subprocess.run(["git", *words], cwd=root, check=True)
    worktree = open_repository(root).create(folder / "wt", "agent/x", "HEAD", session="s").path
    edited = worktree / "d0" / "f0.txt"

    def take() -> None:
        snapshots.take(worktree, "s", "turn over", ignored=True)

    def status() -> None:
        subprocess.run(["git", "status", "--porcelain"], cwd=worktree, check=True, capture_output=True)

    first = _timed(take)
    seen: dict[str, list[float]] = {"status": [], "same": [], "changed": []}
    status()
    for number in range(rounds):
        edited.write_text(f"edited {number}\n")
        seen["changed"].append(_timed(take))
        seen["same"].append(_timed(take))
        seen["status"].append(_timed(status))
    return (*(statistics.median(seen[name]) for name in ("status", "same", "changed")), first)  # type: ignore[return-value]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
