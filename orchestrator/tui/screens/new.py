"""The form for a new task. What was typed is kept when it is left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, TextArea

from orchestrator.budgets.amounts import amount
from orchestrator.commands import AddTasks, Isolation, Run
from orchestrator.queue.ask import NewTask as NewQueued
from orchestrator.tui.looks import one_line
from orchestrator.tui.terminal import environment
from sessions import agents

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

MOST = 20
_FIRST = "automatic"


async def new_task(app: Orchestrator) -> None:
    """Ask for a task and launch it."""
    command = await app.push_screen_wait(NewTask(app.draft, str(app.repository or os.getcwd())))  # noqa: PTH109
    if isinstance(command, AddTasks):
        await app.add_tasks(command)
    elif command is not None:
        await app.launch(command)


class NewTask(ModalScreen[Run | AddTasks | None]):
    """Dismisses with the command, or None. ``draft`` is read and written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True),
        Binding("ctrl+t", "queue", "Queue", priority=True),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(self, draft: dict[str, str], repository: str) -> None:
        super().__init__()
        self._draft = draft
        self._repository = repository

    def compose(self) -> ComposeResult:
        draft = self._draft
        names = [(Content(one_line(name)), name) for name in agents.names() if name != "command"]
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "New task"
            dialog.border_subtitle = "ctrl+s starts · ctrl+t queues · tab next field · esc keeps the draft"
            yield Label("Task")
            yield TextArea(draft.get("prompt", ""), placeholder="What should the agent do?", compact=True, id="prompt")
            with Horizontal(classes="fields"):
                with Vertical():
                    yield Label("Agent")
                    yield Select(
                        names, value=draft.get("agent") or Select.NULL, prompt=_FIRST, compact=True, id="agent"
                    )
                with Vertical():
                    yield Label("Begin at")
                    yield Input(draft.get("base", ""), placeholder="HEAD", compact=True, id="base")
                with Vertical():
                    yield Label("Name")
                    yield Input(draft.get("name", ""), placeholder="from the task", compact=True, id="name")
                with Vertical():
                    yield Label("Isolation")
                    yield Select(
                        [(kind.value, kind.value) for kind in Isolation],
                        value=draft.get("isolation") or Select.NULL,
                        prompt="as set",
                        compact=True,
                        id="isolation",
                    )
                with Vertical():
                    yield Label("Budget")
                    yield Input(draft.get("budget", ""), placeholder="no cap", compact=True, id="budget")
                with Vertical(classes="small"):
                    yield Label("How many")
                    yield Input(draft.get("count", "1"), type="integer", compact=True, id="count")
            yield Label(f"in {one_line(self._repository)}", classes="hint", markup=False)
            yield Label("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="primary", compact=True)
                yield Button("Queue", id="queue", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        self.query_one("#prompt", TextArea).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "start":
            self.action_start()
        elif event.button.id == "queue":
            self.action_queue()
        else:
            self.action_leave()

    def action_start(self) -> None:
        if (command := self._command()) is not None:
            self.dismiss(command)

    def action_queue(self) -> None:
        """It starts when a slot is free."""
        if (command := self._command()) is None:
            return
        task = NewQueued.model_validate(command.model_dump())
        self.dismiss(AddTasks(tasks=(task,), env=command.env))

    def _command(self) -> Run | None:
        values = self._values()
        count = int(values["count"]) if values["count"].isdigit() else 0
        problem, budget = "", None
        try:
            budget = amount(values["budget"]) if values["budget"] else None
        except ValueError as error:
            problem = str(error)
        if not values["prompt"].strip():
            problem = "Write what the agent should do."
        elif not 1 <= count <= MOST:
            problem = f"How many must be between 1 and {MOST}."
        if problem:
            self.query_one("#problem", Label).update(problem)
            return None
        self._draft.update(values)
        return Run(
            repository=self._repository,
            prompt=values["prompt"].rstrip(),
            agent=values["agent"] or None,
            base=values["base"] or None,
            name=values["name"] or None,
            count=count,
            budget=budget,
            isolation=Isolation(values["isolation"]) if values["isolation"] else None,
            env=environment(),
        )

    def action_leave(self) -> None:
        self._draft.update(self._values())
        self.dismiss(None)

    def _values(self) -> dict[str, str]:
        chosen = self.query_one("#agent", Select).value
        isolation = self.query_one("#isolation", Select).value
        return {
            "prompt": self.query_one("#prompt", TextArea).text,
            "agent": chosen if isinstance(chosen, str) else "",
            "base": self.query_one("#base", Input).value.strip(),
            "name": self.query_one("#name", Input).value.strip(),
            "isolation": isolation if isinstance(isolation, str) else "",
            "budget": self.query_one("#budget", Input).value.strip(),
            "count": self.query_one("#count", Input).value.strip(),
        }
