"""A diff: files left, hunks right, each line with its sign and numbers. Only lines that are seen are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from orchestrator.commands import DiffReply
from orchestrator.tui.looks import cut, filled, one_line, plain, safe
from orchestrator.tui.widgets.lines import Lines
from worktrees.models import Change


class Files(Lines):
    """The changed files."""

    def __init__(self) -> None:
        super().__init__(id="files")
        self.changes: tuple[Change, ...] = ()
        self.message = "Loading …"

    def count(self) -> int:
        return len(self.changes)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        change = self.changes[index]
        plus = "bin" if change.binary else f"+{change.added}"
        minus = "" if change.binary else f"−{change.removed}"
        kind = "?" if change.untracked else change.kind.value
        left = max(4, width - 4 - 11)
        text = Text(f" {kind} ", self.colour("warning") if change.untracked else "bold")
        text.append(filled(_tail(one_line(change.path), left), left + 1))
        text.append(plus.rjust(5), self.colour("success"))
        return text.append(minus.rjust(5), self.colour("error"))

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {self.message}" if line == 0 else "", self.colour(""))


class Hunks(Lines):
    """All lines of all files under each other; the cursor is the line at the top of a page."""

    def __init__(self) -> None:
        super().__init__(id="hunks")
        self.rows: list[tuple[str, str, str, str]] = []  # sign, old, new, text
        self.starts: list[int] = []

    def count(self) -> int:
        return len(self.rows)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        sign, old, new, body = self.rows[index]
        if sign == "F":
            return Text(f" {body}", "bold underline")
        if sign == "@":
            return Text(f" {body}", self.colour("accent"))
        style = {"+": self.colour("success"), "-": self.colour("error")}.get(sign, "")
        text = Text(f"{old:>5} {new:>5} ", self.colour(""))
        return text.append(cut(f"{sign} {body}", width - 13), style)


class DiffView(Horizontal):
    """Files and hunks; moving in the files moves the hunks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "file(-1)", "Previous file", show=False),
        Binding("f", "file(1)", "Next file", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield Files()
        yield Hunks()

    def show(self, reply: DiffReply) -> None:
        """Draw a diff."""
        files, hunks = self.query_one(Files), self.query_one(Hunks)
        files.changes = reply.changes
        files.message = f"Nothing differs from {one_line(reply.base)}."
        hunks.rows, hunks.starts = [], []
        for change in reply.changes:
            hunks.starts.append(len(hunks.rows))
            hunks.rows += _rows(change)
        files.measure()
        hunks.measure()
        files.focus()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        hunks = self.query_one(Hunks)
        if isinstance(event.lines, Files) and hunks.starts:
            start = hunks.starts[event.lines.cursor]
            hunks.cursor = start
            hunks.scroll_to(y=start, animate=False, force=True)
        event.stop()

    def action_file(self, by: int) -> None:
        self.query_one(Files).cursor += by


def _tail(path: str, width: int) -> str:
    """The end of a path, which tells most."""
    if cell_len(path) <= width:
        return path
    rest = path[-width + 1 :]
    while cell_len(rest) >= width:
        rest = rest[1:]
    return ("~" if plain() else "…") + rest


def _rows(change: Change) -> list[tuple[str, str, str, str]]:
    name = one_line(change.path)
    if change.old_path:
        name = f"{one_line(change.old_path)} → {name}"
    rows = [("F", "", "", name)]
    if change.binary:
        rows.append(("@", "", "", "binary"))
    for hunk in change.hunks:
        rows.append(("@", "", "", f"@@ −{hunk.old_start} +{hunk.new_start} @@ {safe(hunk.header)}"))
        for line in hunk.lines:
            old = str(line.old) if line.old is not None else ""
            new = str(line.new) if line.new is not None else ""
            rows.append((line.sign, old, new, safe(line.text)))
    rows.append((" ", "", "", ""))
    return rows
