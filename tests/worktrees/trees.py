"""Trees of files: made from a plain description, and looked at as one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

File = bytes | tuple[bytes, bool]
"""Its bytes, and whether it may be executed."""
Described = Mapping[str, File | str]
"""By path; a link is the text that it points to."""


def build(root: Path, described: Described) -> None:
    """Make these files and links; what is in their way goes."""
    for name, what in described.items():
        path = root / name
        for parent in reversed(path.relative_to(root).parents):
            if (root / parent).is_symlink() or (root / parent).is_file():
                (root / parent).unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        if path.is_symlink():
            path.unlink()
        if isinstance(what, str):
            path.unlink(missing_ok=True)
            path.symlink_to(what)
            continue
        data, runs = what if isinstance(what, tuple) else (what, False)
        path.write_bytes(data)
        path.chmod(0o755 if runs else 0o644)


def picture(root: Path) -> dict[str, tuple[bytes, bool] | str]:
    """All files and links below ``root`` but git's own."""
    found: dict[str, tuple[bytes, bool] | str] = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here == root and ".git" in folders:
            folders.remove(".git")
        for name in [*files, *(name for name in folders if (here / name).is_symlink())]:
            path = here / name
            if path == root / ".git":
                continue
            key = path.relative_to(root).as_posix()
            found[key] = str(path.readlink()) if path.is_symlink() else (path.read_bytes(), os.access(path, os.X_OK))
    return found


def wipe(root: Path) -> None:
    """Remove all but ``.git``."""
    for path in root.iterdir():
        if path.name == ".git":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
