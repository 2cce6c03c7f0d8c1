"""``[queue]``: what may start by itself. The user's own settings only: a repository may not loosen them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.queue.ask import MOST_RETRIES, When

SLOTS = 8

_Count = Annotated[int, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RepositoryRules(_Section):
    """``[queue.repositories."~/src/shop"]``: what differs there. None: as above."""

    slots: _Count | None = None
    unattended: bool | None = None
    unattended_modes: tuple[str, ...] | None = None


class QueueSettings(_Section):
    """``slots``: sessions at work at once, however they were started. ``unattended``: tasks start by themselves."""

    slots: _Count = SLOTS
    per_repository: _Count | None = None
    per_agent: dict[str, _Count] = {}
    max_load: Annotated[float, Field(gt=0)] | None = None  # of the last minute, for each core; None: not looked at
    after: When = "landed"
    retries: Annotated[int, Field(ge=0, le=MOST_RETRIES)] = 0
    make_room: bool = True  # programs of finished tasks are ended when the machine has no room for the next
    rest: Annotated[float, Field(ge=0)] = 120.0  # seconds that such a program stays in any case
    unattended: bool = True
    unattended_modes: tuple[str, ...] = ()  # permission modes of what may start by itself; none named: any
    repositories: dict[str, RepositoryRules] = {}

    def of(self, repository: str) -> RepositoryRules:
        """The rules of the repository at that path, each of them set but for ``slots``."""
        own = self._own(repository)
        return RepositoryRules(
            slots=own.slots if own.slots is not None else self.per_repository,
            unattended=own.unattended if own.unattended is not None else self.unattended,
            unattended_modes=own.unattended_modes if own.unattended_modes is not None else self.unattended_modes,
        )

    def _own(self, repository: str) -> RepositoryRules:
        rules: Mapping[str, RepositoryRules] = self.repositories
        for path, rule in rules.items():
            if Path(path).expanduser().resolve() == Path(repository).resolve():
                return rule
        return RepositoryRules()
