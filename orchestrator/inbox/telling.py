"""Items of the inbox in words: what they are, why they stand where they stand, which keys act on them. Pure."""

from __future__ import annotations

from datetime import datetime

from orchestrator.amounts import number
from orchestrator.fleet import Row
from orchestrator.inbox.ask import Listed
from orchestrator.inbox.order import Item, ended
from sessions.risk import WORDS
from worktrees import inert

ANSWERS = {
    "permission": "permissions",
    "question": "questions",
    "plan": "plans",
    "dialog": "dialogs",
    "budget": "caps",
    "message": "messages",
}
"""What the ledger measures; for the other kinds the time is a guess and is not told."""


def reasons(item: Item) -> tuple[str, ...]:
    """Why the item stands where it stands, the weightiest first. Text of ours and names of sessions."""
    row, said = item.row, []
    if item.snoozed:
        said.append(later(item))
    question = row.status.question
    if item.pinned and question is not None and question.risk is not None:
        said.append(f"it {WORDS[question.risk]}")
    if item.dependants:
        count = len(item.dependants)
        names = ", ".join(item.dependants[:3]) + (" …" if count > 3 else "")
        said.append(f"{count} {'other waits' if count == 1 else 'others wait'} for it: {inert.line(names)}")
    if len(item.rows) > 1:
        said.append(f"one answer serves {len(item.rows)} sessions")
    if item.conflicts:
        said.append(f"it conflicts with {item.conflicts} {'work' if item.conflicts == 1 else 'works'}")
    if row.priority:
        said.append(f"its priority is {row.priority:+d}")
    said.append(f"{'asked' if item.blocks else 'for'} {span(item.age_s)}{' ago' if item.blocks else ''}")
    if item.kind in ANSWERS:
        takes = "take you" if item.measured else "may take you"
        said.append(f"{ANSWERS[item.kind]} {takes} {span(item.expected_s)}")
    else:
        said.append("no agent is held up" if not item.blocks else "")
    return tuple(filter(None, said))


def what(item: Item) -> str:
    """What it is about, in one line; text of agents, inert."""
    row = item.row
    question = row.status.question
    match item.kind:
        case "message":
            return inert.line(row.said) or "asks in its last words"
        case "failed":
            return inert.line(row.launch_failure or "") or f"its program {_ended(row)}"
        case "conflict":
            return inert.line(row.merge_failure or "") or f"conflicts with {_others(row)}"
        case "ready":
            totals = row.totals
            checks = f", checks {row.checks.mark}" if row.checks is not None else ""
            return f"{number(totals.files, 'file')}, +{totals.added} −{totals.removed}{checks}: to review and merge"
        case "finished":
            return inert.line(row.said) or "its turn is over, nothing was changed"
        case _ if question is None:
            return "waits in its own dialog: o attaches"
        case _:
            return inert.line(question.title or question.text)


def keys(item: Item) -> str:
    """The keys that act on it in the inbox."""
    match item.kind:
        case "failed":
            return "r starts it again · ↵ opens it" if ended(item.row) else "r sends it words · ↵ opens it"
        case "conflict":
            return "X decides what conflicts · m tries the merge · ↵ opens it"
        case "ready":
            return "v reviews it · m merges it · ↵ opens it"
        case "message" | "finished":
            return "r answers it · v reviews its work · ↵ opens it"
        case _:
            return ""


def later(item: Item) -> str:
    """Until when it is put off."""
    until = item.row.snoozed.until if item.row.snoozed is not None else None
    return f"snoozed until {until.astimezone():%H:%M}" if until is not None else "snoozed until something changes"


def listed(item: Item) -> Listed:
    """The item as ``inbox --json`` has it."""
    row = item.row
    until: datetime | None = row.snoozed.until if item.snoozed and row.snoozed is not None else None
    return Listed(
        names=tuple(row.name for row in item.rows),
        sessions=tuple(row.id for row in item.rows),
        kind=item.kind,
        what=what(item),
        blocks=item.blocks,
        pinned=item.pinned,
        why=reasons(item),
        score=round(item.score, 6),
        cost=round(item.cost, 6),
        expected_s=round(item.expected_s, 3),
        dependants=item.dependants,
        conflicts=item.conflicts,
        priority=row.priority,
        age_s=round(item.age_s, 3),
        snoozed=item.snoozed,
        until=until,
        keys=keys(item),
    )


def span(seconds: float) -> str:
    """6 s, 4m, 3h, 2d."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}m" if whole < 3600 else f"{whole // 3600}h" if whole < 86400 else f"{whole // 86400}d"


def _ended(row: Row) -> str:
    code = row.status.exit_code
    saw = inert.line(row.status.why[0].saw) if row.status.why else ""
    return row.status.state.value + (f" with {code}" if code else "") + (f": {saw}" if saw else "")


def _others(row: Row) -> str:
    count = len(row.rivals)
    return " and ".join(
        filter(None, (inert.line(row.target) if row.conflicts else "", f"{count} sessions" if count else ""))
    )
