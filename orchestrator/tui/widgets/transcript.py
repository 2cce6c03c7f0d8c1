"""A conversation for reading: who said what, tools in one line with the beginning of their result."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from orchestrator.tui.looks import one_line, safe
from orchestrator.tui.widgets.lines import DIM
from sessions.models import Entry, Role

SHOWN = 400
"""Newest entries that are drawn."""
RESULT_LINES = 6


def drawn(entries: Iterable[Entry]) -> Text:
    """All of it as one text; the newest entry last."""
    found = list(entries)
    text = Text()
    if not found:
        return Text("  Nothing has been said yet, or this agent keeps no transcript that can be read.", DIM)
    if len(found) > SHOWN:
        text.append(f"  … {len(found) - SHOWN} earlier entries\n\n", DIM)
    for entry in found[-SHOWN:]:
        at = f"  {entry.at.astimezone():%H:%M}" if entry.at else ""
        match entry.role:
            case Role.USER:
                text.append(f"▌ you{at}\n", "bold")
                text.append(_indented(safe(entry.text).strip()) + "\n\n")
            case Role.AGENT:
                text.append(f"● agent{at}\n", "bold")
                text.append(_indented(safe(entry.text).strip()) + "\n\n")
            case Role.TOOL if entry.title != "result":
                text.append(f"  → {one_line(entry.title)}\n", "bold" if not entry.text else "")
            case _:
                lines = safe(entry.text).strip().splitlines()
                for line in lines[:RESULT_LINES]:
                    text.append(f"    {line[:300]}\n", DIM)
                if len(lines) > RESULT_LINES:
                    text.append(f"    … {len(lines) - RESULT_LINES} more lines\n", DIM)
                text.append("\n")
    return text


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
