"""``[attention]`` of the settings. It is the user's: a repository may not set it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AttentionSettings(BaseModel):
    """How the inbox goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    advance: bool = True  # after an answer the next item follows; False: back to where you were
