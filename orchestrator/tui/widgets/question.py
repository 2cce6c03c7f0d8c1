"""What a session asks, in full: title, command or text, options with their keys."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from orchestrator.fleet import Row
from orchestrator.inbox.order import Item
from orchestrator.inbox.telling import keys, reasons, what
from orchestrator.tui.answers import letters, several
from orchestrator.tui.looks import age, listed, one_line, risk_look, safe
from orchestrator.tui.widgets.needs_you import asking
from sessions.models import Kind, Question

_ASKS = {
    Kind.PERMISSION: ("wants permission", "want permission"),
    Kind.QUESTION: ("asks", "ask"),
    Kind.PLAN: ("has a plan", "have a plan"),
    Kind.DIALOG: ("shows a dialog of its own", "show a dialog of their own"),
    Kind.BUDGET: ("is held by a cap", "are held by a cap"),
}
_TITLES = {
    "message": "Asks in words",
    "failed": "Failed",
    "conflict": "Conflict",
    "ready": "Ready to merge",
    "finished": "Finished",
}
_STANDS = {
    "message": "asks in its last words",
    "failed": "has failed",
    "conflict": "is done, and its work conflicts",
    "ready": "is done",
    "finished": "is done, without a change",
}
LAST_WORDS = 400
"""Characters of what the agent said before it asked."""


class QuestionView(VerticalScroll, can_focus=False):
    """Draws one question. Text of agents is plain text, never markup."""

    BORDER_TITLE = "Question"

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._shown = ""

    def compose(self):  # type: ignore[no-untyped-def]
        yield Static(id="question-text")

    def on_mount(self) -> None:
        # The layout of a new question may come after the refresh that `show` waits for.
        self.watch(self, "virtual_size", self._tell_more)

    def show(
        self, item: Item | None, *, sent: bool = False, marks: frozenset[str] = frozenset(), first: bool = False
    ) -> None:
        """Draw what all of the item ask, or what it is.

        ``sent``: the answer is on its way; ``marks``: the options marked so far; ``first``: nothing is worth more.
        """
        body: RenderableType = Text("Nobody needs you.", "dim")
        self._name, shown = "", ""
        title = _TITLES.get(item.kind, self.BORDER_TITLE) if item is not None else self.BORDER_TITLE
        self.border_title = Content(title)
        if item is not None:
            shown = asking(item.row)
            now: datetime = self.app.now()  # type: ignore[attr-defined]
            why = f"{'first' if first else 'here'} because: {', '.join(reasons(item))}"
            body = _drawn(item.rows, why, marks, now) if item.blocks else _told(item, why, now)
            self._name = "answering …" if sent else listed([one_line(row.name) for row in item.rows])
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
        self.border_subtitle = Content("▼ it goes on: space shows more" if more else self._name or "")


def _told(item: Item, why: str, now: datetime) -> RenderableType:
    """What blocks no agent: how it stands, why it is shown here, and which keys act on it."""
    row = item.row
    head = Text(f"{one_line(row.agent)} {_STANDS.get(item.kind, '')}", "bold")
    head.append(f"   for {age((now - row.status.since).total_seconds())}", "dim")
    said = safe(row.said).strip()
    parts: list[RenderableType] = [head, _reason(why), Text(what(item))]
    if said and item.kind not in ("message", "finished"):
        parts += [Text(), Text("its last words", "dim"), Padding(Text(_end(said)), (0, 2))]
    elif said:
        parts[-1] = Padding(Text(_end(said)), (0, 2))
    return Group(*parts, Text(), Text(keys(item), "bold"), Text(f"in {one_line(row.worktree)}", "dim"))


def _reason(why: str) -> Text:
    """One line, whatever it holds: a command below it must not be pushed out."""
    return Text(why, "dim italic", no_wrap=True, overflow="ellipsis")


def _end(said: str) -> str:
    return said if len(said) <= LAST_WORDS else "… " + said[-LAST_WORDS:].lstrip()


def _drawn(group: tuple[Row, ...], reason: str, marks: frozenset[str], now: datetime) -> RenderableType:
    row = group[0]
    question = row.status.question
    one, many = _ASKS[row.status.kind or Kind.DIALOG]
    head = Text(f"{one_line(row.agent)} {one}" if len(group) == 1 else f"{len(group)} sessions {many}", "bold")
    head.append(f"   for {age((now - row.status.since).total_seconds())}", "dim")
    if question is None:
        return Group(head, _reason(reason), Text("Its terminal shows what it is.  o attaches · i types into it"))
    parts: list[RenderableType] = [head, _reason(reason)]
    title, said = one_line(question.title), safe(question.text).strip()
    why = ""
    if question.command:
        parts.append(Padding(Text(safe(question.command), "bold"), (0, 4)))
        why = said.replace(safe(question.command), "").strip()
        why = "" if why == title else why
    else:
        if title:
            parts.append(Text(title, "bold"))
        if said and said != title:
            parts += [Text(), Text(said)]
    facts = _facts(question, why)
    below = [*_places(group), *_last_words(row, question)]
    parts += [Text(), facts] if facts.row_count else []
    return Group(*parts, Text(), *_options(question, marks), *below)


def _facts(question: Question, why: str) -> Table:
    """What helps to decide, each with its name."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    if question.path:
        facts.add_row("file", Text(one_line(question.path), "bold"))
    if why:
        facts.add_row("why", Text(f"“{why}”"))
    if question.risk is not None:
        look = risk_look(question.risk)
        risk = Text(look.text, "bold" if look.bold else "")
        facts.add_row("risk", risk.append(f" — {one_line(question.risk_because)}" if question.risk_because else "", ""))
    return facts


def _places(group: tuple[Row, ...]) -> list[RenderableType]:
    """Where it works, or each of several."""
    if len(group) == 1:
        return [Text(f"in {one_line(group[0].worktree)}", "dim")]
    places = Table.grid(padding=(0, 2))
    for row in group:
        places.add_row(Text(one_line(row.name), no_wrap=True), Text(one_line(row.worktree), "dim", overflow="fold"))
    return [Text(), Text("asked by", "dim"), Padding(places, (0, 2))]


def _last_words(row: Row, question: Question) -> list[RenderableType]:
    said = safe(row.said).strip()
    if not said or said == safe(question.text).strip():
        return []
    return [Text(), Text("its last words", "dim"), Padding(Text(_end(said)), (0, 2))]


def _options(question: Question, marks: frozenset[str]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    also = letters(question)
    for option in question.options:
        line = Text(f"  {also.get(option.key, ' ')} {one_line(option.key)}  " if also else f"  {option.key}  ", "bold")
        if question.multiple:
            line.append("[x] " if option.key in marks else "[ ] ", "bold" if option.key in marks else "not bold")
        line.append(one_line(option.label), "not bold")
        if option.detail:
            line.append(f"  {one_line(option.detail)}", "not bold dim")
        lines.append(line)
    if question.multiple:
        chosen = several(question, marks)
        lines.append(Text(f"  ↵  answers {chosen}" if chosen else "  digits mark, ↵ answers", "dim"))
    if question.free_text:
        line = Text("  r    " if also else "  r  ", "bold")
        lines.append(line.append("answer in words", "not bold dim"))
    return lines
