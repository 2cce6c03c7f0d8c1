"""What ``orchestrator ls --json`` says of a session. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.attention import grouped
from orchestrator.fleet import Fleet, Row
from orchestrator.throughput import rate
from sessions.models import SessionId

WINDOW = timedelta(minutes=1)
"""Over which ``tokens_per_second`` is taken."""


def listing(fleet: Fleet, now: datetime) -> list[dict[str, Any]]:
    groups = {row.id: group for group in grouped(fleet) for row in group}
    names = {row.id: row.name for row in fleet}
    return [session(row, now, groups.get(row.id, ()), names) for row in fleet]


def session(
    row: Row, now: datetime, group: tuple[Row, ...] = (), names: Mapping[SessionId, str] | None = None
) -> dict[str, Any]:
    """One session as plain data: the documented fields first, what a program may also want after them.

    ``group``: the sessions that ask the very same as this one. ``names``: those of all sessions.
    """
    status = row.status
    question = None if row.paused else status.question
    winner = status.why[0] if status.why else None
    return {
        "name": row.name,
        "agent": row.agent,
        "repo": row.repository,
        "branch": row.branch,
        "worktree": row.worktree,
        "state": row.state.value,
        "kind": status.kind.value if status.kind and not row.paused else None,
        "since": status.since.isoformat(),
        "why": f"{winner.source.name.lower()} {winner.channel}: {winner.saw}".strip() if winner else "",
        "question": None
        if question is None
        else {
            "id": question.id,
            "kind": question.kind.value,
            "title": question.title,
            "text": question.text,
            "options": [option.model_dump() for option in question.options],
            "multiple": question.multiple,
            "free_text": question.free_text,
            "command": question.command,
            "path": question.path,
            "risk": question.risk.value if question.risk else None,
            "risk_because": question.risk_because,
            "same": [other.id for other in group if other is not row],
        },
        "tokens": {
            "input": row.usage.input,
            "output": row.usage.output,
            "cache_read": row.usage.cache_read,
            "cache_write": row.usage.cache_write,
        },
        "tokens_lower_bound": row.usage.lower_bound,
        "tokens_per_second": round(rate(row.responses, now, WINDOW), 1),
        "cost_usd": row.cost_usd,
        "idle_s": round(row.idle_s(now), 1),
        "diff": {"files": row.totals.files, "added": row.totals.added, "removed": row.totals.removed},
        "uncommitted": row.totals.uncommitted,
        "ahead": row.drift.ahead if row.drift else 0,
        "behind": row.drift.behind if row.drift else 0,
        "conflicts": list(row.conflicts),
        "outdated": list(row.outdated),
        "rivals": [
            {"session": rival.session, "name": (names or {}).get(rival.session, ""), "paths": list(rival.paths)}
            for rival in row.rivals
        ],
        "id": row.id,
        "prompt": row.prompt,
        "base": row.base,
        "target": row.target,
        "model": row.model,
        "isolation": row.isolation.value,
        "boxed": row.boxed,
        "agent_session_id": row.agent_session_id,
        "agent_version": row.agent_version,
        "pid": row.pid,
        "generation": row.generation,
        "exit_code": status.exit_code,
        "parked_until": row.parked.due.isoformat() if row.parked else None,
        "until": status.until.isoformat() if status.until else None,
        "said": row.said,
        "asks": row.asks,
        "snapshot": row.snapshot,
        "strayed": row.strayed,
        "checks": row.checks.mark if row.checks else None,
        "merging": row.merging,
        "merge_failure": row.merge_failure,
        "method": row.method.value if row.method else None,
        "stacked_on": row.base if row.on else None,
        "resolves": row.resolves,
        "group": row.group,
        "pull_request": row.request,
        "landed": row.landing.after if row.landing else None,
        "launch_failure": row.launch_failure,
        "stopped": row.stopped,
        "paused": row.paused,
        "recovered": row.recovered.isoformat() if row.recovered else None,
        "created_at": row.created_at.isoformat(),
    }
