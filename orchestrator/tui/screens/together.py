"""One answer for several sessions: who they are is read before it is given."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from orchestrator.fleet import Row
from orchestrator.tui.answers import SETTLE
from orchestrator.tui.looks import listed, one_line, safe
from orchestrator.tui.widgets.scroll import Scroll


class Who(Enum):
    """Whom the answer is for."""

    ALL = auto()
    FIRST = auto()


class Together(ModalScreen[Who | None]):
    """Dismisses with whom the answer goes to. Enter within :data:`SETTLE` of its opening was meant for before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose('ALL')", "All"),
        Binding("f", "choose('FIRST')", "The first"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, rows: tuple[Row, ...], answer: str) -> None:
        super().__init__()
        self._rows, self._answer = rows, answer
        self._opened: datetime | None = None

    def compose(self) -> ComposeResult:
        names = [one_line(row.name) for row in self._rows]
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"{len(names)} sessions ask the same")
            yield Static(f"answers {listed(names)}", markup=False)
            yield Static(f"with {safe(self._answer)}", markup=False, classes="group")
            with Scroll(classes="places"):
                places = "\n".join(f"{one_line(row.name)}  in {one_line(row.worktree)}" for row in self._rows)
                yield Static(places, markup=False)
            yield Label(f"enter answers all · f only {names[0]} · esc back", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._opened = self._now()

    def action_choose(self, who: str) -> None:
        if self._opened is not None and abs(self._now() - self._opened) >= SETTLE:
            self.dismiss(Who[who])

    def action_leave(self) -> None:
        self.dismiss(None)

    def _now(self) -> datetime:
        now: datetime = self.app.now()  # type: ignore[attr-defined]
        return now
