"""What is behind a conflict: the files, and what each of the two sides did to them."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from orchestrator.sights import ClashReply
from orchestrator.tui.looks import cut, filled, one_line, safe
from orchestrator.tui.widgets.lines import DIM, Lines
from worktrees.models import Change, Clash


class ClashFiles(Lines):
    """Paths in conflict, and how."""

    def __init__(self) -> None:
        super().__init__(id="clash-files")
        self.clashes: tuple[Clash, ...] = ()
        self.message = "Loading …"

    def count(self) -> int:
        return len(self.clashes)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        conflict = self.clashes[index].conflict
        kind = cut(one_line(conflict.kind), 24)
        path = cut(one_line(conflict.path), width - len(kind) - 4)
        return self.mark(selected).append(filled(path, width - len(kind) - 3)).append(kind, self.colour("error"))

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {cut(self.message, width - 2)}" if line == 0 else "", self.colour(""))


class ClashHunks(Lines):
    """All of it, one file under the other, each side under its name."""

    keeps_cursor = False

    def __init__(self) -> None:
        super().__init__(id="clash-hunks")
        self.rows: list[tuple[str, str]] = []  # sign and text
        self.starts: list[int] = []

    def count(self) -> int:
        return len(self.rows)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        sign, body = self.rows[index]
        style = {"F": "bold underline", "S": "bold", "@": self.colour("accent"), "T": DIM}.get(sign, "")
        style = {"+": self.colour("success"), "-": self.colour("error")}.get(sign, style)
        mark = self.mark(selected)
        return mark.append(cut(body if sign in "FS@T" else f"  {sign} {body}", width - 2), style)


class ClashView(Vertical):
    """Moving in the files moves the hunks."""

    def compose(self) -> ComposeResult:
        yield ClashFiles()
        yield ClashHunks()

    def show(self, reply: ClashReply) -> None:
        """Draw what is behind a cell."""
        files, hunks = self.query_one(ClashFiles), self.query_one(ClashHunks)
        files.clashes = reply.clashes
        files.message = f"{one_line(reply.one)} and {one_line(reply.other)} merge cleanly."
        hunks.rows, hunks.starts = [], []
        for clash in reply.clashes:
            hunks.starts.append(len(hunks.rows))
            hunks.rows.append(("F", one_line(clash.conflict.path)))
            for name, side in ((reply.one, clash.one), (reply.other, clash.other)):
                hunks.rows.append(("S", f" {one_line(name)}"))
                hunks.rows += _side(side)
            hunks.rows.append(("T", ""))
        files.measure()
        hunks.measure()
        files.focus()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        hunks = self.query_one(ClashHunks)
        if isinstance(event.lines, ClashFiles) and hunks.starts:
            hunks.cursor = hunks.starts[event.lines.cursor]
            hunks.scroll_to(y=hunks.cursor, animate=False, force=True)


def _side(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for change in changes:
        if change.old_path:
            rows.append(("T", f"  renamed from {one_line(change.old_path)} to {one_line(change.path)}"))
        if change.binary:
            rows.append(("T", "  a binary file"))
        if change.kind.value in "AD":
            rows.append(("T", "  a new file" if change.kind.value == "A" else "  deleted"))
        for hunk in change.hunks:
            rows.append(("@", f"  @@ −{hunk.old_start} +{hunk.new_start} @@ {one_line(hunk.header)}"))
            rows += [(line.sign, safe(line.text)) for line in hunk.lines]
    return rows or [("T", "  nothing that could be shown by lines")]
