"""The lines of a review: unified or side by side. However many there are, only what is seen is read and drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from orchestrator.tui.looks import cut, number, one_line, plain, safe
from orchestrator.tui.review.code import BLOCK, Code
from orchestrator.tui.review.sheet import Kind, Place, Sheet, Stretch
from orchestrator.tui.widgets.code_lines import CodeLines
from orchestrator.tui.widgets.lines import DIM
from orchestrator.tui.widgets.review_files import counts

STEP = 8


class ReviewLines(CodeLines):
    """The cursor is a line of the review; with an anchor, all from there to the cursor are meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "shift(-1)", "Left", show=False),
        Binding("right", "shift(1)", "Right", show=False),
    ]
    began: reactive[int | None] = reactive(None)
    """The row that a range began at."""

    class Sized(Message):
        """There is more or less room for lines."""

    def __init__(self) -> None:
        super().__init__(id="review-lines")
        self.sheet: Sheet | None = None
        self.message = "Loading …"

    def count(self) -> int:
        return self.sheet.total if self.sheet else 0

    def show(self, sheet: Sheet | None, place: Place | None = None) -> None:
        """Draw a review; the cursor goes to ``place``."""
        if sheet is not self.sheet:
            self._code = Code()
            self.shift = 0
            last = [piece.new + piece.new_count for part in sheet.parts for piece in part.pieces] if sheet else []
            self._digits = max(3, len(str(max(last, default=0))))
        self.sheet = sheet
        self._grounds = {}
        self.began = None
        self.measure()
        if sheet is not None and place is not None:
            self.cursor = sheet.row(place)

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Sized())

    def validate_began(self, began: int | None) -> int | None:
        return began if began is None or 0 <= began < self.count() else None

    def action_shift(self, by: int) -> None:
        self.shift += by * STEP

    @property
    def here(self) -> Stretch | None:
        """The stretch under the cursor."""
        return self.sheet.at(self.cursor)[0] if self.sheet and self.sheet.total else None

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {self.message}" if line == 0 else "", DIM)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        sheet = self.sheet
        if sheet is None:
            return Text("")
        stretch, off = sheet.at(index)
        mark = self.mark(selected)
        if (
            not selected
            and self.began is not None
            and min(self.began, self.cursor) <= index <= max(self.began, self.cursor)
        ):
            mark = Text("|" if plain() else "┃", self.colour("accent"))
        match stretch.kind:
            case Kind.FILE:
                return mark.append_text(self._file(sheet, stretch, width - 1))
            case Kind.NOTE:
                return mark.append(f"    {safe(stretch.text)}", self.colour("warning"))
            case Kind.HUNK:
                return mark.append_text(self._hunk(sheet, stretch, width - 1))
            case Kind.TAIL:
                whole = sheet.reply.files[stretch.file].kind in "MR" and stretch.hunk
                return mark.append(" " * self._digits + ("  ..." if plain() else "  ⋯") if whole else "", DIM)
            case Kind.REMARK:
                return mark.append_text(self._remark(stretch, off, width - 1))
            case Kind.AROUND:
                return mark.append_text(self._around(sheet, stretch, off, width - 1))
            case Kind.BODY:
                if sheet.split:
                    return mark.append_text(self._pair(sheet, stretch, stretch.first + off, width - 1))
                return mark.append_text(self._line(sheet, stretch, stretch.first + off, width - 1))

    # -- heads

    def _state(self, sheet: Sheet, file: int, hunk: int = -1) -> Text:
        """Marks at the right of a head: picked, looked at."""
        text = Text()
        if sheet.picked(file, hunk):
            part = hunk < 0 and sheet.picks.get(file) is not None
            text.append(f" {'*' if plain() else '●'} {'partly ' if part else ''}picked", self.colour("accent"))
        if sheet.seen(file, hunk):
            text.append(f" {'+' if plain() else '✓'} looked at", self.colour("success"))
        return text.append(" ")

    def _headed(self, left: Text, state: Text, width: int) -> Text:
        room = width - state.cell_len
        left.truncate(max(0, room), overflow="ellipsis")
        return left.append(" " * max(0, room - left.cell_len)).append_text(state)

    def _file(self, sheet: Sheet, stretch: Stretch, width: int) -> Text:
        entry = sheet.reply.files[stretch.file]
        closed = sheet.closed(stretch.file)
        fold = (">" if closed else "v") if plain() else ("▸" if closed else "▾")
        text = Text().append(f"{fold} ", "bold").append(f"{entry.kind} ", self.colour("warning"))
        name = one_line(entry.new)
        if entry.old != entry.new:
            name = f"{one_line(entry.old)} {'->' if plain() else '→'} {name}"
        text.append(name, "bold underline")
        if entry.added is not None:
            plus, minus = counts(entry)
            text.append(f"  {plus}", self.colour("success")).append(f" {minus}", self.colour("error"))
        if closed and (said := len(sheet.said(stretch.file))):
            text.append(f"  {number(said, 'comment')}", self.colour("primary"))
        return self._headed(text, self._state(sheet, stretch.file), width)

    def _hunk(self, sheet: Sheet, stretch: Stretch, width: int) -> Text:
        piece = sheet.piece(stretch.file, stretch.hunk)
        dots = "..." if plain() else "⋯"
        text = Text(" " * self._digits)
        text.append(f" {dots} {number(stretch.hidden, 'line')} " if stretch.hidden else "  ", DIM)
        text.append(safe(piece.header) or ("" if stretch.hidden else f"line {piece.new}"), self.colour("accent"))
        if sheet.closed(stretch.file, stretch.hunk):
            text.append(f"  {number(piece.lines, 'line')} folded", DIM)
        return self._headed(text, self._state(sheet, stretch.file, stretch.hunk), width)

    def _remark(self, stretch: Stretch, off: int, width: int) -> Text:
        remark = stretch.remark
        if remark is None:
            return Text("")
        bar = "|" if plain() else "┃"
        text = Text(" " * (self._digits + 2)).append(f"{bar} ", self.colour("primary"))
        if off:
            lines = remark.text.splitlines()
            return text.append(cut(safe(lines[off - 1]) if off <= len(lines) else "", width - text.cell_len), "bold")
        last = f"–{remark.last}" if remark.last != remark.first else ""
        gone = "; these lines are not shown any more" if stretch.hidden else ""
        text.append(f"comment {remark.id} on line {remark.first}{last}", self.colour("primary"))
        return text.append(f"  {'sent' if remark.sent else 'not sent'}{gone}", DIM)

    # -- lines

    def _around(self, sheet: Sheet, stretch: Stretch, off: int, width: int) -> Text:
        entry = sheet.reply.files[stretch.file]
        lines = sheet.texts.get(entry.new_blob, [])
        new = stretch.first + off
        pieces = sheet.parts[stretch.file].pieces
        shift = 0
        if stretch.hunk:
            before = pieces[stretch.hunk - 1]
            shift = (before.old + before.old_count + (not before.old_count)) - (
                before.new + before.new_count + (not before.new_count)
            )
        block = (new - 1) // BLOCK
        body = [safe(line) for line in lines[block * BLOCK : (block + 1) * BLOCK]]
        at = (new - 1) % BLOCK
        shown = body[at] if at < len(body) else ""
        spans = self._code.spans((entry.new_blob, block), entry.new, body)
        if not sheet.split:
            content = self._content(shown, spans[at] if at < len(spans) else [], " ", (), width - 2 * self._digits - 4)
            return self._gutter(str(new + shift), str(new), " ").append_text(content)
        half = (width - 1) // 2
        content = self._content(shown, spans[at] if at < len(spans) else [], " ", (), half - self._digits - 3)
        left = self._gutter(str(new + shift), None, " ").append_text(content)
        right = self._gutter(None, str(new), " ").append_text(content)
        return self._joined(left, right, half)

    def _line(self, sheet: Sheet, stretch: Stretch, index: int, width: int) -> Text:
        body = sheet.body(stretch.file, stretch.hunk)
        old, new = body.old(index), body.new(index)
        gutter = self._gutter("" if old is None else str(old), "" if new is None else str(new), body.sign(index))
        return gutter.append_text(self._body(sheet, stretch, index, width - gutter.cell_len))

    def _pair(self, sheet: Sheet, stretch: Stretch, row: int, width: int) -> Text:
        body = sheet.body(stretch.file, stretch.hunk)
        half = (width - 1) // 2
        sides = []
        for side, index in enumerate(body.rows[row]):
            if index < 0:
                sides.append(Text(""))
                continue
            number_ = body.new(index) if side else body.old(index)
            shown = "" if number_ is None else str(number_)
            gutter = self._gutter(None if side else shown, shown if side else None, body.sign(index))
            sides.append(gutter.append_text(self._body(sheet, stretch, index, half - gutter.cell_len)))
        return self._joined(sides[0], sides[1], half)
