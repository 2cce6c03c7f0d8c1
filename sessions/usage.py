"""From usage records to totals. Pure."""

from __future__ import annotations

from sessions.models import Response, Usage


class Tally:
    """Sums responses by their id: the same id seen again replaces the earlier record, so nothing counts twice."""

    def __init__(self) -> None:
        self._responses: dict[str, Usage] = {}
        self.total = Usage()

    def add(self, response: Response) -> bool:
        """Count ``response``; returns whether the total changed."""
        before = self._responses.get(response.id)
        if before == response.usage:
            return False
        self._responses[response.id] = response.usage
        if before is None:
            self.total = self.total + response.usage
        else:
            self.total = sum(self._responses.values(), Usage())
        return True


def from_anthropic(usage: dict[str, object], *, lower_bound: bool = False) -> Usage:
    """Anthropic's fields: ``input_tokens`` excludes the cache already."""
    return Usage(
        input=_count(usage.get("input_tokens")),
        output=_count(usage.get("output_tokens")),
        cache_read=_count(usage.get("cache_read_input_tokens")),
        cache_write=_count(usage.get("cache_creation_input_tokens")),
        lower_bound=lower_bound,
    )


def from_openai(usage: dict[str, object]) -> Usage:
    """Codex's fields: ``input_tokens`` includes what came from the cache; output includes reasoning."""
    cached = _count(usage.get("cached_input_tokens"))
    written = _count(usage.get("cache_write_input_tokens"))
    return Usage(
        input=max(0, _count(usage.get("input_tokens")) - cached - written),
        output=_count(usage.get("output_tokens")),
        cache_read=cached,
        cache_write=written,
        reasoning=_count(usage.get("reasoning_output_tokens")),
    )


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
