"""Why a key cannot act on a session now, and what to do instead. Pure.

Only what is certain is refused here; everything else is the supervisor's to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.fleet import Row
from orchestrator.tui.looks import one_line
from sessions.models import BUSY, ENDED, State


@dataclass(frozen=True)
class Reason:
    """``message`` says what stands in the way, ``hint`` names the next key."""

    message: str
    hint: str


ON_A_SESSION = frozenset(
    {
        *("open", "send", "attach", "merge", "interrupt", "drop", "diff", "update", "pause", "resume", "type"),
        *("matters", "history", "checks", "conflicts", "review", "edit", "copy"),
    }
)
_ASKS_THE_DAEMON = frozenset(
    {
        *("new", "attach", "send", "merge", "interrupt", "drop", "update", "pause", "resume", "resume_all"),
        *("conflicts", "type", "answer", "undo", "matters"),
    }
)


def why_not(action: str, row: Row | None, *, lost: bool, editor: bool = True) -> Reason | None:
    """What stands in the way of ``action`` on ``row``.

    ``lost``: nobody is there to carry it out; ``editor``: the human named one.
    """
    if lost and action in _ASKS_THE_DAEMON:
        return Reason("The daemon cannot be reached", "it is tried again by itself")
    if action not in ON_A_SESSION:
        return None
    if row is None:
        return Reason("No session is selected", "n starts one")
    name, ended = one_line(row.name), row.status.state in ENDED or row.launch_failure is not None
    match action:
        case "send" | "interrupt" | "pause" | "type" if ended:
            return Reason(f"The program of {name} has ended", "r resumes it")
        case "send" | "interrupt" | "type" if row.held:
            return Reason(f"{name} is held by a cap", "w answers that question")
        case "send" | "interrupt" if row.paused:
            return Reason(f"{name} is held", "p releases it")
        case "send" if row.state is State.BLOCKED:
            return Reason(f"{name} waits for an answer", "w answers it")
        case "interrupt" if row.state not in BUSY and row.state is not State.BLOCKED:
            return Reason(f"{name} does nothing that could be interrupted", "s sends it a message")
        case "attach" | "type" if row.pane is None or row.state is State.LOST:
            return Reason(f"{name} has no pane", "r starts its program again")
        case "merge" if row.merging is not None:
            return Reason(f"{name} is being merged", one_line(row.merging))
        case "merge" if row.drift is not None and not row.drift.ahead and not row.totals.files:
            return Reason(f"{name} has nothing to merge", "it changed nothing so far")
        case "conflicts" if row.resolves is not None:
            return Reason(f"{name} proposes how others' conflicts are resolved", "X on the session that conflicts")
        case "conflicts" if not row.conflicts and not row.merge_conflicts:
            return Reason(f"{name} and {one_line(row.target)} merge cleanly", "m merges")
        case "update" if row.drift is not None and not row.drift.behind:
            return Reason(f"{name} has every commit of {one_line(row.target)}", "nothing is to be brought in")
        case "edit" if not editor:
            return Reason("Neither $VISUAL nor $EDITOR is set", "set one to your editor and open the dashboard again")
        case "resume" if not ended:
            return Reason(f"{name} runs", "s sends it a message")
        case _:
            return None
