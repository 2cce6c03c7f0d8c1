"""Small things that several readers share."""

from __future__ import annotations

from datetime import datetime

from sessions.agents.contract import Findings
from sessions.models import Evidence, State


def joined(findings: list[Findings]) -> Findings:
    """Several findings of one batch as one: the newest evidence of each channel, every response, the last message.

    Work that ended within the batch is kept before what came after it: a turn ran, however short.
    """
    if len(findings) == 1:
        return findings[0]
    newest: dict[str, Evidence] = {}
    work: dict[str, Evidence] = {}
    for item in (item for finding in findings for item in finding.evidence):
        newest[item.channel] = item
        if item.state is State.WORKING:
            work[item.channel] = item
    ended = [item for channel, item in work.items() if newest[channel] is not item]
    said = next((finding for finding in reversed(findings) if finding.said), Findings())
    return Findings(
        evidence=(*ended, *newest.values()),
        responses=tuple(response for finding in findings for response in finding.responses),
        said=said.said,
        asks=said.asks,
        agent_session_id=next((f.agent_session_id for f in reversed(findings) if f.agent_session_id), None),
        transcript=next((f.transcript for f in reversed(findings) if f.transcript), None),
        version=next((f.version for f in reversed(findings) if f.version), None),
    )


def asks(said: str | None) -> bool:
    """The message ends in a question in plain words."""
    return bool(said) and (said or "").rstrip().rstrip("*_`)\"'").endswith("?")


def text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def time(value: object) -> datetime | None:
    """An ISO time; None when it is none."""
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")) if value else None
    except ValueError:
        return None
