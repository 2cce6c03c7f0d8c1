"""A model that is a script: for demonstrations, tests and benchmarks. Only its words are made up, its tools are real.

The script is a JSON file (docs/coder.md)::

    {"delay": 0.02, "steps": [
      {"text": "I look at the tests first.", "calls": [{"name": "read", "input": {"path": "tests/test_a.py"}}]},
      {"text": "Done.", "pause": 1.0, "usage": {"input": 900, "output": 40}}]}

The step is the number of answers that the conversation holds, so a script survives a kill and a resume.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sessions.coder.conversation import Call, Conversation, Tokens, Turn
from sessions.coder.providers import ProviderFailed

OVER: dict[str, Any] = {"text": "My script has no further steps."}


class Scripted:
    def __init__(self, path: Path) -> None:
        self.model = "scripted"
        try:
            script = json.loads(path.read_text(encoding="utf-8"))
            self._steps: list[dict[str, Any]] = [dict(step) for step in script["steps"]]
            self._delay = float(script.get("delay", 0.02))
        except OSError as error:
            raise ProviderFailed(f"the script {path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"the script {path} is none: {error}; see docs/coder.md") from error

    def answer(self, conversation: Conversation, system: str) -> Iterator[str | Turn]:
        number = conversation.turns
        step: dict[str, Any] = self._steps[number] if number < len(self._steps) else OVER
        time.sleep(float(step.get("pause", 0)))
        text = str(step.get("text", ""))
        for word in re.findall(r"\S+\s*", text):
            yield word
            time.sleep(self._delay)
        words = len(text.split())
        usage = step.get("usage", {})
        yield Turn(
            id=f"step-{number}",
            model=self.model,
            text=text,
            calls=tuple(
                Call(f"call-{number}-{index}", str(call["name"]), dict(call.get("input", {})))
                for index, call in enumerate(step.get("calls", ()))
            ),
            usage=Tokens(
                input=int(usage.get("input", 800 + 150 * number)),
                output=int(usage.get("output", 4 * words + 20)),
                cache_read=int(usage.get("cache_read", 400 * number)),
                cache_write=int(usage.get("cache_write", 0)),
            ),
        )
