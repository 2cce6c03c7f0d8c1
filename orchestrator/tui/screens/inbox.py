"""The inbox: every open question, answered with one key. An answer names the question that was on the screen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
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
from orchestrator.tui.answers import SETTLE, choice_for, said, several, toggled
from orchestrator.tui.looks import listed, one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.needs_you import Inbox, asking
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.question import QuestionView
from orchestrator.tui.widgets.top_line import TopLine
from sessions.models import Question


class InboxScreen(SessionActions, Screen[None]):
    """Left who waits, right what they ask and their last screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('y')", "Yes", id="yes", tooltip="Yes, this once"),
        Binding("n", "answer('n')", "No", id="no"),
        Binding("a", "answer('a')", "Always", id="always", tooltip="Yes, and do not ask again for this"),
        Binding("1", "answer('1')", "Pick", key_display="1-9", id="pick", tooltip="Choose the option of that number"),
        *(Binding(str(n), f"answer('{n}')", show=False) for n in range(2, 10)),
        Binding("enter", "send_marks", "Send", key_display="↵", id="send-marks", tooltip="Answer with what is marked"),
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
        self._sent: set[str] = set()  # askings whose answers are on their way
        self._marks: frozenset[str] = frozenset()  # marked options of a question that takes several
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
            self.list.go_to(self._first)
            self._show_question()
        self.list.focus()

    @property
    def list(self) -> Inbox:
        return self.query_one(Inbox)

    def current(self) -> Row | None:
        return self.list.selected

    def show_fleet(self, fleet: Fleet) -> None:
        self._sent &= {asking(row) for row in fleet}
        self.list.update_fleet(fleet, frozenset(self._snoozed))
        if not waiting(fleet) and self.is_current:
            self._app.tell("Nobody needs you any more.")
            self.app.pop_screen()
            return
        self._show_question()

    def on_lines_moved(self, _event: Lines.Moved) -> None:
        self._show_question()

    def action_answer(self, key: str) -> None:
        """Answer with an option; of a question that takes several, mark it."""
        question = self._takes()
        if question is None:
            return
        if question.multiple:
            self._marks = toggled(question, self._marks, key)
            self._show_question()
        elif (choice := choice_for(question, key)) is not None:
            self._give(question, choice=choice)

    def action_send_marks(self) -> None:
        question = self._takes()
        if question is not None and (choice := several(question, self._marks)):
            self._give(question, choice=choice)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        """A letter or number that means nothing to this question is dim."""
        row, question = self._asked()
        if action in ("answer", "reply") and row is not None:
            if question is None:
                return Reason(f"{one_line(row.name)} waits in its own dialog", "o attaches · i types into it")
            if action == "reply" and not question.free_text:
                return Reason("This takes no answer in words", "choose one of its options")
            if action == "answer" and choice_for(question, str(parameters[0])) is None:
                keys = " · ".join(f"{one_line(option.key)} {one_line(option.label)}" for option in question.options)
                return Reason(f"{parameters[0]} is no answer to this", f"there are: {keys}" if keys else "r replies")
        if action == "send_marks" and question is not None and not self._marks:
            return Reason("Nothing is marked", "1-9 mark what you choose")
        return super().why_not("answer" if action in ("reply", "send_marks") else action, parameters)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter is a key only where there is something to mark."""
        if action == "send_marks" and not self._marking():
            return False
        return super().check_action(action, parameters)

    def action_reply(self) -> None:
        row, question = self._asked()
        if row is None or question is None:
            return
        from orchestrator.tui.screens.prompt import Prompt

        group = self.list.group

        def reply(text: str | None) -> None:
            if text:
                self._give(question, text=text, group=group)

        self.app.push_screen(Prompt(f"Answer {one_line(row.name)}", one_line(question.title)), reply)

    def action_scroll_question(self, by: int) -> None:
        self.query_one(QuestionView).page(by)

    def action_later(self) -> None:
        row = self.current()
        if row is not None:
            self._snoozed.update(map(asking, self.list.group))
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

    def _takes(self) -> Question | None:
        """The question that a key may answer now: it was there long enough, and no answer is on its way."""
        row, question = self._asked()
        if row is None or abs(self._app.now() - self._since) < SETTLE or asking(row) in self._sent:
            return None
        return question

    def _give(
        self, question: Question, *, choice: str = "", text: str = "", group: tuple[Row, ...] | None = None
    ) -> None:
        """Answer each session that asks this, after a look at who they are when they are several."""
        rows = self.list.group if group is None else group
        asked = [(row, row.status.question.id) for row in rows if row.status.question is not None]
        answers = tuple((row, Answer(session=row.id, choice=choice, text=text, question=id_)) for row, id_ in asked)
        if len(answers) == 1:
            self.app.run_worker(self._answer(*answers[0]))
            return
        from orchestrator.tui.screens.together import Together, Who

        def chosen(who: Who | None) -> None:
            if who is Who.ALL:
                self.app.run_worker(self._answer_all(answers))
            elif who is Who.FIRST:
                self.app.run_worker(self._answer(*answers[0]))

        self.app.push_screen(Together(rows, said(question, choice, text)), chosen)

    async def _answer(self, row: Row, command: Answer) -> None:
        """The question stays on the screen, marked, until the agent took the answer or refused it."""
        self._sent.add(asking(row))
        self._show_question()
        reply = await self._app.ask(command)
        if reply is not None:
            self._app.tell(f"{one_line(row.name)}: {reply.message}" if reply.message else "")
        else:
            self._again(row)

    async def _answer_all(self, answers: tuple[tuple[Row, Answer], ...]) -> None:
        """Each by its own question; those that did not take it are named, the others are done."""
        self._sent.update(asking(row) for row, _ in answers)
        self._show_question()
        refusals = await asyncio.gather(*(self._app.attempt(command) for _, command in answers))
        tried = [(row, refused) for (row, _), refused in zip(answers, refusals, strict=True)]
        done = [one_line(row.name) for row, refused in tried if refused is None]
        if done:
            self._app.tell(f"answered {listed(done)}")
        for row, refused in tried:
            if refused is not None:
                self._app.complain(f"{one_line(row.name)} was not answered: {refused.message}", refused.hint)
                self._again(row)

    def _again(self, row: Row) -> None:
        """The answer was not taken: it may be given again."""
        self._sent.discard(asking(row))
        if self.is_attached:
            self._show_question()

    def _asked(self) -> tuple[Row | None, Question | None]:
        row = self.current()
        return row, row.status.question if row is not None else None

    def _marking(self) -> bool:
        _row, question = self._asked() if self.is_mounted else (None, None)
        return question is not None and question.multiple

    def _show_question(self) -> None:
        group, before = self.list.group, self._shown
        self._shown = asking(group[0]) if group else None
        if self._shown != before:
            self._since, self._marks = self._app.now(), frozenset()
            self.refresh_bindings()
        self.dim_keys()
        sent = bool(group) and asking(group[0]) in self._sent
        self.query_one(QuestionView).show(group, sent=sent, marks=self._marks)
        self.query_one(PaneView).session = group[0].id if group else None
