"""The keys of the fleet that open another screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from orchestrator.fleet import Row

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


class Opening:
    """Mixed into the main screen. ``current()`` is the selected session."""

    KEYS: ClassVar[list[BindingType]] = [
        Binding("N", "plan", "Plan", show=False, id="plan", tooltip="Let a model split a goal into tasks"),
        Binding(
            "C",
            "radar",
            "Radar",
            show=False,
            id="radar",
            tooltip="Who would conflict with whom, and what to land first",
        ),
        Binding(
            "t", "throughput", "Throughput", show=False, id="throughput", tooltip="Tokens per second, and who waits"
        ),
        Binding("V", "variants", "Variants", show=False, id="variants", tooltip="It and the others on the same task"),
        Binding("T", "train", "Train", show=False, id="train", tooltip="The merge train: what is tested, what landed"),
        Binding("Q", "queue", "Queue", show=False, id="queue", tooltip="Tasks that wait for a slot, and why"),
        Binding("B", "budget", "Budget", show=False, id="budget", tooltip="What may be spent, and what is left"),
    ]

    app: Any

    def current(self) -> Row | None:
        raise NotImplementedError

    @property
    def _app(self) -> Orchestrator:
        app: Orchestrator = self.app
        return app

    def action_plan(self) -> None:
        from orchestrator.tui.screens.plan import new_plan

        self._app.run_worker(new_plan(self._app, str(self._app.repository or os.getcwd())))  # noqa: PTH109

    def action_radar(self) -> None:
        from orchestrator.tui.screens.radar import RadarScreen

        row = self.current()
        self.app.push_screen(RadarScreen(row.repository if row is not None else None))

    def action_throughput(self) -> None:
        from orchestrator.tui.screens.throughput import ThroughputScreen

        self.app.push_screen(ThroughputScreen())

    def action_queue(self) -> None:
        from orchestrator.tui.screens.queue import QueueScreen

        self.app.push_screen(QueueScreen())

    def action_budget(self) -> None:
        from orchestrator.tui.screens.budget import BudgetScreen

        self.app.push_screen(BudgetScreen())

    def action_variants(self) -> None:
        row = self.current()
        if row is not None and row.group is not None:
            from orchestrator.tui.screens.variants import VariantsScreen

            self.app.push_screen(VariantsScreen(row.group))

    def action_train(self) -> None:
        from orchestrator.tui.screens.train import TrainScreen

        row = self.current()
        own = row.repository if row is not None and row.repository in self._app.fleet.trains else None
        self.app.push_screen(TrainScreen(repository=own))
