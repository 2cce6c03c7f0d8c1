"""The built-in coder: a small coding agent for a terminal, on any Anthropic- or OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the coder; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    from sessions.coder.program import run

    return run(argv)
