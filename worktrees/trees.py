"""Trees put together from another tree and single files, in the clean room: no checkout and no index of anybody's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from worktrees.cleanroom import run

Row = tuple[str, str]
"""Mode and object of a file."""


def tree_of(root: Path, commit: str) -> str:
    """The tree of a commit, or that tree itself. Raises GitFailed when it is not there."""
    return run(root, "rev-parse", f"{commit}^{{tree}}").strip()


def edited(root: Path, start: str, rows: Mapping[str, Row | None]) -> str:
    """The tree of ``start`` (a commit or tree) with ``rows`` by path; None: it is not there. Raises GitFailed."""
    tree = tree_of(root, start)
    none = "0", "0" * len(tree)
    with tempfile.TemporaryDirectory(prefix="orchestrator-tree-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        run(root, "read-tree", tree, env=env)
        # What goes, first: a folder may come in a file's place.
        ordered = sorted(rows.items(), key=lambda item: item[1] is not None)
        fed = b"".join(os.fsencode(f"{' '.join(row or none)}\t{path}\0") for path, row in ordered)
        run(root, "update-index", "-z", "--index-info", env=env, stdin=fed)
        return run(root, "write-tree", env=env).strip()
