"""Which step of which script a request is at. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MARK = re.compile(r"\[\[steps:(\[.*?\])\]\](?!\])", re.S)
REST = {"say": "There is nothing more to do."}


@dataclass(frozen=True)
class Message:
    """A message of any API, as far as scripts care. ``results``: it only brings results of tools."""

    role: str  # user or model
    text: str
    results: bool = False


@dataclass(frozen=True)
class Place:
    """The step to play, its number, and what stands for the conversation."""

    step: dict[str, Any]
    number: int
    conversation: str


def place(messages: Iterable[Message]) -> Place:
    """The last message of the user that holds a script decides; one without, after it, ends it."""
    steps: list[dict[str, Any]] = []
    conversation, number, was_model = "", 0, False
    for message in messages:
        found = MARK.search(message.text) if message.role == "user" else None
        if found is not None:
            steps = json.loads(found[1])
            conversation = hashlib.sha256(found[0].encode()).hexdigest()[:12]
            number, was_model = 0, False
        elif message.role == "model":
            number += not was_model
            was_model = True
        else:
            was_model = False
            if message.text.strip() and not message.results and not message.text.lstrip().startswith("<"):
                steps, number = [], 0
    step = steps[number] if number < len(steps) else REST
    return Place(step, number, conversation)


def usage(place_: Place) -> dict[str, int]:
    """Figures that differ from step to step, so that a wrong sum shows."""
    n = place_.number
    words = len(str(place_.step.get("say", "")).split()) + 25 * len(place_.step.get("use", ()))
    found = {"input": 900 + 37 * n, "output": 11 + words, "cache_read": 210 * n + 13, "cache_write": 45 + n}
    return {**found, **place_.step.get("usage", {})}


def pieces(text: str) -> list[str]:
    """Words with their blanks."""
    return re.findall(r"\s*\S+|\s+\Z", text)
