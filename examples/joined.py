#!/usr/bin/env python3
# ruff: noqa: T201 - it is a program for a terminal
"""A program that joins the fleet, with nothing but the standard library (docs/events.md).

orchestrator run --agent command --name words --prompt "to-do" -- python3 "$PWD/examples/joined.py" "{prompt}"
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime


def tell(**event: object) -> None:
    """Append one event; without a supervisor, or when it cannot be written, do nothing."""
    path = os.environ.get("ORCHESTRATOR_EVENTS")
    if not path:
        return
    line = json.dumps({"at": datetime.now(UTC).isoformat(), **event}) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)
    except OSError:
        pass


def ask(name: str, title: str, *labels: str) -> str:
    """Ask on the terminal and tell that we do; returns the label."""
    options = {str(number): label for number, label in enumerate(labels, 1)}
    print(title, *(f"{key} {label}" for key, label in options.items()), sep="\n  ", flush=True)
    shown = [{"key": key, "label": label} for key, label in options.items()]
    tell(type="question", id=name, kind="question", title=title, options=shown)
    choice = ""
    while choice not in options:
        choice = input("choice: ").strip()
    tell(type="answered", id=name)
    return options[choice]


def main() -> int:
    """Count a word in the repository, by file or in all."""
    word = " ".join(sys.argv[1:]) or "the"
    tell(type="hello", agent="joined.py", version="1")
    tell(type="state", state="working", text=f"looks for {word!r}")
    started = time.time()
    found = subprocess.run(["git", "grep", "-ciF", "-e", word], capture_output=True, text=True, check=False)
    counts = dict(line.rsplit(":", 1) for line in found.stdout.splitlines())
    ended = datetime.now(UTC)
    # A real agent tells what its model used; this one has none, so its figures are the lines that it counted.
    tell(
        type="usage",
        id="count",
        model="git-grep",
        input=sum(map(int, counts.values())),
        output=len(counts),
        started_at=datetime.fromtimestamp(started, UTC).isoformat(),
        ended_at=ended.isoformat(),
    )
    if ask("shape", f"How shall I show where {word!r} stands?", "By file", "In all") == "By file":
        said = ", ".join(f"{path}: {count}" for path, count in counts.items()) or "nowhere"
    else:
        said = f"{sum(map(int, counts.values()))} lines in {len(counts)} files"
    print(said)
    tell(type="message", role="agent", text=said)
    tell(type="state", state="done")
    input("Enter ends. ")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
