"""The plan screen: a goal is asked for, what came of it is edited, ordered, launched, kept or thrown away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands import CheckPlan, PlanGoal, Refused
from orchestrator.planner.ask import PlanReply, Task
from orchestrator.planner.checking import problems, tidy, warnings
from orchestrator.queue.ask import TasksReply
from orchestrator.tui import run
from orchestrator.tui.app import Orchestrator
from orchestrator.tui.widgets.plan_tasks import PlanTasks
from sessions.models import Usage
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import NARROW, SIZES, WIDE, Shown, compare, dashboard

TASKS = (
    Task(name="csv-writer", prompt="Write rows as CSV.\nShow it by a test.", area=("src/csv.py", "tests/test_csv.py")),
    Task(name="json-writer", prompt="Write rows as JSON.", agent="codex", area=("src/json.py",)),
    Task(name="export-menu", prompt="Offer both.", area=("src/menu.py",), after=("csv-writer", "json-writer")),
    Task(name="docs", prompt="Say it in the docs.", area=("docs/export.md",), after=("export-menu",)),
)
REPLY = PlanReply(
    tasks=TASKS,
    notes=("docs waits for export-menu: both may change docs/export.md",),
    new=("src/csv.py", "src/json.py"),
    model="some-model",
    usage=Usage(input=8100, output=950),
    cost_usd=0.04,
    seconds=12,
)


class Link(SampleLink):
    """Looks plans over as the daemon does."""

    async def call(self, command: Any) -> Any:
        if isinstance(command, CheckPlan):
            tasks = tidy(command.tasks)
            found = problems(tasks)
            self.answers["check_plan"] = PlanReply(
                tasks=tasks, problems=found, warnings=() if found else warnings(tasks)
            )
        return await super().call(command)


@pytest.fixture
def link() -> Link:
    link = Link()
    link.answers["plan"] = REPLY
    return link


async def planned(shown: Shown) -> PlanTasks:
    await shown.press("N")
    await shown.press(*"Export", "enter")
    await shown.sees("1 csv-writer")
    found = shown.app.focused
    assert isinstance(found, PlanTasks)
    return found


def names(shown: Shown) -> list[str]:
    assert shown.app.plan is not None
    return [task.name for task in shown.app.plan.tasks]


@SIZES
async def test_the_plan_looks_as_it_does(link: Link, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await planned(shown)
        await compare(f"plan-{size[0]}", shown)


async def test_the_goal_goes_to_a_model_and_the_plan_is_edited_and_launched(link: Link) -> None:
    async with dashboard(link, WIDE) as shown:
        await planned(shown)
        (asked,) = shown.asked("plan")
        assert isinstance(asked, PlanGoal)
        assert (asked.goal, asked.repository) == ("Export", "/home/dev/shop")
        await shown.press("J")
        await shown.until(lambda: names(shown)[:2] == ["json-writer", "csv-writer"])
        await shown.press("G", "x")
        await shown.until(lambda: len(names(shown)) == 3)
        link.answers["add_tasks"] = Refused("the daemon says no", "mend it")
        await shown.press("L")
        await shown.until(lambda: any("the daemon says no" in said for said in shown.said()))
        assert len(names(shown)) == 3  # it stays
        link.answers["add_tasks"] = TasksReply(names=("json-writer", "csv-writer", "export-menu"), notes=("held",))
        await shown.press("L")
        await shown.until(lambda: shown.app.plan is None)
        _, command = shown.asked("add_tasks")
        assert [task.name for task in command.tasks] == ["json-writer", "csv-writer", "export-menu"]
        assert command.tasks[0].prompt.endswith("say so:\n- src/json.py")
        assert (command.tasks[0].agent, command.tasks[2].after) == ("codex", ("csv-writer", "json-writer"))
        assert "3 tasks queued, Q shows them · held" in shown.said()[-1]


async def test_a_task_is_renamed_in_the_form_also_where_it_is_waited_for(link: Link) -> None:
    async with dashboard(link, NARROW) as shown:
        await planned(shown)
        await shown.press("enter")
        await shown.sees("Task of the plan")
        await compare("plan-task-80", shown)
        await shown.press("tab", "end", *"2", "ctrl+s")
        await shown.until(lambda: names(shown)[0] == "csv-writer2")
        assert shown.app.plan is not None
        assert shown.app.plan.tasks[2].after == ("csv-writer2", "json-writer")
        assert shown.app.plan.model == "some-model"  # what it cost is still told


async def test_a_problem_is_shown_and_keeps_the_plan_from_being_launched(link: Link) -> None:
    async with dashboard(link, NARROW) as shown:
        await planned(shown)
        await shown.press("a")
        await shown.sees("Task of the plan")
        await shown.press(*"docs", "ctrl+s")
        await shown.sees("✗ two tasks are called 'docs'")
        await shown.press("L")
        await shown.until(lambda: any("cannot be launched" in said for said in shown.said()))
        assert shown.asked("add_tasks") == []
        await shown.press("escape")
        await shown.press("N")
        await shown.sees("✗ two tasks are called 'docs'")  # kept
        await shown.press("D")
        await shown.sees("Throw this plan away?")
        await shown.press("right", "enter")
        await shown.until(lambda: shown.app.plan is None)


async def test_escape_stops_the_planning(link: Link) -> None:
    link.held["plan"] = asyncio.Event()
    link.answers["plan"] = Refused("planning was stopped; nothing was made", "start again when you like")
    async with dashboard(link, NARROW) as shown:
        await shown.press("N")
        await shown.press(*"Export", "enter")
        await shown.sees("A model is asked for a plan … 0s   esc stops it")
        await shown.press("L", "a", "escape")
        await shown.until(lambda: "stop_plan" in shown.verbs())
        assert shown.asked("stop_plan")[0].id == shown.asked("plan")[0].id
        link.held["plan"].set()
        await shown.until(lambda: any("nothing was made" in said for said in shown.said()))
        await shown.sees("login-form")
        assert shown.app.plan is None
        await shown.press("N")
        await shown.sees("Plan a goal in /home/dev/shop")
        await shown.sees("Export")  # what was typed is not lost


async def test_leaving_the_dashboard_stops_the_planning_too(link: Link) -> None:
    link.held["plan"] = asyncio.Event()
    async with dashboard(link, NARROW) as shown:
        await shown.press("N")
        await shown.press(*"Export", "enter")
        await shown.sees("A model is asked for a plan")
        await shown.press("q")
    (asked,) = shown.asked("plan")
    assert [command.id for command in shown.asked("stop_plan")] == [asked.id]


async def test_the_plan_goes_through_the_editor_and_back(
    link: Link, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nsed -i 's/json-writer/json/' \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    async with dashboard(link, WIDE) as shown:
        await planned(shown)
        with monkeypatch.context() as patch:
            from contextlib import nullcontext

            patch.setattr(shown.app, "suspend", nullcontext)
            await shown.press("E")
            await shown.until(lambda: names(shown)[1] == "json")
        assert shown.app.plan is not None
        assert shown.app.plan.tasks[2].after == ("csv-writer", "json")


async def test_what_a_model_says_cannot_act_on_the_screen(link: Link) -> None:
    hostile = Task(name="x", prompt="[red]a[/red]\x1b[2J\u202ereversed", area=("src/\x07[b].py",), after=("\x1b]0;t",))
    link.answers["plan"] = PlanReply(tasks=(hostile,), warnings=("\x1b[31m[blink]warn",), model="\x1b[2Jm")
    async with dashboard(link, WIDE) as shown:
        await shown.press("N")
        await shown.press(*"Export", "enter")
        await shown.sees("[red]a[/red]")
        text = shown.text()
        assert "[blink]warn" in text
        for sign in "\x1b\x07\u202e":
            assert sign not in text


@pytest.mark.parametrize("plan", [REPLY, None])
def test_a_plan_that_is_left_with_the_dashboard_is_handed_on(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Orchestrator, "run", lambda app: setattr(app, "plan", plan))
    left: list[PlanReply] = []
    assert run(Link, Path("/home/dev/shop"), left=left.append) == 0
    assert left == ([plan] if plan else [])
