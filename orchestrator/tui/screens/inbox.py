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
from orchestrator.tui.looks import one_line
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.needs_you import Inbox
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.question import QuestionView
from orchestrator.tui.widgets.top_line import TopLine
from sessions.models import Question

SETTLE = timedelta(seconds=0.3)
"""A key pressed within this time of a new question was meant for the one before: it does nothing."""


class InboxScreen(SessionActions, Screen[None]):
    """Left who waits, right what they ask and their last screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('y')", "Yes", id="yes", tooltip="Yes, this once"),
        Binding("n", "answer('n')", "No", id="no"),
        Binding("a", "answer('a')", "Always", id="always", tooltip="Yes, and do not ask again for this"),
        Binding("1", "answer('1')", "Pick option", key_display="1-9", id="pick"),
        *(Binding(str(n), f"answer('{n}')", show=False) for n in range(2, 10)),
        Binding("r", "reply", "Reply", id="reply", tooltip="Answer in words"),
        Binding("o", "attach", "Attach", id="attach"),
        Binding("z", "later", "Later", id="later", tooltip="Ask me again after the others"),
        Binding("escape", "leave", "Back", id="back"),
        Binding("i", "type", "Type", show=False, id="type", tooltip="Type into its pane; ctrl+] leaves"),
        Binding("w", "skip", "Next", show=False, id="next"),
    ]

    def __init__(self, first: str | None = None) -> None:
        super().__init__()
        self._first = first
        self._snoozed: set[str] = set()
        self._shown: tuple[str, str] | None = None  # session and question
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
        if row is None:
            return
        if question is None:
            self._app.complain(f"{row.name} waits in its own dialog", "o attaches, i types into it")
            return
        if abs(self._app.now() - self._since) < SETTLE:
            return
        choice = choice_for(question, key)
        if choice is None:
            keys = " · ".join(f"{option.key} {option.label}" for option in question.options)
            self._app.complain(f"{key} is no answer to this", f"there are: {keys}" if keys else "r answers in words")
            return
        self.app.run_worker(self._answer(row, Answer(session=row.id, choice=choice, question=question.id)))

    def action_reply(self) -> None:
        row, question = self._asked()
        if row is None or question is None:
            return
        from orchestrator.tui.screens.prompt import Prompt

        def reply(text: str | None) -> None:
            if text:
                self.app.run_worker(self._answer(row, Answer(session=row.id, text=text, question=question.id)))

        self.app.push_screen(Prompt(f"Answer {one_line(row.name)}", one_line(question.title)), reply)

    def action_later(self) -> None:
        row, question = self._asked()
        if row is not None:
            self._snoozed.add(f"{row.id}/{question.id}" if question else row.id)
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
        reply = await self._app.ask(command)
        if reply is not None:
            self._app.tell(reply.message)

    def _asked(self) -> tuple[Row | None, Question | None]:
        row = self.current()
        return row, row.status.question if row is not None else None

    def _show_question(self) -> None:
        row, question = self._asked()
        shown = (row.id, question.id if question else "") if row is not None else None
        if shown != self._shown:
            self._shown, self._since = shown, self._app.now()
        self.query_one(QuestionView).show(row)
        self.query_one(PaneView).session = row.id if row is not None else None


_WORDS = {"y": ("yes", "allow", "approve", "trust"), "n": ("no", "deny"), "a": ("always",)}


def choice_for(question: Question, key: str) -> str | None:
    """The option that a key means here: its own key, or the option whose words say yes, no or always."""
    for option in question.options:
        if option.key.lower() == key:
            return option.key
    if key not in _WORDS:
        return None if question.options else key
    for option in question.options:
        label = option.label.lower()
        always = "always" in label or "don't ask again" in label
        if (label.startswith(_WORDS[key]) and (key != "y" or not always)) or (key == "a" and always):
            return option.key
    return key if not question.options else None
