"""The inbox: every open question, answered with one key. An answer names the question that was on the screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from orchestrator.attention import waiting
from orchestrator.commands import Answer
from orchestrator.fleet import Fleet, Row
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.answers import choice_for
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.needs_you import Inbox, asking
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.question import QuestionView
from orchestrator.tui.widgets.top_line import TopLine
from sessions.models import Question, QuestionId

SETTLE = timedelta(seconds=0.3)
"""A key pressed within this time of a new question was meant for the one before: it does nothing."""


class InboxScreen(SessionActions, Screen[None]):
    """Left who waits, right what they ask and their last screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('y')", "Yes", id="yes", tooltip="Yes, this once"),
        Binding("n", "answer('n')", "No", id="no"),
        Binding("a", "answer('a')", "Always", id="always", tooltip="Yes, and do not ask again for this"),
        Binding("1", "answer('1')", "Pick", key_display="1-9", id="pick", tooltip="Choose the option of that number"),
        *(Binding(str(n), f"answer('{n}')", show=False) for n in range(2, 10)),
        Binding("r", "reply", "Reply", id="reply", tooltip="Answer in words"),
        Binding("o", "attach", "Attach", id="attach"),
        Binding("z", "later", "Later", id="later", tooltip="Ask me again after the others"),
        Binding("escape", "leave", "Back", id="back"),
        Binding("i", "type", "Type", show=False, id="type", tooltip="Type into its pane; ctrl+] leaves"),
        Binding("w", "skip", "Next", show=False, id="next", tooltip="The next question, without answering"),
        Binding("colon", "app.command_palette", "Commands", show=False),
        Binding("q", "app.quit", "Detach", show=False),
    ]

    def __init__(self, first: str | None = None) -> None:
        super().__init__()
        self._first = first
        self._snoozed: set[str] = set()
        self._shown: str | None = None  # the asking that is on the screen
        self._sent: set[QuestionId] = set()  # answers on their way
        self._since = datetime.min.replace(tzinfo=UTC)

    def compose(self) -> ComposeResult:
        yield TopLine()
        with Container(id="inbox-main"):
            yield Inbox()
            with Vertical(id="inbox-right"):
                yield QuestionView()
                pane = PaneView()
                pane.border_title = "Last screen"
                yield pane
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.set_interval(1, lambda: self.is_current and self.list.refresh())
        if self._first is not None:
            at = next((n for n, row in enumerate(self.list.rows) if row.id == self._first), 0)
            self.list.cursor = at
            self._show_question()
        self.list.focus()

    @property
    def list(self) -> Inbox:
        return self.query_one(Inbox)

    def current(self) -> Row | None:
        return self.list.selected

    def show_fleet(self, fleet: Fleet) -> None:
        self.list.update_fleet(fleet, frozenset(self._snoozed))
        if not waiting(fleet) and self.is_current:
            self._app.tell("Nobody needs you any more.")
            self.app.pop_screen()
            return
        self._show_question()

    def on_lines_moved(self, _event: Lines.Moved) -> None:
        self._show_question()

    def action_answer(self, key: str) -> None:
        row, question = self._asked()
        if row is None or question is None:
            return
        if abs(self._app.now() - self._since) < SETTLE or question.id in self._sent:
            return
        choice = choice_for(question, key)
        if choice is None:
            return
        self.app.run_worker(self._answer(row, Answer(session=row.id, choice=choice, question=question.id)))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        """A letter or number that means nothing to this question is dim."""
        row, question = self._asked()
        if action in ("answer", "reply") and row is not None:
            if question is None or question.multiple:
                what = "takes several answers" if question else "waits in its own dialog"
                return Reason(f"{one_line(row.name)} {what}", "o attaches · i types into it")
            if action == "reply" and not question.free_text:
                return Reason("This takes no answer in words", "choose one of its options")
            if action == "answer" and choice_for(question, str(parameters[0])) is None:
                keys = " · ".join(f"{option.key} {one_line(option.label)}" for option in question.options)
                return Reason(f"{parameters[0]} is no answer to this", f"there are: {keys}" if keys else "r replies")
        return super().why_not(action, parameters)

    def action_reply(self) -> None:
        row, question = self._asked()
        if row is None or question is None:
            return
        from orchestrator.tui.screens.prompt import Prompt

        def reply(text: str | None) -> None:
            if text:
                self.app.run_worker(self._answer(row, Answer(session=row.id, text=text, question=question.id)))

        self.app.push_screen(Prompt(f"Answer {one_line(row.name)}", one_line(question.title)), reply)

    def action_scroll_question(self, by: int) -> None:
        self.query_one(QuestionView).page(by)

    def action_later(self) -> None:
        row = self.current()
        if row is not None:
            self._snoozed.add(asking(row))
            self.list.update_fleet(self._app.fleet, frozenset(self._snoozed))
            self.list.cursor = 0
            self._show_question()

    def action_skip(self) -> None:
        self.list.cursor = (self.list.cursor + 1) % max(1, self.list.count())

    def action_type(self) -> None:
        pane = self.query_one(PaneView)
        pane.focus()
        pane.typing = True

    def action_leave(self) -> None:
        self.app.pop_screen()

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        if not self.query_one(PaneView).typing:
            self.call_later(self.list.focus)

    async def _answer(self, row: Row, command: Answer) -> None:
        """The question stays on the screen, marked, until the agent took the answer or refused it."""
        asked = command.question
        if asked is not None:
            self._sent.add(asked)
        self._show_question()
        reply = await self._app.ask(command)
        if reply is not None:
            self._app.tell(f"{row.name}: {reply.message}" if reply.message else "")
        elif asked is not None:
            self._sent.discard(asked)
            if self.is_attached:
                self._show_question()

    def _asked(self) -> tuple[Row | None, Question | None]:
        row = self.current()
        return row, row.status.question if row is not None else None

    def _show_question(self) -> None:
        row, question = self._asked()
        shown = asking(row) if row is not None else None
        if shown != self._shown:
            self._shown, self._since = shown, self._app.now()
        self.dim_keys()
        self.query_one(QuestionView).show(row, sent=question is not None and question.id in self._sent)
        self.query_one(PaneView).session = row.id if row is not None else None
