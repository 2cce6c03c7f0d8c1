"""A plan on the screen: a goal is split by a model, its tasks are edited, ordered and launched together."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.commands import CheckPlan, PlanGoal, StopPlan
from orchestrator.planner import tasksfile
from orchestrator.planner.ask import PlanReply, Task
from orchestrator.tui.editing import edit_text
from orchestrator.tui.looks import age, money, number, one_line, safe, tokens
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.screens.plan_task import PlanTask
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.terminal import environment
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM, Lines
from orchestrator.tui.widgets.plan_tasks import PlanTasks
from orchestrator.tui.widgets.scroll import Scroll
from orchestrator.tui.widgets.top_line import TopLine

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

HEAD = "Saved and closed, the plan is looked over again. Nothing is launched."


async def new_plan(app: Orchestrator, repository: str) -> None:
    """Go on with the plan that was left, else ask for a goal."""
    if app.plan is not None:
        app.push_screen(PlanScreen(repository, None))
        return
    title = f"Plan a goal in {one_line(repository)}"
    asked = Prompt(title, "What shall be reached? A model splits it into tasks.", app.goal)
    goal: str | None = await app.push_screen_wait(asked)
    if goal:
        app.goal = goal
        app.push_screen(PlanScreen(repository, goal))


class PlanScreen(Screen[None]):
    """With ``goal``: a model is asked first. Without: the plan that ``app.plan`` holds. Leaving it keeps the plan."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit", key_display="↵", id="plan-edit", tooltip="Edit the task"),
        Binding("a", "add", "Add", id="plan-add", tooltip="Add a task below"),
        Binding("L", "launch", "Launch all", id="plan-launch", tooltip="Launch all tasks, in their order"),
        Binding("x", "remove", "Remove", show=False, id="plan-remove", tooltip="Take the task out of the plan"),
        Binding("J,shift+down", "shift(1)", "Down", show=False, id="plan-down", tooltip="The task one place down"),
        Binding("K,shift+up", "shift(-1)", "Up", show=False, id="plan-up", tooltip="The task one place up"),
        Binding("E", "editor", "Editor", show=False, id="plan-editor", tooltip="All of it in your editor"),
        Binding("D", "discard", "Discard", show=False, id="plan-discard", tooltip="Throw the plan away; asks first"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def __init__(self, repository: str, goal: str | None) -> None:
        super().__init__()
        self._repository, self._goal = repository, goal
        self._began = 0.0

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    @property
    def plan(self) -> PlanReply | None:
        return self._app.plan

    @property
    def tasks(self) -> PlanTasks:
        return self.query_one(PlanTasks)

    def compose(self) -> ComposeResult:
        yield TopLine()
        with Vertical(id="plan"):
            yield Static("", id="plan-head")
            yield PlanTasks(id="plan-tasks")
            with Scroll(id="plan-scroll"):
                yield Static("", id="plan-detail")
            yield Static("", id="plan-words")
        yield Keys()

    def on_mount(self) -> None:
        self.tasks.border_title = Content(f"Plan in {one_line(self._repository)}")
        self.tasks.focus()
        if self._goal is not None:
            self._ask(self._goal)
            self.set_interval(1, self._wait)
        else:
            self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("edit", "add", "launch", "remove", "shift", "editor", "discard"):
            return self.plan is not None and self._app.planning is None
        return True

    @work(exclusive=True, group="ask")
    async def _ask(self, goal: str) -> None:
        self._app.planning, self._began = secrets.token_hex(6), self._app.now().timestamp()
        self._wait()
        command = PlanGoal(id=self._app.planning, repository=self._repository, goal=goal, env=environment())
        reply: PlanReply | None = await self._app.ask(command)
        self._app.planning = None
        if reply is None:
            if self.is_current:
                self.dismiss(None)
            return
        self._app.plan, self._app.goal = reply, ""
        self._show()

    def _wait(self) -> None:
        if self._app.planning is not None:
            waited = age(self._app.now().timestamp() - self._began)
            self.query_one("#plan-head", Static).update(Text(f" A model is asked for a plan … {waited}   esc stops it"))

    def action_leave(self) -> None:
        if self._app.planning is not None:
            self._app.run_worker(self._app.ask(StopPlan(id=self._app.planning)))
            return  # the planning ends with a line that says so
        self.dismiss(None)

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self._detail()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_edit()

    @work
    async def action_edit(self) -> None:
        if (task := self.tasks.current) is not None:
            await self._edit(self.tasks.cursor, task)

    @work
    async def action_add(self) -> None:
        await self._edit(None, Task(name="", prompt=""))

    async def _edit(self, at: int | None, task: Task) -> None:
        changed: Task | None = await self._app.push_screen_wait(PlanTask(task))
        if changed is None or self.plan is None:
            return
        tasks = list(self.plan.tasks)
        if at is None:
            at = self.tasks.cursor + 1 if tasks else 0
            tasks.insert(at, changed)
        else:
            # Whoever waits for it knows it by its new name.
            tasks = [
                one.model_copy(update={"after": tuple(changed.name if n == task.name else n for n in one.after)})
                for one in tasks
            ]
            tasks[at] = changed
        await self._change(tasks, at)

    @work
    async def action_remove(self) -> None:
        gone = self.tasks.current
        if gone is None or self.plan is None:
            return
        left = [
            one.model_copy(update={"after": tuple(name for name in one.after if name != gone.name)})
            for one in self.plan.tasks
            if one is not gone
        ]
        await self._change(left, self.tasks.cursor)

    @work
    async def action_shift(self, by: int) -> None:
        if self.plan is None:
            return
        tasks, at = list(self.plan.tasks), self.tasks.cursor
        if 0 <= at + by < len(tasks):
            tasks[at], tasks[at + by] = tasks[at + by], tasks[at]
            await self._change(tasks, at + by)

    @work
    async def action_editor(self) -> None:
        if self.plan is None:
            return
        text = edit_text(self._app, tasksfile.write(self.plan.tasks, HEAD), "tasks.toml")
        if isinstance(text, Reason):
            self._app.refuse(text)
            return
        try:
            tasks = tasksfile.read(text)
        except ValueError as error:
            self._app.refuse(Reason(f"That is no tasks file: {one_line(str(error))}", "the plan is as it was"))
            return
        await self._change(tasks, self.tasks.cursor)

    @work
    async def action_discard(self) -> None:
        asked = Confirm("Throw this plan away?", "Nothing of it was launched.", "Throw away")
        if await self._app.push_screen_wait(asked):
            self._app.plan = None
            self.dismiss(None)

    async def _change(self, tasks: Sequence[Task], cursor: int) -> None:
        """The plan is as the human wants it; what follows from it is found out."""
        before = self.plan
        if before is None:
            return
        seen: PlanReply | None = await self._app.ask(CheckPlan(repository=self._repository, tasks=tuple(tasks)))
        if seen is None:
            return
        cost = {name: getattr(before, name) for name in ("model", "usage", "cost_usd", "seconds")}
        self._app.plan = seen.model_copy(update=cost)
        self._show()
        self.tasks.cursor = cursor

    @work
    async def action_launch(self) -> None:
        plan = self.plan
        if plan is None:
            return
        if plan.problems:
            self._app.refuse(Reason(f"It cannot be launched: {one_line(plan.problems[0])}", "mend it: enter, or E"))
            return
        if await self._app.launch_plan(plan, self._repository):
            self._app.plan = None
            self.dismiss(None)

    def _show(self) -> None:
        if self.plan is None:
            return
        self.query_one("#plan-head", Static).update(_head(self.plan))
        self.query_one("#plan-words", Static).update(_words(self.plan))
        self.tasks.update(self.plan)
        self._detail()
        self.refresh_bindings()

    def _detail(self) -> None:
        task, plan = self.tasks.current, self.plan
        if plan is not None:
            self.query_one("#plan-detail", Static).update(_about(task, plan) if task is not None else Text(""))


def _head(plan: PlanReply) -> Text:
    text = Text(f" {number(len(plan.tasks), 'task')}", "bold")
    if plan.model:
        taken = plan.usage.input + plan.usage.cache_read + plan.usage.cache_write
        cost = money(plan.cost_usd) or "no price known"
        text.append(f"  planned by {one_line(plan.model)}", "not bold").append(
            f"  {tokens(taken)} tokens in, {tokens(plan.usage.output)} out, {cost}", "not bold dim"
        )
    return text


def _words(plan: PlanReply) -> Text:
    lines = [
        *((words, "✗", "bold") for words in plan.problems),
        *((words, "!", "") for words in plan.warnings),
        *((words, "·", DIM) for words in plan.notes),
    ]
    shown = lines if len(lines) <= 4 else [*lines[:3], (f"and {len(lines) - 3} more", "…", DIM)]
    return Text("\n").join(Text(f" {sign} {one_line(words)}", style) for words, sign, style in shown)


def _about(task: Task, plan: PlanReply) -> Text:
    text = Text(f"{one_line(task.name)}", "bold")
    text.append(f"  {one_line(task.agent)}" if task.agent else "", "not bold")
    if task.after:
        text.append(f"\nafter {', '.join(map(one_line, task.after))}", "not bold")
    if task.area:
        shown = (one_line(area) + (" (new)" if area in plan.new else "") for area in task.area)
        text.append(f"\nin {', '.join(shown)}", "not bold")
    return text.append(f"\n\n{safe(task.prompt)}", "not bold")
