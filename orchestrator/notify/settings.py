"""``[notify]`` of the settings. It is the user's: a repository may not set it."""

from __future__ import annotations

import re
import shlex
from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from orchestrator.notify.ask import How

_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


class NotifySettings(BaseModel):
    """When and how the human is told. ``command`` gets a title and a text as its last two arguments; no shell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terminal: How = "auto"
    command: str | None = None
    on: tuple[Literal["asks", "failed", "done", "rest"], ...] = ("asks", "failed", "done", "rest")
    quiet: str | None = None  # "22:00-07:00", local time

    @field_validator("command")
    @classmethod
    def _words(cls, command: str | None) -> str | None:
        if command is not None and not shlex.split(command):  # ValueError: no closing quotation
            raise ValueError("it is empty; leave it out to be told on the terminal only")
        return command

    @field_validator("quiet")
    @classmethod
    def _hours(cls, quiet: str | None) -> str | None:
        if quiet is not None:
            span(quiet)
        return quiet

    def is_quiet(self, at: time) -> bool:
        """Nothing is told at this local time."""
        if self.quiet is None:
            return False
        begin, end = span(self.quiet)
        return begin <= at < end if begin <= end else at >= begin or at < end


def span(text: str) -> tuple[time, time]:
    """Begin and end of ``22:00-07:00``. Raises ValueError."""
    if (found := _SPAN.fullmatch(text)) is None:
        raise ValueError(f'{text!r} is no span of hours; write "22:00-07:00"')
    hours = [int(part) for part in found.groups()]
    return time(hours[0], hours[1]), time(hours[2], hours[3])
