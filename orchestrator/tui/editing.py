"""The human's own editor on a worktree: the dashboard steps aside until it ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from orchestrator.fleet import Row
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason

_NAMED = "$VISUAL, else $EDITOR, names the editor"


def editor() -> str:
    """The command that the human set: ``VISUAL``, else ``EDITOR``. Blank counts as not set; empty when neither is."""
    return os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip()


def edit(app: App[Any], row: Row) -> Reason | None:
    """Run the editor in the worktree and on it, until it ends; returns what went wrong.

    The command may have arguments, quoted as for a shell; no shell runs it. The folder follows as the last one.
    """
    if not Path(row.worktree).is_dir():
        return Reason(f"The worktree of {one_line(row.name)} is not there: {row.worktree}", f"its branch: {row.branch}")
    try:
        words = shlex.split(editor())
    except ValueError as error:
        return Reason(f"{editor()} cannot be run: {error}", _NAMED)
    try:
        with app.suspend():
            problem = _run([*words, row.worktree], row.worktree)
    except SuspendNotSupported:
        return Reason("This terminal cannot be handed over", f"y copies {row.worktree}")
    return Reason(problem, _NAMED) if problem else None


def edit_text(app: App[Any], text: str, name: str) -> str | Reason:
    """Let the human edit ``text`` in a file called ``name``; what they made of it, or what went wrong."""
    try:
        words = shlex.split(editor()) or ["vi"]
        with tempfile.TemporaryDirectory(prefix="orchestrator-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            with app.suspend():
                problem = _run([*words, str(path)], folder)
            return Reason(problem, _NAMED) if problem else path.read_text(encoding="utf-8", errors="replace")
    except ValueError as error:
        return Reason(f"{editor()} cannot be run: {error}", _NAMED)
    except OSError as error:
        return Reason(f"The text cannot be handed over: {error.strerror}", "is the disk full?")
    except SuspendNotSupported:
        return Reason("This terminal cannot be handed over", "edit the tasks one by one: enter")


def _run(words: list[str], folder: str) -> str | None:
    """Raises nothing: Textual would leave the terminal as the editor had it."""
    try:
        with _interrupts_are_the_editors():
            done = subprocess.run(words, cwd=folder, check=False)
    except OSError as error:
        return f"{words[0]} cannot be run: {error.strerror}"
    if done.returncode < 0:
        return f"{words[0]} was ended by signal {-done.returncode}"
    return f"{words[0]} failed: exit {done.returncode}" if done.returncode else None


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    """Ctrl+C in an editor reaches its whole process group, and would end the dashboard too."""
    # Functions, not SIG_IGN: a program that is started inherits that.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
