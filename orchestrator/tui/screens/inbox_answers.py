"""Giving answers in the inbox: each names the question that was on the screen, and none is given twice."""

from __future__ import annotations

import asyncio
from typing import Any

from orchestrator.commands import Answer, Resume, Send, Snooze
from orchestrator.fleet import Row
from orchestrator.inbox.order import ended
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.answers import said
from orchestrator.tui.looks import listed, one_line
from orchestrator.tui.terminal import environment
from orchestrator.tui.widgets.needs_you import Inbox, asking
from sessions.models import Question


class Answers(SessionActions):
    """Mixed into the inbox."""

    _sent: set[str]

    @property
    def list(self) -> Inbox:
        raise NotImplementedError

    def _show_question(self) -> None:
        raise NotImplementedError

    def _give(
        self, question: Question, *, choice: str = "", text: str = "", group: tuple[Row, ...] | None = None
    ) -> None:
        """Answer each session that asks this, after a look at who they are when they are several."""
        rows = self.list.group if group is None else group
        asked = [(row, row.status.question.id) for row in rows if row.status.question is not None]
        answers = tuple((row, Answer(session=row.id, choice=choice, text=text, question=id_)) for row, id_ in asked)
        if len(answers) == 1:
            self._app.run_worker(self._answer(*answers[0]))
            return
        from orchestrator.tui.screens.together import Together, Who

        def chosen(who: Who | None) -> None:
            if who is Who.ALL:
                self._app.run_worker(self._answer_all(answers))
            elif who is Who.FIRST:
                self._app.run_worker(self._answer(*answers[0]))

        self._app.push_screen(Together(rows, said(question, choice, text)), chosen)

    async def _answer(self, row: Row, command: Answer | Send | Resume) -> None:
        """The item stays on the screen, marked, until the agent took the answer or refused it."""
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
        if self.is_mounted:
            self._show_question()

    def action_reply(self) -> None:
        """Words for what asks or is at its prompt; a program that ended is started again."""
        row = self.current()
        if row is None:
            return
        question, group = row.status.question, self.list.group
        if question is None and ended(row):
            self._app.run_worker(self._answer(row, Resume(session=row.id, env=environment())))
            return
        from orchestrator.tui.screens.prompt import Prompt

        def reply(text: str | None) -> None:
            if text and question is not None:
                self._give(question, text=text, group=group)
            elif text:
                self._app.run_worker(self._answer(row, Send(session=row.id, text=text)))

        about = one_line(question.title) if question is not None else "What should it do next?"
        self._app.push_screen(Prompt(f"Answer {one_line(row.name)}", about), reply)

    def action_later(self) -> None:
        """Put the item off, for as long as is chosen; one that is put off comes back."""
        item = self.list.item
        if item is None:
            return
        from orchestrator.tui.screens.later import Later, LaterScreen

        rows = item.rows
        if item.snoozed:
            self._app.run_worker(self._put_off(rows, off=True))
            return

        def chosen(later: Later | None) -> None:
            if later is not None:
                self._app.run_worker(self._put_off(rows, for_s=later.for_s))

        self._app.push_screen(LaterScreen(listed([one_line(row.name) for row in rows])), chosen)

    async def _put_off(self, rows: tuple[Row, ...], **how: Any) -> None:
        for row in rows:
            if (reply := await self._app.ask(Snooze(session=row.id, **how))) is not None:
                self._app.tell(reply.message)
