"""The queue in the dashboard: what waits and why, and what keys do to it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.commands import AddTasks
from orchestrator.queue.ask import Line, QueueReply, Task, TaskQueued, TasksReply
from orchestrator.replies import Done
from tests.hostile import EVERYTHING
from tests.orchestrator.sample import NOW, SampleLink
from tests.orchestrator.screens import NARROW, SIZES, WIDE, Shown, compare, dashboard
from worktrees.inert import is_inert


def task(name: str, **more: Any) -> Task:
    known = {"id": f"t-{name}", "name": name, "repository": "/home/dev/shop", "agent": "claude", "at": NOW}
    return Task(**{**known, "prompt": f"Do {name}", **more})


def queued(link: SampleLink, *more: Line) -> None:
    """A queue of five tasks, as the daemon tells it."""
    lines = (
        Line(task=task("cache-ttl", state="runs", session=link.session("cache-ttl")), session_state="working"),
        Line(
            task=task("tidy-imports", priority=5, prompt="Tidy the imports.\nLeave tests."), place=1, why="starts now"
        ),
        Line(task=task("nightly", agent="codex", retries=2, tries=2, state="retries"), place=2, why="3 of 3 are taken"),
        Line(
            task=task("report-json", after=("export-json",)), place=3, why="comes after export-json, which is working"
        ),
        Line(
            task=task("csv", gone=("old",), after=("old",)),
            place=4,
            why="old, which it comes after, did not land and is gone",
            blocked=True,
        ),
        *more,
    )
    for line in lines:
        link.emit(None, TaskQueued(task=line.task))
    link.answers["queue"] = QueueReply(lines=lines, used=3, slots=3)
    link.answers["steer_queue"] = Done(message="done")


@pytest.fixture
def link() -> SampleLink:
    made = SampleLink()
    queued(made)
    return made


async def opened(shown: Shown) -> None:
    await shown.press("Q")
    await shown.sees("tidy-imports")


@SIZES
async def test_it_looks_as_it_does(link: SampleLink, size: tuple[int, int]) -> None:
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("down")
        await shown.sees("Leave tests.")
        await compare(f"queue-{size[0]}", shown)


async def test_keys_steer_the_task_under_the_cursor(link: SampleLink) -> None:
    async with dashboard(link, WIDE) as shown:
        assert "4 queued" in shown.text()
        await opened(shown)
        await shown.press("D")  # the first one runs
        await shown.until(lambda: "has started" in "".join(shown.said()))
        await shown.press("down", "down", "K", "plus", "h", "s", "H")
        await shown.until(lambda: len(shown.asked("steer_queue")) == 5)
        asked = [(call.do, call.task, call.place, call.priority) for call in shown.asked("steer_queue")]
        assert asked == [
            ("move", "t-nightly", 1, None),
            ("priority", "t-nightly", None, 1),
            ("hold", "t-nightly", None, None),
            ("start", "t-nightly", None, None),
            ("hold", "", None, None),
        ]
        await shown.press("down", "down", "h")  # stuck behind one that is gone: h lets it go on
        await shown.until(lambda: shown.asked("steer_queue")[-1].do == "release")
        await shown.press("D")
        await shown.sees("its prompt is gone")
        await shown.press("tab", "enter")
        await shown.until(lambda: shown.asked("steer_queue")[-1].do == "drop")


async def test_a_pasted_list_and_the_form_queue(link: SampleLink) -> None:
    link.answers["add_tasks"] = TasksReply(names=("one", "two"))
    async with dashboard(link, NARROW) as shown:
        await opened(shown)
        await shown.press("a")
        await shown.sees("one a line")
        await shown.press(*"one", "ctrl+j", *"two", "enter")
        await shown.until(lambda: shown.asked("add_tasks"))
        added: AddTasks = shown.asked("add_tasks")[0]
        assert [(new.prompt, new.repository) for new in added.tasks] == [
            ("one", "/home/dev/shop"),
            ("two", "/home/dev/shop"),
        ]
        assert added.env
        await shown.press("escape", "n", *"three", "ctrl+t")
        await shown.until(lambda: len(shown.asked("add_tasks")) == 2)
        assert [new.prompt for new in shown.asked("add_tasks")[1].tasks] == ["three"]


async def test_an_empty_queue_names_the_key() -> None:
    link = SampleLink()
    link.answers["queue"] = QueueReply(lines=())
    async with dashboard(link, NARROW) as shown:
        await shown.press("Q")
        await shown.sees("a adds tasks")


async def test_words_of_others_are_inert() -> None:
    link = SampleLink()
    queued(link, Line(task=task(EVERYTHING[:60], prompt=EVERYTHING, agent=EVERYTHING), place=5, why=EVERYTHING))
    async with dashboard(link, WIDE) as shown:
        await opened(shown)
        await shown.press("G")
        await shown.until(lambda: all(is_inert(line) for line in shown.lines()))
