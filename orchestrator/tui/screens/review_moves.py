"""Moving in a review: files, hunks, folds, ranges, searching. What it is about is in :mod:`.review`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from orchestrator.commands import Blob
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.review.search import Search
from orchestrator.tui.review.sheet import MORE, Kind, Place, Sheet
from orchestrator.tui.widgets.filter_line import FilterLine
from orchestrator.tui.widgets.lines import Lines
from orchestrator.tui.widgets.review_files import ReviewFiles
from orchestrator.tui.widgets.review_lines import ReviewLines

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

SPLIT = 110
"""Cells of the lines from which on the two sides stand beside each other."""


class ReviewMoves(Screen[None]):
    """The part of a review's screen that asks the daemon for nothing but lines around a hunk."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session
        self.files, self.lines = ReviewFiles(), ReviewLines()
        self.words = ""  # that are looked for
        self._split: bool | None = None  # as the human wants it; None: as there is room
        self._search: tuple[Sheet, Search] | None = None

    def draw_head(self) -> None:
        raise NotImplementedError

    def action_comment(self) -> None:
        raise NotImplementedError

    @property
    def app_(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    @property
    def sheet(self) -> Sheet | None:
        return self.lines.sheet

    def show(self, sheet: Sheet, place: Place | None) -> None:
        self.lines.show(sheet, place)
        self.files.show(sheet)
        self._follow()
        self.draw_head()

    def rebuild(self, place: Place | None = None) -> None:
        """Lay the rows out anew; the cursor stays where it is, or goes to ``place``."""
        sheet = self.sheet
        if sheet is not None and sheet.total:
            place = place or sheet.place(self.lines.cursor)
            sheet.build()
            self.show(sheet, place)

    def _wide(self) -> bool:
        return self._split if self._split is not None else self.lines.size.width >= SPLIT

    def on_review_lines_sized(self, event: ReviewLines.Sized) -> None:
        event.stop()
        self._lay(self._wide())

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        files = self.files
        if event.lines is files:
            if files.has_focus and files.file is not None and self.sheet is not None:
                self.go(self.sheet.heads[files.file])
        else:
            self._follow()

    def _follow(self) -> None:
        files, here = self.files, self.lines.here
        if here is not None and not files.has_focus:
            files.follow(here.file)

    def go(self, row: int) -> None:
        """Put the cursor on a row, with what follows it in sight."""
        lines = self.lines
        lines.cursor = row
        if not lines.scroll_offset.y <= row < lines.scroll_offset.y + lines.size.height * 2 // 3:
            lines.scroll_to(y=max(0, row - 2), animate=False, force=True)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        event.stop()
        if isinstance(event.lines, ReviewFiles):
            self.lines.focus()
        elif (here := self.lines.here) is not None:
            if here.kind in (Kind.BODY, Kind.REMARK, Kind.AROUND):
                self.action_comment()
            else:
                self.action_open()

    def action_other(self) -> None:
        (self.files if self.lines.has_focus else self.lines).focus()

    def action_leave(self) -> None:
        if self.lines.began is not None:
            self.lines.began = None
        else:
            self.app.pop_screen()

    def action_file(self, by: int) -> None:
        if (sheet := self.sheet) is not None and (here := self.lines.here) is not None:
            at_head = here.kind is Kind.FILE
            self.go(sheet.heads[max(0, min(here.file + (0 if by < 0 and not at_head else by), len(sheet.heads) - 1))])

    def action_hunk(self, by: int) -> None:
        if (sheet := self.sheet) is None or not sheet.total:
            return
        rows = [at for at, one in zip(sheet.starts, sheet.stretches, strict=True) if one.kind is Kind.HUNK]
        wanted = [row for row in rows if (row > self.lines.cursor if by > 0 else row < self.lines.cursor)]
        if wanted:
            self.go(wanted[0 if by > 0 else -1])

    def action_range(self) -> None:
        self.lines.began = None if self.lines.began is not None else self.lines.cursor

    def action_split(self) -> None:
        self._split = not self._wide()
        self._lay(self._split)

    def _lay(self, split: bool) -> None:
        sheet = self.sheet
        if sheet is not None and sheet.total and sheet.split != split:
            place = sheet.place(self.lines.cursor)  # asked of the rows as they are
            sheet.split = split
            self.rebuild(place)

    def action_open(self) -> None:
        sheet, here = self.sheet, self.lines.here
        if sheet is None or here is None:
            return
        match here.kind:
            case Kind.FILE | Kind.NOTE:
                sheet.folded[here.file, -1] = not sheet.closed(here.file)
                self.rebuild(Place(Kind.FILE, here.file))
            case Kind.HUNK if sheet.closed(here.file, here.hunk):
                sheet.folded[here.file, here.hunk] = False
                self.rebuild()
            case Kind.HUNK | Kind.TAIL if here.hidden or (here.kind is Kind.TAIL and here.hunk):
                self.run_worker(self._unfold(here.file, here.hunk), exclusive=True, group="unfold")
            case Kind.REMARK:
                self.action_comment()
            case Kind.HUNK | Kind.BODY:
                sheet.folded[here.file, here.hunk] = True
                self.rebuild(Place(Kind.HUNK, here.file, here.hunk))
            case _:
                pass

    async def _unfold(self, file: int, hunk: int) -> None:
        """Show more unchanged lines above a hunk, or below the last."""
        sheet = self.sheet
        if sheet is None:
            return
        blob = sheet.reply.files[file].new_blob
        if blob not in sheet.texts:
            reply = await self.app_.ask(Blob(session=self.session, blob=blob))
            if reply is None:
                return
            lines = reply.text.split("\n")
            sheet.texts[blob] = lines[:-1] if lines[-1] == "" else lines
        sheet.around[file, hunk] = sheet.around.get((file, hunk), 0) + MORE
        self.rebuild()

    def action_search(self) -> None:
        self.query_one(FilterLine).open(self.words)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        line = self.query_one(FilterLine)
        self.words = self.lines.query_text = line.value if event.kept else ""
        self.lines.focus()
        self.lines.refresh()
        self.draw_head()
        if self.words:
            self.action_find(True)

    def action_find(self, forward: bool) -> None:
        sheet = self.sheet
        if sheet is None or not sheet.total:
            return
        if not self.words:
            self.action_search()
            return
        if self._search is None or self._search[0] is not sheet:
            self._search = sheet, Search(sheet)
        found = self._search[1].find(self.words, sheet.place(self.lines.cursor), forward)
        if found is None:
            self.app_.refuse(Reason(f"No line has {one_line(self.words)}", "/ looks for something else"))
            return
        if sheet.closed(found.file) or sheet.closed(found.file, found.hunk):
            sheet.folded[found.file, -1] = sheet.folded[found.file, found.hunk] = False
            self.rebuild(found)
        self.go(sheet.row(found))
