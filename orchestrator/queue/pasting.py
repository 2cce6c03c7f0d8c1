"""A list of tasks as people write it. Pure."""

from __future__ import annotations

import re

_POINT = re.compile(r"\s*(?:(?:[-*+•]|\d+[.)])\s+)?(?:\[[ xX]?\]\s+)?")


def pasted(text: str) -> list[str]:
    """The tasks of a list, one a line: bullets, numbers and boxes go; a deeper line belongs to the one above."""
    tasks: list[str] = []
    margin = min((len(one) - len(one.lstrip()) for one in text.splitlines() if one.strip()), default=0)
    for one in text.splitlines():
        if not one.strip() or one.lstrip().startswith("#"):
            continue
        deeper = len(one) - len(one.lstrip()) > margin
        words = _POINT.sub("", one, count=1).strip()
        if deeper and tasks:
            tasks[-1] += f"\n{one[margin:].rstrip()}"
        elif words:
            tasks.append(words)
    return tasks
