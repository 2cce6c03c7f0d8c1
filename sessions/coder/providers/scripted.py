"""A model that is a script: for demonstrations, tests and benchmarks. Only its words are made up, its tools are real.

The script is a JSON file (docs/coder.md)::

    {"delay": 0.02, "steps": [
      {"text": "I look at the tests first.", "calls": [{"name": "read", "input": {"path": "tests/test_a.py"}}]},
      {"text": "Done.", "pause": 1.0, "usage": {"input": 900, "output": 40}}]}

The step is the number of answers that the conversation holds, so a script survives a kill and a resume. Several scripts
in one file, ``{"scripts": {"words": {…}, …}}``, are chosen by the words that the first message holds. ``{answer}`` in a
step stands for what the user answered last.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sessions.coder.conversation import Call, Conversation, Tokens, Turn
from sessions.coder.providers import ProviderFailed
from sessions.coder.tools import TOOLS

OVER: dict[str, Any] = {"text": "My script has no further steps."}


class Scripted:
    def __init__(self, path: Path) -> None:
        self.model = "scripted"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            scripts = content.get("scripts") or {"": content}
            self._scripts = {words: [dict(step) for step in script["steps"]] for words, script in scripts.items()}
            self._delay = float(content.get("delay", 0.02))
        except OSError as error:
            raise ProviderFailed(f"the script {path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderFailed(f"the script {path} is none: {error}; see docs/coder.md") from error

    def prepare(self) -> None:
        return

    def answer(
        self,
        conversation: Conversation,
        system: str,
        tools: Mapping[str, Mapping[str, Any]] = TOOLS,
        must: str | None = None,
    ) -> Iterator[str | Turn]:
        number = conversation.turns
        first = next((record["text"] for record in conversation.records if record["role"] == "user"), "")
        steps = next((steps for words, steps in self._scripts.items() if words in first), [])
        step: dict[str, Any] = _filled(steps[number] if number < len(steps) else OVER, conversation)
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


def _filled(step: dict[str, Any], conversation: Conversation) -> dict[str, Any]:
    """``step`` with the user's last answer put in."""
    answers = [r["output"] for r in conversation.records if r["role"] == "tool" and r.get("name") == "ask"]
    if not answers:
        return step
    said = json.dumps(answers[-1].removeprefix("the user answered: "))[1:-1]
    filled: dict[str, Any] = json.loads(json.dumps(step).replace("{answer}", said))
    return filled
