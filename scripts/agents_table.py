"""Prints the tables of docs/agents.md from what the adapters state; ``--write`` puts them there.

``python -m scripts.agents_table``
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from sessions import agents
from sessions.agents.capabilities import Capabilities
from sessions.agents.recorded import newest

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "agents.md"
_PLACE = re.compile(r"(?<=<!-- from the adapters -->\n\n).*?(?=\n\n<!-- so far -->)", re.S)


def of(name: str) -> Capabilities | None:
    """What the agent of that name states of itself."""
    found = getattr(agents.get(name), "capabilities", None)
    return found if isinstance(found, Capabilities) else None


def tables(names: Iterable[str]) -> str:
    """Two Markdown tables of the agents that state something: how each is launched, and how it is read."""
    known = [(name, has) for name in sorted(names) if (has := of(name)) is not None]
    launched = [
        (
            f"`{name}`",
            agents.get(name).title,
            newest(name) or "",
            has.task,
            ", ".join(f"`{mode}`" for mode in has.modes),
            has.endpoint,
            has.resume,
        )
        for name, has in known
    ]
    read = [(f"`{name}`", ", ".join(has.sources), has.answers, has.usage) for name, has in known]
    return "\n\n".join(
        (
            _rows(("agent", "program", "recorded", "its task", "permission modes", "own endpoint", "resume"), launched),
            _rows(("agent", "its state is read from", "questions are answered by", "tokens"), read),
        )
    )


def filled(document: str) -> str:
    """``document`` with the tables as they are now. Raises ValueError when it has no place for them."""
    text, count = _PLACE.subn(lambda _: tables(agents.names()), document)
    if count != 1:
        raise ValueError(f"{DOCUMENT} has no place for the tables")
    return text


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join("| " + " | ".join(cell or "-" for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(tables(agents.names()) + "\n")
