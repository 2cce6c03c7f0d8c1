"""The tasks of a plan, each as deep as it has to wait."""

from __future__ import annotations

from rich.text import Text

from orchestrator.planner.ask import PlanReply, Task
from orchestrator.planner.checking import cycle_of, layers
from orchestrator.tui.looks import cut, filled, one_line, plain
from orchestrator.tui.widgets.lines import DIM, Lines

_DEEPEST = 6


class PlanTasks(Lines):
    """``update`` gives it a plan."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._tasks: tuple[Task, ...] = ()
        self._depth: dict[str, int] = {}
        self._widest = 12

    @property
    def current(self) -> Task | None:
        return self._tasks[self.cursor] if self._tasks else None

    def update(self, plan: PlanReply) -> None:
        self._tasks = plan.tasks
        drawn = () if cycle_of(plan.tasks) else layers(plan.tasks)
        self._depth = {name: depth for depth, layer in enumerate(drawn) for name in layer}
        deep = (min(self._depth.get(task.name, 0), _DEEPEST) for task in plan.tasks)
        wide = (len(one_line(task.name)) + 2 * depth for task, depth in zip(plan.tasks, deep, strict=True))
        self._widest = max((*wide, 12)) + 1
        self.measure()

    def count(self) -> int:
        return len(self._tasks)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        task = self._tasks[index]
        depth = min(self._depth.get(task.name, 0), _DEEPEST)
        branch = "  " * (depth - 1) + ("` " if plain() else "└ ") if depth else ""
        name = min(self._widest, max(16, width // 2 - 10))
        text = self.mark(selected).append(f"{index + 1:>3} ", DIM)
        text.append(filled(cut(branch + one_line(task.name), name), name), "bold")
        agent = one_line(task.agent) if task.agent else "·"
        text.append(f" {filled(cut(agent, 8), 8)} ", "not bold")
        after = f"after {', '.join(map(one_line, task.after))}  " if task.after else ""
        where = ", ".join(map(one_line, task.area)) or "anywhere"
        left = max(0, width - text.cell_len)
        text.append(cut(after, max(left // 2, left - len(where))), "not bold")
        return text.append(cut(where, max(0, width - text.cell_len)), DIM)

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(" a adds a task", DIM) if line == 0 else Text("")
