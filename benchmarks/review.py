"""What reading a large work costs beside a small one: ``make bench-review``.

Three works, made by real git: 200 changed lines, 200,000 in one file, and 200,000 in 5,000 files. For each: git's own
diff, from the asking to the first picture of the review screen, and a page further down, beside those of the small
work. Exit code 1 when the first picture comes over 0.3 s later than the small work's, or a page takes over four times
as long.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.commands import Review
from orchestrator.review.ask import ReviewReply
from orchestrator.tui.screens.review import ReviewScreen
from tests.orchestrator.reviewed import work
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import dashboard
from tests.worktrees.histories import Tree
from worktrees import git

PAGES = 30
FIRST_S, PAGE = 0.3, 4.0
SHAPES = {"200 lines": (1, 100), "200,000 lines in a file": (1, 100_000), "200,000 lines in 5,000 files": (5000, 20)}


async def main() -> int:
    held, small, soonest = True, 0.0, 0.0
    print("  changed                         git diff    first picture    a page")  # noqa: T201
    for name, (files, lines) in SHAPES.items():
        with tempfile.TemporaryDirectory(prefix="review-") as folder:
            root = Path(folder)
            before, after = (_tree(files, lines, word) for word in ("old", "new"))
            made = work(root, before, after)
            diff = _diff(root, made.origin, made.tree)
            reply = ReviewReply(
                base="main",
                origin=made.origin,
                tree=made.tree,
                files=made.shown,
                patch=made.patch,
                marks=(),
                remarks=(),
            )
            first, page = await _shown(reply)
        small, soonest = small or page, soonest or first
        held = held and first - soonest <= FIRST_S and page <= PAGE * small
        costs = f"{diff * 1000:>6.0f} ms       {first * 1000:>6.0f} ms  {page * 1000:>6.1f} ms = {page / small:.1f} x"
        print(f"  {name:<30} {costs}", flush=True)  # noqa: T201
    mark = "✓" if held else "✗"
    print(f"  {mark} first picture at most {FIRST_S} s later, a page at most {PAGE:.0f} x the small one's")  # noqa: T201
    return 0 if held else 1


def _tree(files: int, lines: int, word: str) -> Tree:
    text = "".join(f"value_{line} = '{word} {line}'\n" for line in range(lines)).encode()
    return {f"src/p{n // 100}/f{n}.py": ("100644", text) for n in range(files)}


def _diff(root: Path, one: str, two: str) -> float:
    began = time.perf_counter()
    git.run(root, "diff", "--no-ext-diff", f"{one}^{{tree}}", two)
    return time.perf_counter() - began


async def _shown(reply: ReviewReply) -> tuple[float, float]:
    """Seconds to the first picture, and of a page (median)."""
    link = SampleLink()
    link.reviewing = lambda command: reply if isinstance(command, Review) else None
    async with dashboard(link, (120, 36)) as shown:
        screen = ReviewScreen(link.session("dark-theme"))
        began = time.perf_counter()
        shown.app.push_screen(screen)
        await shown.until(lambda: screen.sheet is not None and screen.lines.size.height > 0)
        await shown.pilot.pause()
        first = time.perf_counter() - began
        pages = []
        for _ in range(PAGES):
            began = time.perf_counter()
            await shown.press("pagedown")
            pages.append(time.perf_counter() - began)
    return first, statistics.median(pages)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
