"""What a check is: ``[checks]`` of a repository or a user, and the older ``[merge] checks``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
TIMEOUT_S = 900.0
MERGE = "merge"
"""The row of the older list: its commands run one after the other in one worktree."""


class CheckTable(BaseModel):
    """``[checks.NAME]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Annotated[str, Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0)] = TIMEOUT_S  # seconds
    parallel: Annotated[int, Field(ge=1)] | None = None  # runs of it at once; None: as many as there are slots
    paths: tuple[str, ...] = ()  # git's glob pathspecs: it runs only when such a path changed
    env: dict[str, str] = {}
    needs: tuple[str, ...] = ()  # checks that have to be good before
    retries: Annotated[int, Field(ge=0, le=3)] = 1
    after_stop: bool = True  # also when an agent stops, and not only before a landing


class ChecksSettings(BaseModel):
    """``[checks]``: ``slots``, and a table for each check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: Annotated[int, Field(ge=1)] | None = None  # checks that run at once; None: half of the cores
    named: dict[Annotated[str, Field(pattern=NAME)], CheckTable] = {}

    @model_validator(mode="before")
    @classmethod
    def _apart(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        own = {name: value for name, value in said.items() if name == "slots"}
        tables = {name: value for name, value in said.items() if name not in own}
        short = {name: {"command": value} for name, value in tables.items() if isinstance(value, str)}
        return {**own, "named": {**tables, **short}}

    @model_validator(mode="after")
    def _runnable(self) -> ChecksSettings:
        for name, table in self.named.items():
            for other in table.needs:
                if other not in self.named:
                    raise ValueError(f"{name} needs {other!r}, and there is no such check")
        if circle := _circle({name: table.needs for name, table in self.named.items()}):
            raise ValueError(f"checks need each other in a circle: {' → '.join(circle)}")
        return self


class Check(BaseModel):
    """A check as the engine takes it."""

    model_config = ConfigDict(frozen=True)

    name: str
    command: str
    timeout: float = TIMEOUT_S
    parallel: int | None = None
    paths: tuple[str, ...] = ()
    env: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    retries: int = 1
    after_stop: bool = True
    row: str = ""  # those of one row run in their order in one worktree, each on what the ones before it left

    def digest(self, before: Iterable[Check] = ()) -> str:
        """Stands for what decides what it says of a tree. ``before``: those of its row before it."""
        parts = [(one.command, one.timeout, sorted(one.env.items()), one.retries) for one in (*before, self)]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def __str__(self) -> str:
        """For a human who approves it: everything of it that runs."""
        env = "".join(f"{name}={value} " for name, value in self.env.items())
        return env + self.command if self.name == self.command else f"{self.name}: {env}{self.command}"


def named(settings: ChecksSettings) -> tuple[Check, ...]:
    return tuple(Check(name=name, **table.model_dump()) for name, table in settings.named.items())


def listed(commands: Iterable[str]) -> tuple[Check, ...]:
    """The older list. They run before a landing only, as they always did."""
    return tuple(Check(name=command, command=command, after_stop=False, row=MERGE) for command in commands)


def _circle(needs: dict[str, tuple[str, ...]]) -> list[str]:
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in needs[name]:
            if found := walk(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in needs if (found := walk(name, []))), [])
