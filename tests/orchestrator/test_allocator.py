"""Threads that leave a little behind do not make the process keep all they once used."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORK = """
import sys, threading
from pathlib import Path
from orchestrator import allocator
if sys.argv[1] == "one":
    allocator.share_one_heap()
kept = []
ready = threading.Barrier(8)
def work():
    ready.wait()
    for _ in range(4):
        used = [bytes(3000) for _ in range(4000)]
        kept.extend(used[::400])
        del used
        ready.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(Path("/proc/self/statm").read_text().split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_threads_leave_behind_keeps_one_heap_only() -> None:
    pages = {
        how: int(subprocess.run([sys.executable, "-c", WORK, how], check=True, capture_output=True).stdout)
        for how in ("one", "many")
    }
    assert 4 * pages["one"] < 3 * pages["many"]
