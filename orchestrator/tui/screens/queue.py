"""The queue: what waits for a slot and why; reorder, hold, start now, drop, paste a list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from rich.text import Text
from textual import actions, events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.fleet import Fleet
from orchestrator.queue.ask import AddTasks, NewTask, ShowQueue, SteerQueue, Task
from orchestrator.queue.pasting import pasted
from orchestrator.tui.looks import cut, number, one_line, safe
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.terminal import environment
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.queue_list import QueueList
from orchestrator.tui.widgets.top_line import TopLine

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

Do = Literal["move", "priority", "hold", "release", "drop", "start", "edit"]


class QueueScreen(Screen[None]):
    """The reasons come from the daemon, anew whenever the fleet changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="↵", id="queue-open", tooltip="Its session, or edit its prompt"),
        Binding("a", "add", "Add", id="queue-add", tooltip="Queue tasks, one a line; a pasted list will do"),
        Binding("K", "shift(-1)", "Move", key_display="J K", id="queue-up", tooltip="Start it sooner"),
        Binding("J", "shift(1)", "Down", show=False, id="queue-down", tooltip="Start it later"),
        Binding("h", "hold", "Hold", id="queue-hold", tooltip="Hold it, or let it go on"),
        Binding("s", "start", "Start now", id="queue-start", tooltip="As soon as the machine has room, past the caps"),
        Binding("D", "drop", "Drop", show=False, id="queue-drop", tooltip="It never starts; asks first"),
        Binding("H", "hold_all", "Hold all", show=False, id="queue-hold-all", tooltip="Nothing starts by itself"),
        Binding("plus,equals_sign", "weigh(1)", "Priority +", show=False, id="queue-plus", tooltip="A higher priority"),
        Binding("minus", "weigh(-1)", "Priority −", show=False, id="queue-minus", tooltip="A lower priority"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: object = None

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield QueueList()
        yield Static(id="queue-task", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.tasks.focus()

    @property
    def tasks(self) -> QueueList:
        return self.query_one(QueueList)

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    def show_fleet(self, fleet: Fleet) -> None:
        """Ask for the reasons again when anything that they rest on is different."""
        known = (fleet.queue, tuple((row.id, row.state, row.landing, row.launch_failure) for row in fleet))
        if known != self._known:
            self._known = known
            self.run_worker(self._load(), exclusive=True, group="load")

    async def _load(self) -> None:
        reply = await self._app.ask(ShowQueue())
        if reply is not None:
            self.tasks.show(reply)
            self._tell()

    def _tell(self) -> None:
        line = self.tasks.line
        text = Text("")
        if line is not None:
            task = line.task
            text.append(cut(one_line(line.why or line.session_state), 300) + "\n", "bold")
            where = one_line(task.repository.rstrip("/").rpartition("/")[2])
            after = f" · after {', '.join(map(one_line, task.after))}" if task.after else ""
            retries = f" · tried again {number(task.retries, 'time')}" if task.retries else ""
            text.append(f"{where}{after}{retries}\n", "dim")
            text.append(safe(task.prompt)[:2000])
        self.query_one("#queue-task", Static).update(text)
        self.refresh_bindings()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self._tell()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_open()

    # Keys that cannot act are dim and say why.

    def why_not(self, action: str) -> Reason | None:
        task = self.tasks.selected
        if action not in ("open", "shift", "hold", "start", "drop", "weigh"):
            return None
        if task is None:
            return Reason("Nothing waits", "a adds tasks")
        if action != "open" and task.state in ("starts", "runs"):
            return Reason(f"{one_line(task.name)} has started", "↵ opens its session")
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if self.is_mounted and self.why_not(action) else True

    def on_key(self, event: events.Key) -> None:
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.node is not self:
            return
        _, action, _ = actions.parse(active.binding.action)
        if (reason := self.why_not(action)) is not None:
            event.stop()
            self._app.refuse(reason)

    def action_leave(self) -> None:
        self.app.pop_screen()

    def action_open(self) -> None:
        task = self.tasks.selected
        if task is None:
            return
        if task.session is not None and self._app.row(task.session) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self.app.push_screen(SessionScreen(task.session))
            return

        def edited(text: str | None) -> None:
            if text and text != task.prompt:
                self._steer("edit", task, text=text)

        self.app.push_screen(Prompt(f"The prompt of {one_line(task.name)}", initial=task.prompt, tall=True), edited)

    def action_add(self) -> None:
        task = self.tasks.selected
        where = task.repository if task is not None else str(self._app.repository or os.getcwd())  # noqa: PTH109

        def added(text: str | None) -> None:
            if text and (prompts := pasted(text)):
                self._app.run_worker(self._add(where, prompts))

        name = one_line(where.rstrip("/").rpartition("/")[2])
        self.app.push_screen(Prompt(f"Tasks for {name}, one a line", "ctrl+j begins the next one"), added)

    async def _add(self, where: str, prompts: list[str]) -> None:
        tasks = tuple(NewTask(repository=where, prompt=prompt) for prompt in prompts)
        reply = await self._app.ask_trusting(AddTasks(tasks=tasks, env=environment()))
        if reply is not None:
            self._app.tell(f"queued {', '.join(reply.names)}")

    def action_shift(self, by: int) -> None:
        line = self.tasks.line
        if line is not None and line.place + by >= 1:
            self._steer("move", line.task, place=line.place + by)

    def action_weigh(self, by: int) -> None:
        if (task := self.tasks.selected) is not None:
            self._steer("priority", task, priority=task.priority + by)

    def action_hold(self) -> None:
        if (line := self.tasks.line) is not None:
            held = line.task.held or line.task.over or bool(line.task.gone)
            self._steer("release" if held else "hold", line.task)

    def action_hold_all(self) -> None:
        self._steer("release" if self._app.fleet.queue.held else "hold")

    def action_start(self) -> None:
        if (task := self.tasks.selected) is not None:
            self._steer("start", task)

    def action_drop(self) -> None:
        task = self.tasks.selected
        if task is None:
            return
        name = one_line(task.name)

        def sure(yes: bool | None) -> None:
            if yes:
                self._steer("drop", task)

        question = f"It never starts, and its prompt is gone:\n\n{safe(task.prompt)[:600]}"
        self.app.push_screen(Confirm(f"Drop {name}?", question, "Drop"), sure)

    def _steer(self, do: Do, task: Task | None = None, **more: Any) -> None:
        self._app.run_worker(self._steered(SteerQueue(do=do, task=task.id if task else "", **more)))

    async def _steered(self, command: SteerQueue) -> None:
        done = await self._app.ask(command)
        if done is not None and command.do != "move":
            self._app.tell(done.message)
