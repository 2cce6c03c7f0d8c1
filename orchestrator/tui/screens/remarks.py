"""Comments of a review: make, edit, take back, list, and send them all as one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from orchestrator.commands import Comment, SendComments
from orchestrator.review.ask import Remark
from orchestrator.review.known import message, where
from orchestrator.tui.looks import cut, one_line, safe
from orchestrator.tui.reasons import Reason, why_not
from orchestrator.tui.review.sheet import Kind, Place, Sheet
from orchestrator.tui.screens.prompt import Prompt
from orchestrator.tui.widgets.lines import DIM, Lines

if TYPE_CHECKING:
    from orchestrator.tui.screens.review import ReviewScreen


async def comment(screen: ReviewScreen) -> None:
    """Comment on the line or range under the cursor; on a comment, edit it."""
    sheet, here = screen.sheet, screen.lines.here
    if sheet is None or here is None:
        return
    if (remark := here.remark) is not None:
        title = f"Comment {one_line(remark.id)} on {cut(where(remark), 50)}"
        text = await screen.app.push_screen_wait(Prompt(title, initial=remark.text, empty=True))
        if text is not None and text.strip() != remark.text:
            await _told(screen, Comment(session=screen.session, id=remark.id, text=text))
        return
    command = _on(screen, sheet)
    if command is None:
        screen.app_.refuse(Reason("There is no line here to comment on", "go to a line of a hunk"))
        return
    last = f"–{command.last}" if command.last != command.first else ""
    title = f"Comment on {cut(one_line(command.path), 40)}:{command.first}{last}"
    text = await screen.app.push_screen_wait(Prompt(title, "What should be different here?"))
    if text:
        screen.lines.began = None
        await _told(screen, command.model_copy(update={"text": text}))


async def take_back(screen: ReviewScreen) -> None:
    """Take the comment under the cursor back."""
    here = screen.lines.here
    if here is None or here.remark is None:
        screen.app_.refuse(Reason("There is no comment here", "l lists all of them"))
        return
    await _told(screen, Comment(session=screen.session, id=here.remark.id, text=""))


async def choose(screen: ReviewScreen) -> None:
    """List all comments; the chosen one is gone to."""
    sheet = screen.sheet
    if sheet is None or not sheet.remarks:
        screen.app_.refuse(Reason("There are no comments", "c on a line makes one"))
        return
    remark = await screen.app.push_screen_wait(Remarks(sheet.remarks))
    if remark is None:
        return
    for file in range(len(sheet.reply.files)):
        if remark in sheet.said(file):
            sheet.folded[file, -1] = False
            for hunk in range(len(sheet.parts[file].pieces) if file < len(sheet.parts) else 0):
                sheet.folded[file, hunk] = False
            screen.rebuild(Place(Kind.REMARK, file, remark=remark.id))
            screen.go(screen.lines.cursor)
            return
    screen.app_.refuse(Reason(f"{one_line(remark.path)} is not among the files that are shown", "w shows all of them"))


async def send(screen: ReviewScreen) -> None:
    """Show the message for editing, then send it to the agent."""
    sheet, row = screen.sheet, screen.current()
    if sheet is None or row is None:
        return
    unsent = [remark for remark in sheet.remarks if not remark.sent]
    if not unsent:
        screen.app_.refuse(Reason("The agent has every comment", "c on a line makes one"))
        return
    if (reason := why_not("send", row, lost=screen.app_.lost > 0)) is not None:
        screen.app_.refuse(reason)
        return
    text = await screen.app.push_screen_wait(
        Prompt(f"Message to {one_line(row.name)}", initial=safe(message(unsent)), tall=True)
    )
    if not text:
        return
    ids = tuple(remark.id for remark in unsent)
    done = await screen.app_.ask(SendComments(session=row.id, text=text, ids=ids))
    if done is not None:
        screen.app_.tell(done.message)
        sheet.remarks = tuple(one.model_copy(update={"sent": one.sent or one.id in ids}) for one in sheet.remarks)
        screen.rebuild()


async def _told(screen: ReviewScreen, command: Comment) -> None:
    made: Remark | None = await screen.app_.ask(command)
    sheet = screen.sheet
    if made is None or sheet is None:
        return
    others = [one for one in sheet.remarks if one.id != made.id]
    at = next((n for n, one in enumerate(sheet.remarks) if one.id == made.id), len(others))
    sheet.remarks = (*others[:at], *((made,) if made.text else ()), *others[at:])
    screen.rebuild()


def _on(screen: ReviewScreen, sheet: Sheet) -> Comment | None:
    """The lines that are meant, of one side of one hunk."""
    rows = (screen.lines.began, screen.lines.cursor) if screen.lines.began is not None else (screen.lines.cursor,)
    places = [sheet.place(row) for row in sorted(rows)]
    last = places[-1]
    if last.kind not in (Kind.BODY, Kind.AROUND):
        return None
    entry = sheet.reply.files[last.file]
    side, number = _numbered(sheet, last)
    first = number
    if places[0].file == last.file and places[0].kind in (Kind.BODY, Kind.AROUND):
        other, begin = _numbered(sheet, places[0])
        if other == side or places[0].kind is Kind.BODY:
            first = min(begin, number) if other == side else number
    path = entry.old if side == "old" else entry.new
    tree = sheet.reply.tree
    return Comment(session=screen.session, text="", path=path, side=side, first=first, last=number, tree=tree)


def _numbered(sheet: Sheet, place: Place) -> tuple[str, int]:
    """The side on which a line is named, and its number there."""
    if place.kind is Kind.AROUND:
        return "new", place.line
    body = sheet.body(place.file, place.hunk)
    return ("old" if body.sign(place.line) == "-" else "new"), body.number(place.line)


class _List(Lines):
    def __init__(self, remarks: tuple[Remark, ...]) -> None:
        super().__init__(id="remarks")
        self._remarks = remarks

    def count(self) -> int:
        return len(self._remarks)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        remark = self._remarks[index]
        text = self.mark(selected).append(f"{remark.id:>3} ", DIM).append(cut(where(remark), 40), "bold")
        text.append("  sent  " if remark.sent else "  ", DIM)
        return text.append(cut(one_line(remark.text), max(0, width - text.cell_len)))


class Remarks(ModalScreen[Remark | None]):
    """All comments of a review."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", priority=True),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(self, remarks: tuple[Remark, ...]) -> None:
        super().__init__()
        self._remarks = remarks

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Comments"
            yield _List(self._remarks)
            yield Label("enter goes there · esc back", classes="hint")

    def on_mount(self) -> None:
        self.query_one(_List).focus()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        self.dismiss(self._remarks[self.query_one(_List).cursor])

    def action_leave(self) -> None:
        self.dismiss(None)
