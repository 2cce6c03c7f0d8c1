"""What this machine has left: memory and disk. Reads, never runs anything on Linux; macOS is asked by ``vm_stat``.

In a container the group's limit counts, not the host's memory.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from orchestrator.admission import Machine

_GROUPS = Path("/sys/fs/cgroup")


def read(folder: Path) -> Machine:
    """Measure now. ``folder`` is where worktrees live; it need not exist yet."""
    memory, free = _memory()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        disk: int | None = shutil.disk_usage(folder).free
    except OSError:
        disk = None
    return Machine(memory, free, disk)


def _memory() -> tuple[int | None, int | None]:
    if sys.platform != "linux":
        return _physical(), _vm_stat()
    return memory_of(Path("/proc/meminfo"), _group_folders())


def memory_of(meminfo: Path, groups: list[Path]) -> tuple[int | None, int | None]:
    """All and available memory in bytes: the kernel's estimate (MemAvailable), or what the tightest group leaves."""
    try:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB$", meminfo.read_text(), re.M))
    except OSError:
        fields = {}
    total, free = (int(fields[name]) << 10 if name in fields else None for name in ("MemTotal", "MemAvailable"))
    for group in groups:
        limit = _number(group, "memory.max", "memory.limit_in_bytes")
        used = _number(group, "memory.current", "memory.usage_in_bytes")
        if limit is None or used is None or (total is not None and limit >= total):
            continue
        # The cache of files is given back under pressure, as MemAvailable counts it too.
        left = max(0, limit - used + _cache(group))
        total, free = limit, left if free is None else min(free, left)
    return total, free


def _group_folders() -> list[Path]:
    """Folders of this process' memory groups, version 2 and 1, up to the root: each of them may have a limit."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = _GROUPS / "memory" if controllers else _GROUPS
        inside = base / path.lstrip("/")
        # Seen from inside of a container its own group is the root of the mount.
        found += [one for one in (inside, *inside.parents) if one == base or base in one.parents]
    return found


def _number(folder: Path, *names: str) -> int | None:
    for name in names:
        try:
            said = (folder / name).read_text().strip()
        except OSError:
            continue
        return int(said) if said.isdigit() else None
    return None


def _cache(group: Path) -> int:
    try:
        found = re.search(r"^(?:total_)?inactive_file (\d+)$", (group / "memory.stat").read_text(), re.M)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _vm_stat() -> int | None:
    """Free, inactive, speculative and purgeable pages. Not seen on a real macOS by our tests, only its printed form."""
    try:
        said = subprocess.run(["vm_stat"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return free_of(said)


def free_of(vm_stat: str) -> int | None:
    """Bytes that could be given to a new program, from what ``vm_stat`` prints."""
    page = re.search(r"page size of (\d+) bytes", vm_stat)
    pages = re.findall(r"^Pages (?:free|inactive|speculative|purgeable):\s+(\d+)\.", vm_stat, re.M)
    return int(page[1]) * sum(map(int, pages)) if page and pages else None
