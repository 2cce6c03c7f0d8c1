"""The form for one task of a plan."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, TextArea

from orchestrator.planner.ask import Task
from orchestrator.tui.looks import one_line
from sessions import agents


class PlanTask(ModalScreen[Task | None]):
    """Dismisses with the task as it was edited, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", priority=True),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._before = task

    def compose(self) -> ComposeResult:
        task = self._before
        known = [name for name in agents.names() if name != "command"]
        names = [(Content(one_line(name)), name) for name in known]
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Task of the plan"
            dialog.border_subtitle = "ctrl+s keeps · tab next field · esc leaves it as it was"
            yield Label("What the agent is told")
            yield TextArea(task.prompt, compact=True, soft_wrap=True, id="prompt")
            with Horizontal(classes="fields"):
                with Vertical():
                    yield Label("Name")
                    yield Input(task.name, compact=True, id="name")
                with Vertical():
                    yield Label("Agent")
                    chosen = task.agent if task.agent in known else Select.NULL
                    yield Select(names, value=chosen, prompt="automatic", compact=True, id="agent")
                with Vertical():
                    yield Label("After")
                    yield Input(", ".join(task.after), placeholder="names, with commas", compact=True, id="after")
            with Horizontal(classes="fields"), Vertical():
                yield Label("Area")
                yield Input(", ".join(task.area), placeholder="files and folders, with commas", compact=True, id="area")
            with Horizontal(classes="buttons"):
                yield Button("Keep", id="keep", variant="primary", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        self.query_one("#prompt" if self._before.name else "#name").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "keep":
            self.action_keep()
        else:
            self.action_leave()

    def action_keep(self) -> None:
        chosen = self.query_one("#agent", Select).value
        self.dismiss(
            self._before.model_copy(
                update={
                    "name": self._text("name"),
                    "prompt": self.query_one("#prompt", TextArea).text.strip(),
                    "agent": chosen if isinstance(chosen, str) else None,
                    "after": self._listed("after"),
                    "area": self._listed("area"),
                }
            )
        )

    def action_leave(self) -> None:
        self.dismiss(None)

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    def _listed(self, field: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self._text(field).split(",") if part.strip())
