"""One line under the first, while there is something to say of the whole fleet: lost sessions, an unusable ledger."""

from __future__ import annotations

from textual.widgets import Static

from orchestrator.attention import comes_back
from orchestrator.fleet import Fleet
from orchestrator.tui.looks import number, one_line
from sessions.models import State

TOGETHER = 2
"""From so many on it was not one agent's misfortune: tmux died, or the machine went down."""


def words(fleet: Fleet) -> str:
    """What the line says; empty when there is nothing to say."""
    if fleet.read_only is not None:
        return one_line(f"Read-only: {fleet.read_only}")
    lost = [row for row in fleet if row.status.state is State.LOST and comes_back(row)]
    return f"{number(len(lost), 'session')} were lost: R brings them back" if len(lost) >= TOGETHER else ""


class LostLine(Static):
    """Takes no room while it has nothing to say."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.update_fleet)

    def update_fleet(self, fleet: Fleet) -> None:
        said = words(fleet)
        if said != str(self.content):
            self.update(said)
        self.display = bool(said)
