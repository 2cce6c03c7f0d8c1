"""The inbox: all that is worth attention. An answer names the question that was on the screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen

from orchestrator.fleet import Fleet, Row
from orchestrator.inbox.order import awake, inbox
from orchestrator.tui.answers import SETTLE, choice_for, several, toggled
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.inbox_answers import Answers
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.needs_you import Inbox, asking
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.question import QuestionView
from orchestrator.tui.widgets.top_line import TopLine
from sessions.models import Question

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

_OF_A_QUESTION = frozenset({"answer", "send_marks"})
_OF_A_WORK = frozenset({"open_item", "merge", "review", "conflicts"})


def open_inbox(app: Orchestrator, first: str | None = None) -> None:
    """Show the inbox over whatever is shown, at an item of the session ``first`` or at the first one."""
    items = inbox(app.fleet, app.now())
    if not items:
        app.tell("Nobody needs you.")
        return
    first = first if first is not None else (awake(items) or items)[0].row.id
    if isinstance(app.screen, InboxScreen):
        app.screen.action_skip()
    else:
        app.push_screen(InboxScreen(first))


class InboxScreen(Answers, Screen[None]):
    """Left what is worth attention, the most first; right what it is, with its last screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('y')", "Yes", id="yes", tooltip="Yes, this once"),
        Binding("n", "answer('n')", "No", id="no"),
        Binding("a", "answer('a')", "Always", id="always", tooltip="Yes, and do not ask again for this"),
        Binding("1", "answer('1')", "Pick", key_display="1-9", id="pick", tooltip="Choose the option of that number"),
        *(Binding(str(n), f"answer('{n}')", show=False) for n in range(2, 10)),
        Binding("enter", "send_marks", "Send", key_display="↵", id="send-marks", tooltip="Answer with what is marked"),
        Binding("enter", "open_item", "Open", key_display="↵", id="open", tooltip="Its pane, diff, checks, history"),
        Binding("r", "reply", "Reply", id="reply", tooltip="Answer in words; start it again when it has ended"),
        Binding("m", "merge", "Merge", id="merge", tooltip="Land its work on the target"),
        Binding("v", "review", "Review", id="review", tooltip="Look at its work: mark, comment, pick, land"),
        Binding("o", "attach", "Attach", id="attach"),
        Binding("z", "later", "Later", id="later", tooltip="For 10 minutes, an hour, or until something changes"),
        Binding("escape", "leave", "Back", id="back"),
        Binding("X", "conflicts", "Conflicts", show=False, id="conflicts", tooltip="Decide what conflicts, by hunk"),
        Binding("plus", "matters(1)", "Matters more", show=False, id="more", tooltip="Twice as much in the order"),
        Binding("minus", "matters(-1)", "Matters less", show=False, id="less", tooltip="Half as much in the order"),
        Binding("R", "arrange", "Order anew", show=False, id="arrange", tooltip="What is worth most now comes first"),
        Binding("i", "type", "Type", show=False, id="type", tooltip="Type into its pane; ctrl+] leaves"),
        Binding("w,W", "skip", "Next", show=False, id="next", tooltip="The next one, without answering"),
        Binding("colon", "app.command_palette", "Commands", show=False),
        Binding("q", "app.quit", "Detach", show=False),
    ]

    def __init__(self, first: str | None = None) -> None:
        super().__init__()
        self._first = first
        self._shown: str | None = None  # the item that is on the screen
        self._sent: set[str] = set()  # items whose answers are on their way
        self._marks: frozenset[str] = frozenset()  # marked options of a question that takes several
        self._since = datetime.min.replace(tzinfo=UTC)
        self._asked_for = False  # somebody blocked an agent since it was opened

    def compose(self) -> ComposeResult:
        yield TopLine()
        with Container(id="inbox-main"):
            yield Inbox()
            with Vertical(id="inbox-right"):
                yield QuestionView()
                pane = PaneView()
                pane.border_title = "Last screen"
                yield pane
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.set_interval(1, self._tick)
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
        """What is gone leaves the list. An answer that was taken is where the order may change: the next is shown."""
        now = {asking(row) for row in fleet}
        taken = self._shown is not None and self._shown in self._sent and self._shown not in now
        self._sent &= now
        if taken:
            self.list.set_reactive(Inbox.cursor, 0)
            self.list.order_anew(fleet)
            self._start()
        else:
            self.list.update_fleet(fleet)
        if self.is_current and (not self.list.items or (taken and not self._app.attention.advance)):
            if not self.list.items:
                self._app.tell("Nobody needs you any more.")
            self.app.pop_screen()
            return
        blocked = any(item.blocks for item in self.list.items)
        if self._asked_for and not blocked and self.is_current:
            self._app.tell("Nobody needs you any more. The rest can wait: esc leads back.")
        self._asked_for = blocked
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

    def action_open_item(self) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self.app.push_screen(SessionScreen(row.id))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> Reason | None:
        """A letter or number that means nothing to this question is dim."""
        row, question = self._asked()
        if action in ("answer", "reply") and row is not None and self._blocks():
            if question is None:
                return Reason(f"{one_line(row.name)} waits in its own dialog", "o attaches · i types into it")
            if action == "reply" and not question.free_text:
                return Reason("This takes no answer in words", "choose one of its options")
            if action == "answer" and choice_for(question, str(parameters[0])) is None:
                keys = " · ".join(f"{one_line(option.key)} {one_line(option.label)}" for option in question.options)
                return Reason(f"{parameters[0]} is no answer to this", f"there are: {keys}" if keys else "r replies")
        if action == "send_marks" and question is not None and not self._marks:
            return Reason("Nothing is marked", "1-9 mark what you choose")
        same = {"reply": "answer", "send_marks": "answer", "later": "answer", "matters": "answer", "open_item": "open"}
        return super().why_not(same.get(action, action), parameters)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of a question are there where there is one, those of a work where no agent waits."""
        if self.is_mounted and self.list.item is not None:
            if action in _OF_A_QUESTION and (not self._blocks() or (action == "send_marks" and not self._marking())):
                return False
            if action in _OF_A_WORK and self._blocks():
                return False
        elif action in ("send_marks", *_OF_A_WORK):
            return False
        return super().check_action(action, parameters)

    def action_scroll_question(self, by: int) -> None:
        self.query_one(QuestionView).page(by)

    def action_skip(self) -> None:
        """On to the next that waits for nothing of ours, and from the last to the first."""
        items, at = self.list.items, self.list.cursor
        for step in range(1, len(items) + 1):
            item = items[(at + step) % len(items)]
            if not item.snoozed and item.key not in self._sent:
                self.list.cursor = (at + step) % len(items)
                return

    def action_arrange(self) -> None:
        """Order anew, and begin at the first."""
        self.list.set_reactive(Inbox.cursor, 0)
        self.list.order_anew(self._app.fleet)
        self._show_question()

    def action_type(self) -> None:
        pane = self.query_one(PaneView)
        pane.focus()
        pane.typing = True

    def action_leave(self) -> None:
        self.app.pop_screen()

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        if not self.query_one(PaneView).typing:
            self.call_later(self.list.focus)

    def _tick(self) -> None:
        """Ages grow, and what was put off comes back."""
        if self.is_current:
            self.list.update_fleet(self._app.fleet)
            self.list.refresh()
            self._show_question()

    def _start(self) -> None:
        """The first whose answer is not on its way."""
        at = next((n for n, item in enumerate(self.list.items) if item.key not in self._sent), 0)
        self.list.set_reactive(Inbox.cursor, at)
        self.list.refresh()

    def _takes(self) -> Question | None:
        """The question that a key may answer now: it was there long enough, and no answer is on its way."""
        row, question = self._asked()
        if row is None or abs(self._app.now() - self._since) < SETTLE or asking(row) in self._sent:
            return None
        return question

    def _asked(self) -> tuple[Row | None, Question | None]:
        row = self.current()
        return row, row.status.question if row is not None else None

    def _blocks(self) -> bool:
        item = self.list.item if self.is_mounted else None
        return item is not None and item.blocks

    def _marking(self) -> bool:
        _row, question = self._asked() if self.is_mounted else (None, None)
        return question is not None and question.multiple

    def _show_question(self) -> None:
        item, before = self.list.item, self._shown
        self._shown = item.key if item is not None else None
        if self._shown != before:
            self._since, self._marks = self._app.now(), frozenset()
            self.refresh_bindings()
        self.dim_keys()
        sent = item is not None and item.key in self._sent
        first = self.list.cursor == 0
        self.query_one(QuestionView).show(item, sent=sent, marks=self._marks, first=first)
        self.query_one(PaneView).session = item.row.id if item is not None else None
        count = self.list.count()
        self.list.border_subtitle = Content(f"{self.list.cursor + 1} of {count}" if count else "")
