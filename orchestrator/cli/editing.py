"""A text goes through the human's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from orchestrator.cli.output import CommandError

NAMED = "$VISUAL, else $EDITOR, names the editor"


def edited(text: str, name: str = "COMMIT_EDITMSG", undone: str = "nothing was merged") -> str:
    """What the human made of ``text``. CommandError when the editor fails, or nothing is left.

    ``name``: the file's, by which editors know its kind. ``undone``: what did not happen because of it, in words.
    """
    named = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip() or "vi"
    with tempfile.TemporaryDirectory(prefix="orchestrator-message-") as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            code = subprocess.run([*shlex.split(named), str(path)], check=False).returncode
        except (OSError, ValueError) as error:
            raise CommandError(f"{named} cannot be run: {error}", NAMED) from error
        if code != 0:
            raise CommandError(f"{named} failed (exit code {code}); {undone}", NAMED)
        left = path.read_text(encoding="utf-8", errors="replace").strip()
    if not left:
        raise CommandError(f"the text is empty; {undone}", "write one, or leave the editor's file as it was")
    return left + "\n"
