"""The history of a session: its snapshots, newest first, and what one did or how two differ."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher, Static

from orchestrator.commands import DiffReply
from orchestrator.tui.looks import age, cut, filled, number, one_line, plain
from orchestrator.tui.widgets.diff_view import DiffView, Files
from orchestrator.tui.widgets.lines import DIM, Lines
from worktrees.models import Change, ChangeKind, Moment


class Moments(Lines):
    """The snapshots under what is there now. ``marked`` are the numbers to be compared; 0 is now."""

    head_lines: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__(id="moments")
        self.moments: tuple[Moment, ...] = ()
        self.marked: list[int] = []
        self.message = "Loading …"

    def count(self) -> int:
        return len(self.moments) + 1 if self.moments else 0

    @property
    def current(self) -> Moment | None:
        """The snapshot under the cursor; None: now, or there is none."""
        return self.moments[self.cursor - 1] if self.cursor and self.moments else None

    def draw_head(self, line: int, width: int) -> Text:
        return Text(cut(f"   {'N':>4} {'AGE':>6}  {filled('REASON', width - 46)} FILES     +     −  HEAD", width), DIM)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        moment = self.moments[index - 1] if index else None
        mark = ("*" if plain() else "◆") if (moment.number if moment else 0) in self.marked else " "
        text = self.mark(selected).append(mark, self.colour("accent"))
        if moment is None:
            return text.append("      now", "bold").append("  what is there, kept or not", DIM)
        kept = moment.snapshot
        passed = max(0.0, (self.now() - kept.at).total_seconds())
        text.append(f" {moment.number:>4}", "bold").append(f" {age(passed):>6}  ")
        text.append(filled(cut(one_line(kept.reason), width - 47), width - 46))
        text.append(f"{moment.files or '':>6}")
        text.append(f"{f'+{moment.added}' if moment.added else '':>6}", self.colour("success"))
        text.append(f"{f'−{moment.removed}' if moment.removed else '':>6}", self.colour("error"))
        older = self.moments[index].snapshot.parent if index < len(self.moments) else kept.parent
        moved = kept.parent != older
        return text.append(f"  {kept.parent[:10] or 'gone'}", self.colour("warning") if moved else DIM)

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {self.message}" if line == self.head_lines else "", self.colour(""))


class HistoryView(ContentSwitcher):
    """The list, or in its place the diff that was asked for. It asks by messages and is given what to show."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            *("enter", "show", "Diff"),
            key_display="↵",
            id="history-show",
            tooltip="What it changed, or how the marked differ",
        ),
        Binding("space", "mark", "Mark", id="history-mark", tooltip="Mark two snapshots to compare them"),
        Binding("r", "restore", "Restore", id="history-restore", tooltip="Bring its files back; asks first"),
        Binding("escape", "list", "List", id="history-list", tooltip="Back to the list"),
    ]

    class Wanted(Message):
        """How two differ is asked for: numbers of snapshots; ``old`` None: the one before, ``new`` None: now."""

        def __init__(self, old: int | None, new: int | None) -> None:
            super().__init__()
            self.old, self.new = old, new

    class Restoring(Message):
        """A snapshot, or one path of it, is to come back."""

        def __init__(self, number: int, path: str | None = None) -> None:
            super().__init__()
            self.number, self.path = number, path

    class Refused(Message):
        """A key cannot act here, and which one would."""

        def __init__(self, message: str, hint: str) -> None:
            super().__init__()
            self.message, self.hint = message, hint

    def __init__(self) -> None:
        super().__init__(id="history-view", initial="history-list")
        self._between: tuple[int | None, int | None] = (None, None)

    def compose(self) -> ComposeResult:
        with Vertical(id="history-list"):
            yield Moments()
            yield Static(id="history-out")
        yield HistoryDiff()

    def show(self, moments: tuple[Moment, ...]) -> None:
        """Draw the list; the cursor stays on its snapshot."""
        listed = self.query_one(Moments)
        at = listed.current.number if listed.current else None
        listed.moments, listed.message = moments, "No snapshot yet. The first turn makes one."
        numbers = {moment.number for moment in moments}
        listed.marked = [one for one in listed.marked if one in numbers or one == 0]
        listed.measure()
        if moments:
            found = next((n for n, moment in enumerate(moments, start=1) if moment.number == at), None)
            listed.cursor = found if found is not None else min(1, len(moments))
        if self.current == "history-list":
            listed.focus()

    def show_diff(self, reply: DiffReply, old: int | None, new: int | None) -> None:
        """Draw what was asked for, in the place of the list."""
        self._between = (old, new)
        self.current = "history-diff"
        self.query_one(HistoryDiff).show_between(reply, new)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        in_list = self.current == "history-list"
        if action == "list":
            return not in_list
        return in_list if action in ("show", "mark") else True

    def on_lines_moved(self, event: Lines.Moved) -> None:
        if not isinstance(event.lines, Moments):
            return
        event.stop()
        current = event.lines.current
        names = current.snapshot.left_out if current else ()
        shown = ", ".join(one_line(name) for name in names[:8])
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        out = Text(f" not kept: {shown}{more}" if names else "", DIM)
        out.no_wrap, out.overflow = True, "ellipsis"
        self.query_one("#history-out", Static).update(out)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if isinstance(event.lines, Moments):
            event.stop()
            self.action_show()

    def action_list(self) -> None:
        self.current = "history-list"
        self.query_one(Moments).focus()
        self.refresh_bindings()

    def action_mark(self) -> None:
        listed = self.query_one(Moments)
        this = listed.current.number if listed.current else 0
        if this in listed.marked:
            listed.marked.remove(this)
        else:
            listed.marked = [*listed.marked[-1:], this]
        listed.refresh()

    def action_show(self) -> None:
        """Two marked ones are compared, or a marked one with the one under the cursor; else it is told what it did."""
        listed = self.query_one(Moments)
        if not listed.moments:
            return
        this = listed.current.number if listed.current else 0
        chosen = {*listed.marked, this} if len(listed.marked) == 1 else set(listed.marked)
        if len(chosen) == 2:
            old, new = sorted(chosen, key=lambda one: one or float("inf"))
            self.post_message(self.Wanted(old, new or None))
        elif this:
            self.post_message(self.Wanted(None, this))
        else:
            self.post_message(self.Wanted(listed.moments[0].number, None))

    def action_restore(self) -> None:
        if self.current == "history-list":
            listed = self.query_one(Moments)
            if listed.current is None:
                self.post_message(self.Refused("This is what is there now", "↓ goes to a snapshot, r restores it"))
            else:
                self.post_message(self.Restoring(listed.current.number))
            return
        change = self.query_one(HistoryDiff).change
        if change is None:
            return
        old, new = self._between
        source = old if change.kind is ChangeKind.DELETED or new is None else new
        if source is None:
            self.post_message(self.Refused("No snapshot holds that file", "esc goes back to the list"))
        else:
            self.post_message(self.Restoring(source, change.path))


class HistoryDiff(Vertical):
    """A diff under a line that says of what."""

    def __init__(self) -> None:
        super().__init__(id="history-diff")

    def compose(self) -> ComposeResult:
        yield Static(id="history-title")
        yield DiffView()

    @property
    def change(self) -> Change | None:
        """The file under the cursor."""
        files = self.query_one(Files)
        return files.changes[files.cursor] if files.changes else None

    def show_between(self, reply: DiffReply, new: int | None) -> None:
        """Draw it, and between what it is."""
        what = f"snapshot {new}" if new else "now"
        counted = number(len(reply.changes), "file")
        text = Text(f" {what}", "bold").append(f"  against {one_line(reply.base)} · {counted}", DIM)
        text.no_wrap, text.overflow = True, "ellipsis"
        self.query_one("#history-title", Static).update(text)
        self.query_one(DiffView).show(reply)
