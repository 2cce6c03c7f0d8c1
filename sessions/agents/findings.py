"""Small things that several readers share."""

from __future__ import annotations

from datetime import datetime

from sessions.agents.contract import Findings


def joined(findings: list[Findings]) -> Findings:
    """Several findings of one batch as one: the newest evidence of each channel, every response, the last message."""
    if len(findings) == 1:
        return findings[0]
    evidence = {item.channel: item for finding in findings for item in finding.evidence}
    said = next((finding for finding in reversed(findings) if finding.said), Findings())
    return Findings(
        evidence=tuple(evidence.values()),
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
