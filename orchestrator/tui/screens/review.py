"""Reviewing a session's work: look at it, mark what was looked at, comment on lines, pick what shall land."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from orchestrator.commands import MarkReviewed, Review
from orchestrator.fleet import Fleet, Row
from orchestrator.review.ask import ReviewReply
from orchestrator.tui.looks import number, one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.review.sheet import Kind, Place, Sheet
from orchestrator.tui.screens import remarks
from orchestrator.tui.screens.merge import MergeScreen
from orchestrator.tui.screens.review_moves import ReviewMoves
from orchestrator.tui.widgets.filter_line import FilterLine
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM
from orchestrator.tui.widgets.top_line import TopLine
from worktrees.partial import Chosen, Pick

if TYPE_CHECKING:
    pass

HEADS = (Kind.FILE, Kind.NOTE)


class ReviewScreen(ReviewMoves):
    """Files left, lines right. Marks and comments are told to the daemon as they are made; picks are the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Looked at", id="review-mark", tooltip="The hunk or file was looked at; go on"),
        Binding("c", "comment", "Comment", id="review-comment", tooltip="Comment on the line or range, or edit one"),
        Binding("p", "pick", "Pick", id="review-pick", tooltip="Pick the hunk, or on its head the file, to land"),
        Binding("m", "merge", "Merge", id="review-merge", tooltip="Land what is picked, else all of it"),
        Binding("S", "send", "Send", id="review-send", tooltip="Send the comments to the agent, as one message"),
        Binding("w", "since", "Since", id="review-since", tooltip="What changed since you looked at it, or all"),
        Binding("escape", "leave", "Back", id="back"),
        Binding(*("enter", "open", "Fold"), show=False, id="review-open", tooltip="Fold, unfold, show more lines"),
        Binding("f", "file(1)", "Next file", show=False, id="review-file"),
        Binding("F", "file(-1)", "Previous file", show=False),
        Binding("h", "hunk(1)", "Next hunk", show=False, id="review-hunk"),
        Binding("H", "hunk(-1)", "Previous hunk", show=False),
        Binding("l", "comments", "List comments", show=False, id="review-comments", tooltip="All comments: go, drop"),
        Binding("x", "uncomment", "Take back", show=False, id="review-uncomment", tooltip="Take the comment back"),
        Binding("v", "range", "Range", show=False, id="review-range", tooltip="Begin a range of lines"),
        Binding("t", "split", "Side by side", show=False, id="review-split", tooltip="Side by side, or unified"),
        Binding("slash", "search", "Search", show=False, id="review-search"),
        Binding("n", "find(True)", "Next match", show=False, id="review-find"),
        Binding("N", "find(False)", "Previous match", show=False),
        Binding("tab", "other", "Other side", show=False),
        Binding("R", "reload", "Reload", show=False, id="reload", tooltip="Look at the work again"),
    ]

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self._since = False
        self._head: str | None = None
        self._known: tuple[object, ...] = ()  # of the work, when it was loaded

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Static(id="review-head")
        with Horizontal(id="review-main"):
            yield self.files
            yield self.lines
        yield FilterLine("words to look for; capitals count when there are some")
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.lines.focus()
        self.action_reload()

    def current(self) -> Row | None:
        return self.app_.row(self.session)

    def show_fleet(self, _fleet: Fleet) -> None:
        row = self.current()
        if row is None:
            if self.is_current:
                self.app.pop_screen()
            return
        self.draw_head()

    def action_reload(self) -> None:
        self.run_worker(self._load(), exclusive=True, group="load")

    async def _load(self) -> None:
        row = self.current()
        known = (row.totals, row.head) if row is not None else ()
        reply: ReviewReply | None = await self.app_.ask(Review(session=self.session, since=self._since))
        if reply is None:
            self.lines.message = "It cannot be shown now.  R tries again"
            self.lines.refresh()
            return
        old = self.sheet
        place = old.place(self.lines.cursor) if old and old.total and old.reply.origin == reply.origin else None
        sheet = await asyncio.to_thread(Sheet.of, reply, self._wide())
        if old is not None and (old.reply.origin, old.reply.tree) == (reply.origin, reply.tree):
            sheet.picks, sheet.folded, sheet.around, sheet.texts = old.picks, old.folded, old.around, old.texts
            sheet.build()
        self._known = known
        said = (
            "Nothing changed since you looked at it.  w shows all" if reply.since else "Nothing differs from its base."
        )
        self.lines.message = said
        self.show(sheet, place)

    def draw_head(self) -> None:
        row, sheet = self.current(), self.sheet
        if row is None:
            return
        text = Text(f" {one_line(row.name)}", "bold").append(f"  {one_line(row.branch)} ← ", DIM)
        if sheet is not None:
            text.append(one_line(sheet.reply.base), DIM)
            left = sum(not sheet.seen(n) for n in range(len(sheet.reply.files)))
            text.append(f"   {left} of {number(len(sheet.reply.files), 'file')} to look at")
            unsent = sum(not one.sent for one in sheet.remarks)
            if unsent:
                text.append(f" · {number(unsent, 'comment')} not sent", self.app.theme_variables["text-primary"])
            if sheet.picks:
                text.append(f" · {number(len(sheet.picks), 'file')} picked", self.app.theme_variables["text-accent"])
            if self.words:
                text.append(f" · /{one_line(self.words)}", DIM)
            if self._known and (row.totals, row.head) != self._known:
                text.append("   its work changed: R looks again", self.app.theme_variables["text-warning"])
        text.no_wrap, text.overflow = True, "ellipsis"
        if (drawn := text.markup) != self._head:
            self._head = drawn
            self.query_one("#review-head", Static).update(text)

    def _meant(self) -> tuple[int, int] | None:
        """The file and hunk that keys are about; hunk -1: the file as a whole."""
        here = self.lines.here
        if self.sheet is None or here is None:
            return None
        files = self.files
        if files.has_focus and files.file is not None:
            return files.file, -1
        alone = here.kind in HEADS or self.sheet.reply.files[here.file].kind in "AD"
        inside = not alone and 0 <= here.hunk < len(self.sheet.parts[here.file].pieces)
        return here.file, here.hunk if inside else -1

    def action_mark(self) -> None:
        sheet, meant = self.sheet, self._meant()
        if sheet is None or meant is None:
            return
        file, hunk = meant
        if file >= len(sheet.parts):
            self.app_.refuse(Reason("This file was too large to be shown", "its lines: orchestrator diff"))
            return
        done = sheet.mark(file, hunk)
        pick = Pick(file=file, hunks=None if hunk < 0 else (hunk,))
        chosen = Chosen(origin=sheet.reply.origin, tree=sheet.reply.tree, picks=(pick,))
        self.run_worker(self._marked(MarkReviewed(session=self.session, chosen=chosen, done=done)))
        self.rebuild(self._next(sheet, file, hunk) if done else None)

    def _next(self, sheet: Sheet, file: int, hunk: int) -> Place:
        """The next hunk or file that was not looked at; where all were, this one."""
        for n in range(file, len(sheet.reply.files)):
            if sheet.seen(n):
                continue
            for k in range(hunk + 1 if n == file else 0, len(sheet.parts[n].pieces) if n < len(sheet.parts) else 0):
                if not sheet.seen(n, k):
                    return Place(Kind.FILE, n) if k == 0 and n != file else Place(Kind.HUNK, n, k)
            if n != file:
                return Place(Kind.FILE, n)
        return Place(Kind.FILE if hunk < 0 else Kind.HUNK, file, hunk)

    async def _marked(self, command: MarkReviewed) -> None:
        if await self.app_.ask(command) is None:
            self.action_reload()  # it was not written down: show what is

    def action_pick(self) -> None:
        sheet, meant = self.sheet, self._meant()
        if sheet is None or meant is None:
            return
        if sheet.reply.since:
            self.app_.refuse(Reason("What lands is picked in all of the work", "w goes back to it"))
            return
        sheet.pick(*meant)
        self.lines.refresh()
        self.files.refresh()
        self.draw_head()

    def action_merge(self) -> None:
        if self.sheet is not None and (row := self.current()) is not None:
            part = None if self.sheet.reply.since else self.sheet.chosen()
            self.app.push_screen(MergeScreen(row.id, part), lambda _: self.action_reload())

    def action_since(self) -> None:
        self._since = not self._since
        self.action_reload()

    def action_comment(self) -> None:
        self.app_.run_worker(remarks.comment(self))

    def action_uncomment(self) -> None:
        self.app_.run_worker(remarks.take_back(self))

    def action_comments(self) -> None:
        self.app_.run_worker(remarks.choose(self))

    def action_send(self) -> None:
        self.app_.run_worker(remarks.send(self))
