"""What a session asks, in full: title, command or text, options with their keys."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from orchestrator.fleet import Row
from orchestrator.tui.answers import letters
from orchestrator.tui.looks import age, one_line, safe
from orchestrator.tui.widgets.needs_you import asking
from sessions.models import Kind, Question

_ASKS = {
    Kind.PERMISSION: "wants permission",
    Kind.QUESTION: "asks",
    Kind.PLAN: "has a plan",
    Kind.DIALOG: "shows a dialog of its own",
}


class QuestionView(VerticalScroll, can_focus=False):
    """Draws one question. Text of agents is plain text, never markup."""

    BORDER_TITLE = "Question"

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._shown = ""

    def compose(self):  # type: ignore[no-untyped-def]
        yield Static(id="question-text")

    def show(self, row: Row | None, *, sent: bool = False) -> None:
        """Draw what ``row`` asks; ``sent``: the answer is on its way."""
        body: RenderableType = Text("Nobody needs you.", "dim")
        self._name, shown = (one_line(row.name), asking(row)) if row is not None else ("", "")
        if row is not None:
            body = _drawn(row, self.app.now())  # type: ignore[attr-defined]
            self._name = "answering …" if sent else self._name
        self.query_one("#question-text", Static).update(body)
        if shown != self._shown:
            self._shown = shown
            self.scroll_home(animate=False)
        self.call_after_refresh(self._tell_more)

    def page(self, by: int) -> None:
        """Show the next or the previous part of a long question."""
        self.scroll_relative(y=by * max(1, self.size.height - 1), animate=False)
        self.call_after_refresh(self._tell_more)

    def on_resize(self) -> None:
        self._tell_more()

    def _tell_more(self) -> None:
        """A command must not be approved by its beginning: say that it goes on."""
        more = self.scroll_offset.y < self.max_scroll_y
        self.set_class(more, "-more")
        self.border_subtitle = "▼ it goes on: space shows more" if more else self._name


def _drawn(row: Row, now: datetime) -> RenderableType:
    question = row.status.question
    kind = row.status.kind or Kind.DIALOG
    since = age((now - row.status.since).total_seconds())
    head = Text(f"{row.agent} {_ASKS[kind]}", "bold")
    head.append(f"   for {since}", "dim")
    if question is None:
        return Group(head, Text(), Text("Its terminal shows what it is.  o attaches · i types into it"))
    parts: list[RenderableType] = [head, Text()]
    title = one_line(question.title)
    if question.command:
        parts.append(Padding(Text(safe(question.command), "bold"), (0, 4)))
    elif title:
        parts.append(Text(title, "bold"))
    text = safe(question.text).strip()
    rest = text.replace(safe(question.command), "").strip() if question.command else text
    if rest and rest != title:
        parts += [Text(), Text(rest)]
    parts += [Text(), *_options(question), Text(), Text(f"in {row.worktree}", "dim")]
    return Group(*parts)


def _options(question: Question) -> list[RenderableType]:
    lines: list[RenderableType] = []
    also = letters(question)
    for option in question.options:
        line = Text(f"  {also.get(option.key, ' ')} {option.key}  " if also else f"  {option.key}  ", "bold")
        line.append(one_line(option.label), "not bold")
        if option.detail:
            line.append(f"  {one_line(option.detail)}", "not bold dim")
        lines.append(line)
    if question.multiple:
        lines.append(Text("  takes several answers: o attaches", "dim"))
    elif question.free_text:
        line = Text("  r    " if also else "  r  ", "bold")
        lines.append(line.append("answer in words", "not bold dim"))
    return lines
