"""What most tools do: capture every pane with a tmux process of its own, once a second, and look for a prompt.

``python -m benchmarks.poller SOCKET PANE…`` prints ``PANE TIME`` when a pane begins to show a dialog.
"""

from __future__ import annotations

import subprocess
import sys
import time


def main(socket: str, panes: list[str]) -> None:
    shown: set[str] = set()
    while True:
        began = time.monotonic()
        for pane in panes:
            done = subprocess.run(
                ["tmux", "-L", socket, "capture-pane", "-p", "-t", pane], capture_output=True, check=False
            )
            asks = b"Do you want to proceed?" in done.stdout
            if asks and pane not in shown:
                print(pane, time.time(), flush=True)  # noqa: T201
                shown.add(pane)
            elif not asks:
                shown.discard(pane)
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
