"""What may be spent: every cap with what is spent and left; a key raises one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.budgets.amounts import Amount, amount, words
from orchestrator.budgets.ask import Allow, AskBudget, BudgetReply, Scope
from orchestrator.budgets.caps import step
from orchestrator.budgets.telling import remarks
from orchestrator.tui.looks import one_line
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.widgets.caps_list import CapsList
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM
from orchestrator.tui.widgets.top_line import TopLine

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

EVERY_S = 2.0
"""How often it is asked anew."""


class BudgetScreen(Screen[None]):
    """The list of caps."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,a", "raise", "Raise", key_display="+", id="budget-raise", tooltip="Raise the cap by an amount"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield CapsList()
        yield Static(id="caps-remarks")
        yield Keys()

    def on_mount(self) -> None:
        self.caps.focus()
        self.set_interval(EVERY_S, self._reload)
        self.call_after_refresh(self._reload)

    @property
    def caps(self) -> CapsList:
        return self.query_one(CapsList)

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    def _reload(self) -> None:
        if self.is_current and not self._app.lost:
            self.run_worker(self._load(), exclusive=True, group="caps")

    async def _load(self) -> None:
        reply: BudgetReply | None = await self._app.ask(AskBudget())
        if reply is not None and self.is_attached:
            self.caps.show(reply)
            self.query_one("#caps-remarks", Static).update(Text("\n".join(f" {text}" for text in remarks(reply)), DIM))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "raise" or not self.is_attached:
            return True
        chosen = self.caps.selected
        return True if chosen is not None and chosen[1] is not None else None

    def on_key(self, event: events.Key) -> None:
        if event.key in ("plus", "a") and (chosen := self.caps.selected) is not None and chosen[1] is None:
            self._app.tell("this cap is lifted: there is nothing to raise")

    def action_raise(self) -> None:
        chosen = self.caps.selected
        if chosen is None or chosen[1] is None:
            return
        line, measure = chosen[0], chosen[1]
        name = "today" if line.scope is Scope.DAY else one_line(line.name)

        def given(text: str | None) -> None:
            if not text:
                return
            try:
                add = amount(text)
            except ValueError as error:
                self._app.complain(str(error), "+ asks again")
                return
            self.run_worker(self._raise(line.scope, line.key, line.names, line.name, add))

        self._app.push_screen(Prompt(f"Raise the cap of {name} by", "$5, 200k, 2h", words(step(line, measure))), given)

    async def _raise(self, scope: Scope, key: str, names: tuple[str, ...], name: str, add: Amount) -> None:
        session = None
        if scope is Scope.SESSION:
            session = key.removeprefix("session ")
        elif scope is Scope.TASK:
            session = names[0] if names else None
        agent = name if scope is Scope.ACCOUNT else None
        reply = await self._app.ask(Allow(scope=scope, session=session, agent=agent, add=add))
        if reply is not None:
            self._app.tell(reply.message)
            self._reload()

    def action_leave(self) -> None:
        self.app.pop_screen()
