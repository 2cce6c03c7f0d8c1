"""The command line. Every command has --help with examples; exit code 0 is done, 1 refused or failed, 2 wrong usage.

Only the standard library is imported here and in what a quick command needs: ``ls`` answers in a fifth of a second.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from orchestrator.cli.arguments import parser
from orchestrator.cli.output import CommandError, complain

__all__ = ["main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale without UTF-8 is no reason to fail
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["coder"]:
        from sessions.coder import main as coder  # it has its own parser

        return coder(words[1:])
    arguments = parser().parse_args(words)
    try:
        return int(arguments.handler(arguments))
    except CommandError as error:
        return complain(error)
    except KeyboardInterrupt:
        print(file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) is gone; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
