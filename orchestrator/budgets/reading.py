"""The caps of the settings as the daemon reads them: anew when a file changed, and not on every answer of a model."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.budgets.settings import BudgetSettings
from orchestrator.commands import Refused
from orchestrator.config import load_settings, settings_path
from worktrees.setup import FILE

Stamp = tuple[tuple[int, int] | None, ...]


class Reading:
    """``trouble`` is why the settings of a repository could not be read; its last good caps hold meanwhile."""

    def __init__(self) -> None:
        self.trouble: dict[str | None, str] = {}
        self._known: dict[str | None, tuple[Stamp, BudgetSettings]] = {}

    def caps(self, repository: str | None) -> BudgetSettings:
        """The caps for sessions in ``repository``; None: the user's own alone."""
        env = dict(os.environ)
        files = [settings_path(env), *([Path(repository) / FILE] if repository is not None else [])]
        stamp = tuple(_stamp(path) for path in files)
        known = self._known.get(repository)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            caps = load_settings(Path(repository) if repository is not None else None, env).budget
            self.trouble.pop(repository, None)
        except Refused as refused:
            self.trouble[repository] = f"{refused.message}; {refused.hint}"
            caps = known[1] if known is not None else BudgetSettings()
        self._known[repository] = (stamp, caps)
        return caps


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


READ = Reading()
"""The daemon's one."""
