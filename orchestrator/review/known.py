"""What the ledger says of a review, and the message that its comments become. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.events import Envelope
from orchestrator.review.ask import Commented, CommentsSent, Remark, Reviewed
from worktrees import inert

KINDS = ("reviewed", "commented", "comments_sent")
QUOTED = 12
"""Lines of a range that are quoted in a message; an agent finds the others by their numbers."""


@dataclass
class Known:
    """Digests of what was looked at, and comments by id, in the order in which they were made. ``made``: ever."""

    marks: set[str] = field(default_factory=set)
    remarks: dict[str, Remark] = field(default_factory=dict)
    made: int = 0


def fold(envelopes: Iterable[Envelope]) -> Known:
    """A session's review as its events made it."""
    known = Known()
    for envelope in envelopes:
        match envelope.event:
            case Reviewed(items=items, done=True):
                known.marks.update(items)
            case Reviewed(items=items):
                known.marks.difference_update(items)
            case Commented() as said if said.text:
                known.made = max(known.made, int(said.id) if said.id.isdigit() else 0)
                known.remarks[said.id] = Remark(**said.model_dump(exclude={"event"}))
            case Commented() as said:
                known.remarks.pop(said.id, None)
            case CommentsSent(ids=ids):
                for one in set(ids) & known.remarks.keys():
                    known.remarks[one] = known.remarks[one].model_copy(update={"sent": True})
            case _:
                pass
    return known


def message(remarks: Sequence[Remark]) -> str:
    """All comments as one message to the agent: file, line, the quoted lines, the words. Inert."""
    if not remarks:
        return ""
    count = "a comment" if len(remarks) == 1 else f"{len(remarks)} comments"
    parts = [f"I reviewed your work and have {count}. Please deal with each of them."]
    for n, remark in enumerate(remarks, 1):
        parts.append("\n".join([f"{n}. {where(remark)}", *_quoted(remark), inert.block(remark.text).strip()]))
    return "\n\n".join(parts)


def where(remark: Remark) -> str:
    """``src/client.py:42``, with a range ``src/client.py:42-44``; for lines that are gone ``… (before)``."""
    last = f"-{remark.last}" if remark.last != remark.first else ""
    before = " (as it was before)" if remark.side == "old" else ""
    return f"{inert.line(remark.path)}:{remark.first}{last}{before}"


def _quoted(remark: Remark) -> list[str]:
    shown = [f"> {inert.block(line, 4)}".rstrip() for line in remark.quote[:QUOTED]]
    more = len(remark.quote) - QUOTED
    return [*shown, f"> … {more} more lines"] if more > 0 else shown
